using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Frp.Wire;

/// <summary>A user's address between a socket's form and the <c>r</c> of a <see cref="UDPPacket"/>, without an object in between.</summary>
/// <remarks>
/// <code>{"IP":"203.0.113.5","Port":40000,"Zone":""}</code>
/// An IPv4-mapped IPv6 address is written as IPv4; a scope becomes a numeric zone, and a zone that is not a number is left out of
/// the socket's form (it may be an interface's name on the peer's machine).
/// </remarks>
public static class SocketAddressJson
{
    /// <summary>Bytes of the longest address written here.</summary>
    public const int MaxLength = 96;

    // Offsets in sockaddr_in and sockaddr_in6, alike on every system.
    private const int PortAt = 2;
    private const int IPv4At = 4;
    private const int IPv6At = 8;
    private const int ScopeAt = 24;
    private const int IPv6Groups = 8;

    /// <summary>Writes an address.</summary>
    /// <param name="address">As a socket has received it: IPv4 or IPv6.</param>
    /// <param name="output">At least <see cref="MaxLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(SocketAddress address, Span<byte> output)
    {
        ArgumentNullException.ThrowIfNull(address);
        var raw = address.Buffer.Span;
        uint scope = 0;
        int at = Put(output, 0, "{\"IP\":\""u8);
        if (address.Family == AddressFamily.InterNetwork) at = PutIPv4(output, at, raw.Slice(IPv4At, 4));
        else
        {
            var ip = raw.Slice(IPv6At, 16);
            if (IsMapped(ip)) at = PutIPv4(output, at, ip[12..]);
            else
            {
                at = PutIPv6(output, at, ip);
                scope = BitConverter.ToUInt32(raw[ScopeAt..]);
            }
        }
        at = Put(output, at, "\",\"Port\":"u8);
        at = PutNumber(output, at, BinaryPrimitives.ReadUInt16BigEndian(raw[PortAt..]));
        at = Put(output, at, ",\"Zone\":\""u8);
        if (scope != 0) at = PutNumber(output, at, scope);
        return Put(output, at, "\"}"u8);
    }

    /// <summary>Reads an address of the usual form.</summary>
    /// <param name="json">From brace to brace.</param>
    /// <param name="address">Receives it. Its family says what can be said: IPv4 becomes mapped IPv6 where that is the family.</param>
    /// <returns>False when it is no address, or none of that family.</returns>
    public static bool TryRead(ReadOnlySpan<byte> json, SocketAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (!UdpPacketJson.TrySplitAddress(json, out var text, out ushort port, out var zone)) return false;
        var raw = address.Buffer.Span;
        Span<byte> ip = stackalloc byte[16];
        if (!TryParse(text, ip, out int length)) return false;
        if (address.Family == AddressFamily.InterNetwork)
        {
            if (length == 16 && !IsMapped(ip)) return false;
            (length == 16 ? ip[12..] : ip[..4]).CopyTo(raw[IPv4At..]);
        }
        else
        {
            if (length == 4)
            {
                ip[..4].CopyTo(ip[12..]);
                ip[..10].Clear();
                ip[10..12].Fill(0xff);
            }
            raw.Slice(IPv4At, 4).Clear(); // flow information
            ip.CopyTo(raw[IPv6At..]);
            BitConverter.TryWriteBytes(raw[ScopeAt..], uint.TryParse(zone, NumberStyles.None, CultureInfo.InvariantCulture, out uint scope) ? scope : 0);
        }
        BinaryPrimitives.WriteUInt16BigEndian(raw[PortAt..], port);
        return true;
    }

    private static bool IsMapped(ReadOnlySpan<byte> ip) => !ip[..10].ContainsAnyExcept((byte)0) && ip[10] == 0xff && ip[11] == 0xff;

    private static bool TryParse(ReadOnlySpan<byte> text, Span<byte> ip, out int length)
    {
        length = 4;
        if (TryParseIPv4(text, ip)) return true;
        length = 16;
        if (TryParseIPv6(text, ip)) return true;
        // IPv6 with an IPv4 tail and other rarities.
        if (!IPAddress.TryParse(text, out var address)) return false;
        return address.AddressFamily is AddressFamily.InterNetworkV6 && address.TryWriteBytes(ip, out length);
    }

    // Four numbers without leading zeros: the only form of IPv4 that means the same to everybody.
    private static bool TryParseIPv4(ReadOnlySpan<byte> text, Span<byte> ip)
    {
        int part = 0, value = -1;
        foreach (byte c in text)
        {
            if (c == '.')
            {
                if (value < 0 || part == 3) return false;
                ip[part++] = (byte)value;
                value = -1;
                continue;
            }
            if (!char.IsAsciiDigit((char)c) || value == 0) return false;
            value = value < 0 ? c - '0' : value * 10 + (c - '0');
            if (value > 255) return false;
        }
        if (part != 3 || value < 0) return false;
        ip[3] = (byte)value;
        return true;
    }

    // Groups of hexadecimal digits, with at most one gap.
    private static bool TryParseIPv6(ReadOnlySpan<byte> text, Span<byte> ip)
    {
        ip[..16].Clear();
        int count = 0, gap = -1, at = 0;
        if (text.StartsWith("::"u8)) (gap, at) = (0, 2);
        while (at < text.Length)
        {
            if (count == IPv6Groups) return false;
            int value = 0, digits = 0;
            while (at < text.Length && char.IsAsciiHexDigit((char)text[at]))
            {
                if (++digits > 4) return false;
                int c = text[at++];
                value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
            }
            if (digits == 0) return false;
            BinaryPrimitives.WriteUInt16BigEndian(ip[(2 * count++)..], (ushort)value);
            if (at == text.Length) break;
            if (text[at++] != ':') return false;
            if (at == text.Length) return false;
            if (text[at] != ':') continue;
            if (gap >= 0) return false;
            gap = count;
            at++;
        }
        if (gap < 0) return count == IPv6Groups;
        if (count == IPv6Groups) return false;
        int behind = 2 * (count - gap);
        ip.Slice(2 * gap, behind).CopyTo(ip[(16 - behind)..]);
        ip[(2 * gap)..(16 - behind)].Clear();
        return true;
    }

    private static int PutIPv4(Span<byte> output, int at, ReadOnlySpan<byte> ip)
    {
        for (int i = 0; i < 4; i++)
        {
            if (i > 0) output[at++] = (byte)'.';
            at = PutNumber(output, at, ip[i]);
        }
        return at;
    }

    // RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups becomes the gap, the first of equals.
    private static int PutIPv6(Span<byte> output, int at, ReadOnlySpan<byte> ip)
    {
        int gap = IPv6Groups, gapLength = 1;
        for (int i = 0, run = 0; i < IPv6Groups; i++)
        {
            run = ip[2 * i] == 0 && ip[2 * i + 1] == 0 ? run + 1 : 0;
            if (run > gapLength) (gap, gapLength) = (i - run + 1, run);
        }
        for (int i = 0; i < IPv6Groups; i++)
        {
            if (i == gap)
            {
                at = Put(output, at, "::"u8);
                i += gapLength - 1;
                continue;
            }
            if (i > 0 && i != gap + gapLength) output[at++] = (byte)':';
            BinaryPrimitives.ReadUInt16BigEndian(ip[(2 * i)..]).TryFormat(output[at..], out int digits, "x", CultureInfo.InvariantCulture);
            at += digits;
        }
        return at;
    }

    private static int PutNumber(Span<byte> output, int at, uint value)
    {
        value.TryFormat(output[at..], out int digits, default, CultureInfo.InvariantCulture);
        return at + digits;
    }

    private static int Put(Span<byte> output, int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(output[at..]);
        return at + bytes.Length;
    }
}
