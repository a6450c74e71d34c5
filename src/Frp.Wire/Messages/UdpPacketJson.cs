using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Frp.Wire;

/// <summary>The short way for the one message that is sent for every datagram: its usual form, byte by byte.</summary>
/// <remarks>
/// <code>
/// packet  := "{" [ content ] [ "," ] [ remote ] "}"
/// content := "c":" base64 "
/// remote  := "r":{"IP":" text ","Port": number ,"Zone":" text "}
/// </code>
/// Whatever else is said, or said in another way, is left to the general reader and writer: both ways give the same.
/// </remarks>
internal static class UdpPacketJson
{
    private const int AddressCacheLength = 64;
    private const int MaxTextLength = 64;
    // Keys, punctuation and the number around one packet's content and texts.
    private const int MaxFrameLength = 64;

    private static readonly SearchValues<char> PlainChars = SearchValues.Create(Plain());
    private static readonly SearchValues<byte> PlainBytes = SearchValues.Create(Encoding.ASCII.GetBytes(Plain()));

    // A flow's packets carry the same address again and again; the last ones seen are kept, found by their JSON.
    [ThreadStatic] private static (byte[] Json, UdpAddress Address)[]? _addresses;

    internal static bool TryWrite(IBufferWriter<byte> output, UDPPacket packet)
    {
        var remote = packet.Remote;
        if (packet.Local is not null || (remote is not null && !(IsPlain(remote.IP) && IsPlain(remote.Zone)))) return false;
        var content = packet.Content.Span;
        var span = output.GetSpan(Base64.GetMaxEncodedToUtf8Length(content.Length) + 2 * MaxTextLength + MaxFrameLength);
        var at = 0;
        Put(span, ref at, "{"u8);
        if (!content.IsEmpty)
        {
            Put(span, ref at, "\"c\":\""u8);
            Base64.EncodeToUtf8(content, span[at..], out _, out var written);
            at += written;
            Put(span, ref at, "\""u8);
        }
        if (remote is not null)
        {
            Put(span, ref at, content.IsEmpty ? "\"r\":{\"IP\":\""u8 : ",\"r\":{\"IP\":\""u8);
            at += Encoding.ASCII.GetBytes(remote.IP, span[at..]);
            Put(span, ref at, "\",\"Port\":"u8);
            remote.Port.TryFormat(span[at..], out var digits, default, CultureInfo.InvariantCulture);
            at += digits;
            Put(span, ref at, ",\"Zone\":\""u8);
            at += Encoding.ASCII.GetBytes(remote.Zone, span[at..]);
            Put(span, ref at, "\"}"u8);
        }
        Put(span, ref at, "}"u8);
        output.Advance(at);
        return true;
    }

    /// <summary>The packet in this JSON; null when it is not of the usual form, which does not mean that it is wrong.</summary>
    internal static UDPPacket? TryRead(ReadOnlySpan<byte> json)
    {
        if (!Take(ref json, "{"u8)) return null;
        var packet = new UDPPacket();
        var before = "\"r\":"u8;
        if (Take(ref json, "\"c\":\""u8))
        {
            var length = json.IndexOf((byte)'"');
            if (length < 0 || TryDecode(json[..length]) is not { } bytes) return null;
            packet.Content = bytes;
            json = json[(length + 1)..];
            before = ",\"r\":"u8;
        }
        if (json.SequenceEqual("}"u8)) return packet;
        if (!Take(ref json, before) || json.IsEmpty || json[^1] != '}') return null;
        packet.Remote = TryReadAddress(json[..^1]);
        return packet.Remote is null ? null : packet;
    }

    private static byte[]? TryDecode(ReadOnlySpan<byte> base64)
    {
        if (base64.IsEmpty || base64.Length % 4 != 0) return null;
        var padding = base64[^1] != '=' ? 0 : base64[^2] != '=' ? 1 : 2;
        var bytes = GC.AllocateUninitializedArray<byte>(base64.Length / 4 * 3 - padding);
        // White space inside decodes to fewer bytes and goes the general way.
        return Base64.DecodeFromUtf8(base64, bytes, out _, out var written) == OperationStatus.Done && written == bytes.Length ? bytes : null;
    }

    private static UdpAddress? TryReadAddress(ReadOnlySpan<byte> json)
    {
        if (json.Length > 2 * MaxTextLength + MaxFrameLength) return null;
        var hash = new HashCode();
        hash.AddBytes(json);
        var addresses = _addresses ??= new (byte[], UdpAddress)[AddressCacheLength];
        ref var entry = ref addresses[(uint)hash.ToHashCode() % AddressCacheLength];
        if (json.SequenceEqual(entry.Json)) return entry.Address;
        if (TryParseAddress(json) is not { } address) return null;
        entry = (json.ToArray(), address);
        return address;
    }

    private static UdpAddress? TryParseAddress(ReadOnlySpan<byte> json)
    {
        if (!Take(ref json, "{\"IP\":\""u8) || !TakeText(ref json, out var ip) || !Take(ref json, ",\"Port\":"u8)) return null;
        if (!Utf8Parser.TryParse(json, out ushort port, out var digits) || (json[0] == '0' && digits > 1) || json[0] == '+') return null;
        json = json[digits..];
        if (!Take(ref json, ",\"Zone\":\""u8) || !TakeText(ref json, out var zone) || !json.SequenceEqual("}"u8)) return null;
        return new UdpAddress { IP = ip, Port = port, Zone = zone };
    }

    // The text up to the quotation mark, and the mark.
    private static bool TakeText(ref ReadOnlySpan<byte> json, out string text)
    {
        text = "";
        var length = json.IndexOfAnyExcept(PlainBytes);
        if (length is < 0 or > MaxTextLength || json[length] != '"') return false;
        if (length > 0) text = Encoding.ASCII.GetString(json[..length]);
        json = json[(length + 1)..];
        return true;
    }

    private static bool Take(ref ReadOnlySpan<byte> json, ReadOnlySpan<byte> expected)
    {
        if (!json.StartsWith(expected)) return false;
        json = json[expected.Length..];
        return true;
    }

    private static void Put(Span<byte> output, ref int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(output[at..]);
        at += bytes.Length;
    }

    private static bool IsPlain(string text) => text.Length <= MaxTextLength && !text.AsSpan().ContainsAnyExcept(PlainChars);

    // What no JSON writer escapes.
    private static string Plain() => string.Concat(Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c).Where(c => c is not ('"' or '\\')));
}
