using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ProtocolViolationException = Frp.Wire.ProtocolViolationException;

namespace Frp.Transport;

/// <summary>A tunnel through a SOCKS 5 proxy.</summary>
/// <remarks>
/// <para><b>Layout.</b></para>
/// <code>
/// greeting    05 n methods[n]            answer   05 method            00 none, 02 user and password, ff refused
/// user/pass   01 n user[n] m pass[m]     answer   01 status            00 good
/// request     05 01 00 addr port16       answer   05 reply 00 addr port16
/// addr        01 ipv4[4] | 03 n name[n] | 04 ipv6[16]
/// </code>
/// <para><b>Source.</b> RFC 1928, RFC 1929.</para>
/// </remarks>
internal static class Socks5
{
    private const byte Version = 5;
    private const byte AuthenticationVersion = 1;
    private const byte NoAuthentication = 0;
    private const byte UserAndPassword = 2;
    private const byte ConnectCommand = 1;
    private const byte IPv4 = 1;
    private const byte DomainName = 3;
    private const byte IPv6 = 4;

    internal static async ValueTask<Connection> ConnectAsync(
        Connection connection, string host, int port, string? user, string password, CancellationToken cancellationToken)
    {
        var stream = connection.Stream;
        await SendAsync(stream, user is null ? [Version, 1, NoAuthentication] : [Version, 2, NoAuthentication, UserAndPassword], cancellationToken);
        var answer = new byte[262];
        await ReceiveAsync(stream, answer.AsMemory(0, 2), cancellationToken);
        if (answer[0] != Version) throw new ProtocolViolationException("the proxy does not speak SOCKS 5");
        switch (answer[1])
        {
            case NoAuthentication:
                break;
            case UserAndPassword when user is not null:
                await SendAsync(stream, Credentials(user, password), cancellationToken);
                await ReceiveAsync(stream, answer.AsMemory(0, 2), cancellationToken);
                if (answer[1] != 0) throw new ProxyRefusedException("the SOCKS proxy refused user and password");
                break;
            default:
                throw new ProxyRefusedException("the SOCKS proxy wants another kind of authentication");
        }

        await SendAsync(stream, Request(host, port), cancellationToken);
        await ReceiveAsync(stream, answer.AsMemory(0, 5), cancellationToken);
        if (answer[0] != Version) throw new ProtocolViolationException("the proxy does not speak SOCKS 5");
        if (answer[1] != 0) throw new ProxyRefusedException($"the SOCKS proxy refused: {Describe(answer[1])}");
        // The bound address is of no use to us, but it has to be out of the way. Its first byte is there already.
        var left = answer[3] switch
        {
            IPv4 => 4 - 1,
            IPv6 => 16 - 1,
            DomainName => answer[4],
            _ => throw new ProtocolViolationException("the SOCKS proxy answered with an unknown kind of address"),
        };
        await ReceiveAsync(stream, answer.AsMemory(5, left + 2), cancellationToken);
        return connection;
    }

    private static byte[] Credentials(string user, string password)
    {
        var u = Encoding.UTF8.GetBytes(user);
        var p = Encoding.UTF8.GetBytes(password);
        if (u.Length is 0 or > 255 || p.Length > 255) throw new ProxyRefusedException("SOCKS takes users and passwords of at most 255 bytes");
        return [AuthenticationVersion, (byte)u.Length, .. u, (byte)p.Length, .. p];
    }

    private static byte[] Request(string host, int port)
    {
        byte[] address;
        if (IPAddress.TryParse(host, out var ip))
        {
            address = [ip.AddressFamily == AddressFamily.InterNetworkV6 ? IPv6 : IPv4, .. ip.GetAddressBytes()];
        }
        else
        {
            var name = Encoding.UTF8.GetBytes(host);
            if (name.Length is 0 or > 255) throw new ProxyRefusedException("SOCKS takes names of at most 255 bytes");
            address = [DomainName, (byte)name.Length, .. name];
        }
        var portBytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(portBytes, (ushort)port);
        return [Version, ConnectCommand, 0, .. address, .. portBytes];
    }

    private static async ValueTask SendAsync(Stream stream, byte[] bytes, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(bytes, cancellationToken);
        await stream.FlushAsync(cancellationToken);
    }

    private static async ValueTask ReceiveAsync(Stream stream, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            await stream.ReadExactlyAsync(buffer, cancellationToken);
        }
        catch (EndOfStreamException)
        {
            throw new ProxyRefusedException("the SOCKS proxy closed the connection");
        }
    }

    private static string Describe(byte reply) => reply switch
    {
        1 => "general failure",
        2 => "not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => $"reply code {reply}",
    };
}
