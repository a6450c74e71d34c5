using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>The header by which a local service learns who its user is: PROXY protocol, versions 1 and 2.</summary>
/// <remarks>
/// <para><b>Layout.</b> v1: <c>PROXY TCP4|TCP6 source destination source-port destination-port CRLF</c>, for datagrams
/// <c>PROXY UNKNOWN CRLF</c>. v2: a signature of 12 bytes, 21, family and protocol, length (16 bits, big-endian), both addresses, both
/// ports; no further fields. The source decides the family.</para>
/// <para><b>Source.</b> Wire specification §12.6; docs/wire/proxy-protocol.md.</para>
/// </remarks>
public static class ProxyProtocolHeader
{
    private const byte VersionAndCommand = 0x21; // version 2, PROXY
    private const byte Inet = 0x10, Inet6 = 0x20, StreamProtocol = 0x01, DatagramProtocol = 0x02;
    private const int LongestFirstPacket = 1400;

    private static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <summary>The header for a user.</summary>
    /// <param name="version"><c>v1</c> or <c>v2</c>.</param>
    /// <param name="source">The user. IPv4-mapped addresses count as IPv4; a zone is left out.</param>
    /// <param name="destination">Where the user came in; for datagrams, the local service.</param>
    /// <param name="datagrams">Whether the service is spoken to in datagrams.</param>
    /// <exception cref="IOException">The source is IPv4 and the destination is not: there is no header for that.</exception>
    public static byte[] Encode(string version, IPEndPoint source, IPEndPoint destination, bool datagrams)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        if (version is not ("v1" or "v2")) throw new ArgumentException($"unknown version: {version}", nameof(version));
        if (version == "v1" && datagrams) return [.. "PROXY UNKNOWN\r\n"u8];
        IPAddress from = Plain(source.Address), to = Plain(destination.Address);
        bool isV4 = from.AddressFamily == AddressFamily.InterNetwork;
        if (isV4 && to.AddressFamily != AddressFamily.InterNetwork) throw new IOException($"no PROXY header from [{from}] to [{to}]: the families differ");
        if (version == "v1")
        {
            // Compat: an IPv4 destination of an IPv6 user stands here in IPv4 form, as the reference writes it.
            string text = string.Create(CultureInfo.InvariantCulture, $"PROXY {(isV4 ? "TCP4" : "TCP6")} {from} {to} {source.Port} {destination.Port}\r\n");
            return Encoding.ASCII.GetBytes(text);
        }
        if (!isV4) to = to.MapToIPv6();
        int size = isV4 ? 4 : 16;
        var header = new byte[Signature.Length + 4 + 2 * (size + 2)];
        Signature.CopyTo(header);
        var rest = header.AsSpan(Signature.Length);
        rest[0] = VersionAndCommand;
        rest[1] = (byte)((isV4 ? Inet : Inet6) | (datagrams ? DatagramProtocol : StreamProtocol));
        BinaryPrimitives.WriteUInt16BigEndian(rest[2..], (ushort)(2 * (size + 2)));
        rest = rest[4..];
        from.TryWriteBytes(rest, out _);
        to.TryWriteBytes(rest[size..], out _);
        BinaryPrimitives.WriteUInt16BigEndian(rest[(2 * size)..], (ushort)source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(rest[(2 * size + 2)..], (ushort)destination.Port);
        return header;
    }

    /// <summary>The header for the user of a work connection.</summary>
    /// <param name="version"><c>v1</c>, <c>v2</c>, or empty for no header.</param>
    /// <param name="start">What the server says about the user.</param>
    /// <returns>Null when there is none to send: it is not wanted, or the server does not say who the user is.</returns>
    /// <exception cref="IOException">What the server says makes no header.</exception>
    public static byte[]? ForUser(string version, StartWorkConn start)
    {
        ArgumentNullException.ThrowIfNull(version);
        ArgumentNullException.ThrowIfNull(start);
        if (version.Length == 0 || start.SourceAddress.Length == 0 || start.SourcePort == 0) return null;
        // The reference's word for "not known", as for http.
        string destination = start.DestinationAddress.Length == 0 ? "127.0.0.1" : start.DestinationAddress;
        return Encode(version, new IPEndPoint(Parse(start.SourceAddress), start.SourcePort), new IPEndPoint(Parse(destination), start.DestinationPort), datagrams: false);
    }

    /// <summary>Puts a header before everything that a connection delivers; a relay passes it on first, and then takes its short way.</summary>
    /// <param name="connection">Owned by the result.</param>
    /// <param name="header">The header. Not copied: the caller leaves it alone.</param>
    /// <remarks>What has arrived behind it already joins it, so that both can leave in one packet.</remarks>
    public static async ValueTask<Connection> PrependAsync(Connection connection, byte[] header)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(header);
        if (connection is PrefixedConnection prefixed)
        {
            var surplus = prefixed.TakePrefix();
            return new PrefixedConnection(prefixed.Inner, surplus.IsEmpty ? header : (byte[])[.. header, .. surplus.Span]);
        }
        if (connection is not MuxConnection { MuxStream.QueuedReceiveBytes: > 0 } mux) return new PrefixedConnection(connection, header);
        var first = new byte[LongestFirstPacket];
        header.CopyTo(first, 0);
        int count = await mux.MuxStream.ReadAsync(first.AsMemory(header.Length)); // does not wait: bytes are there
        return new PrefixedConnection(connection, first.AsMemory(0, header.Length + count));
    }

    private static IPAddress Plain(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId != 0 ? new IPAddress(address.GetAddressBytes()) : address;
    }

    private static IPAddress Parse(string address)
    {
        // A zone is the server's affair; the name of its interface means nothing here.
        int zone = address.IndexOf('%', StringComparison.Ordinal);
        return IPAddress.TryParse(zone < 0 ? address : address.AsSpan(0, zone), out var parsed)
            ? parsed
            : throw new IOException($"no PROXY header for the address [{PeerText.Escape(address, 64)}]");
    }
}
