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
    // Where base64 ends, or is written in a form that a decoder has to undo first.
    private static readonly SearchValues<byte> ContentEnd = SearchValues.Create("\"\\ \t\r\n"u8);
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
        if (!TrySplit(json, out var content, out var remote)) return null;
        var packet = new UDPPacket();
        var base64 = json[content];
        if (!base64.IsEmpty)
        {
            if (base64.Length % 4 != 0) return null;
            var bytes = GC.AllocateUninitializedArray<byte>(DecodedLength(base64));
            if (Base64.DecodeFromUtf8(base64, bytes, out _, out var written) != OperationStatus.Done || written != bytes.Length) return null;
            packet.Content = bytes;
        }
        if (json[remote].IsEmpty) return packet;
        packet.Remote = TryReadAddress(json[remote]);
        return packet.Remote is null ? null : packet;
    }

    /// <summary>Where content and address of a packet of the usual form are. The address's own form is not looked at.</summary>
    /// <param name="json">The packet.</param>
    /// <param name="content">The base64, without its quotation marks; nothing that decoders skip is in it. Empty when there is none.</param>
    /// <param name="remote">The address, from brace to brace; empty when there is none.</param>
    internal static bool TrySplit(ReadOnlySpan<byte> json, out Range content, out Range remote)
    {
        content = remote = default;
        var rest = json;
        if (!Take(ref rest, "{"u8)) return false;
        var before = "\"r\":"u8;
        if (Take(ref rest, "\"c\":\""u8))
        {
            var length = rest.IndexOfAny(ContentEnd);
            if (length <= 0 || rest[length] != '"') return false;
            var start = json.Length - rest.Length;
            content = new Range(start, start + length);
            rest = rest[(length + 1)..];
            before = ",\"r\":"u8;
        }
        if (rest.SequenceEqual("}"u8)) return true;
        if (!Take(ref rest, before) || rest.Length < 2 || rest[^1] != '}') return false;
        remote = new Range(json.Length - rest.Length, json.Length - 1);
        return true;
    }

    /// <summary>Bytes that a base64 text stands for, if it is one.</summary>
    internal static int DecodedLength(ReadOnlySpan<byte> base64) =>
        base64.Length / 4 * 3 - (base64[^1] != '=' ? 0 : base64[^2] != '=' ? 1 : 2);

    /// <summary>The members of an address of the usual form.</summary>
    /// <param name="json">The address, from brace to brace.</param>
    /// <param name="ip">The text of the member; nothing in it is escaped.</param>
    /// <param name="port">The member.</param>
    /// <param name="zone">The text of the member; nothing in it is escaped.</param>
    internal static bool TrySplitAddress(ReadOnlySpan<byte> json, out ReadOnlySpan<byte> ip, out ushort port, out ReadOnlySpan<byte> zone)
    {
        ip = zone = default;
        port = 0;
        if (!Take(ref json, "{\"IP\":\""u8) || !TakeText(ref json, out ip) || !Take(ref json, ",\"Port\":"u8)) return false;
        if (!Utf8Parser.TryParse(json, out port, out var digits) || (json[0] == '0' && digits > 1) || json[0] == '+') return false;
        json = json[digits..];
        return Take(ref json, ",\"Zone\":\""u8) && TakeText(ref json, out zone) && json.SequenceEqual("}"u8);
    }

    /// <summary>An address in its usual form; empty when its texts cannot be written so.</summary>
    internal static byte[] WriteAddress(UdpAddress address) =>
        IsPlain(address.IP) && IsPlain(address.Zone)
            ? Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"IP\":\"{address.IP}\",\"Port\":{address.Port},\"Zone\":\"{address.Zone}\"}}"))
            : [];

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

    private static UdpAddress? TryParseAddress(ReadOnlySpan<byte> json) =>
        TrySplitAddress(json, out var ip, out var port, out var zone)
            ? new UdpAddress { IP = Encoding.ASCII.GetString(ip), Port = port, Zone = Encoding.ASCII.GetString(zone) }
            : null;

    // The text up to the quotation mark, and the mark.
    private static bool TakeText(scoped ref ReadOnlySpan<byte> json, out ReadOnlySpan<byte> text)
    {
        text = default;
        var length = json.IndexOfAnyExcept(PlainBytes);
        if (length is < 0 or > MaxTextLength || json[length] != '"') return false;
        text = json[..length];
        json = json[(length + 1)..];
        return true;
    }

    private static bool Take(scoped ref ReadOnlySpan<byte> json, scoped ReadOnlySpan<byte> expected)
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
