using System.Buffers.Binary;
using System.Net;
using System.Text;
using ProtocolViolationException = Frp.Wire.ProtocolViolationException;

namespace Frp.Proxies.Plugins;

/// <summary>What a SOCKS 5 server answers to a request.</summary>
internal enum Socks5Reply : byte
{
    Succeeded = 0,
    GeneralFailure = 1,
    NetworkUnreachable = 3,
    HostUnreachable = 4,
    ConnectionRefused = 5,
    CommandNotSupported = 7,
    AddressTypeNotSupported = 8,
}

/// <summary>The server's side of SOCKS 5.</summary>
/// <remarks>
/// <para><b>Layout.</b> That of <c>Frp.Transport.Socks5</c>, the other side of it.</para>
/// <para><b>Source.</b> RFC 1928, RFC 1929.</para>
/// </remarks>
internal static class Socks5Handshake
{
    private const byte Version = 5;
    private const byte AuthenticationVersion = 1;
    private const byte NoAuthentication = 0;
    private const byte UserAndPassword = 2;
    private const byte NoneAcceptable = 0xff;
    private const byte ConnectCommand = 1;
    private const byte IPv4 = 1;
    private const byte DomainName = 3;
    private const byte IPv6 = 4;

    /// <summary>Reads what a user wants, up to and with his request, and nothing behind it.</summary>
    /// <param name="stream">The user.</param>
    /// <param name="admits">Judges user name and password; null where nobody is asked for them.</param>
    /// <param name="cancellationToken">Carries the deadline.</param>
    /// <returns>Where he wants to be connected to.</returns>
    /// <exception cref="ProtocolViolationException">He does not speak the protocol, was refused, or asks for what there is not. He has been told.</exception>
    /// <exception cref="EndOfStreamException">He is gone.</exception>
    internal static async ValueTask<HostPort> ReadRequestAsync(Stream stream, Func<string, string, bool>? admits, CancellationToken cancellationToken)
    {
        var buffer = new byte[255];
        byte[] methods = await ReadTextAsync(stream, buffer, Version, cancellationToken);
        byte method = admits is null ? NoAuthentication : UserAndPassword;
        if (!methods.Contains(method))
        {
            await SendAsync(stream, [Version, NoneAcceptable], cancellationToken);
            throw new ProtocolViolationException("no acceptable method of authentication");
        }
        await SendAsync(stream, [Version, method], cancellationToken);
        if (admits is not null)
        {
            string user = Encoding.UTF8.GetString(await ReadTextAsync(stream, buffer, AuthenticationVersion, cancellationToken));
            string password = Encoding.UTF8.GetString(await ReadTextAsync(stream, buffer, null, cancellationToken));
            bool isAdmitted = admits(user, password);
            await SendAsync(stream, [AuthenticationVersion, isAdmitted ? (byte)0 : (byte)1], cancellationToken);
            if (!isAdmitted) throw new ProtocolViolationException("wrong user or password");
        }

        await stream.ReadExactlyAsync(buffer.AsMemory(0, 4), cancellationToken);
        var (version, command, addressType) = (buffer[0], buffer[1], buffer[3]);
        if (version != Version) throw new ProtocolViolationException("not SOCKS 5");
        string? host = addressType switch
        {
            IPv4 => await ReadAddressAsync(stream, buffer.AsMemory(0, 4), cancellationToken),
            IPv6 => await ReadAddressAsync(stream, buffer.AsMemory(0, 16), cancellationToken),
            DomainName => Encoding.UTF8.GetString(await ReadTextAsync(stream, buffer, null, cancellationToken)),
            _ => null,
        };
        if (host is null) throw await RefuseAsync(stream, Socks5Reply.AddressTypeNotSupported, $"address type {addressType}", cancellationToken);
        await stream.ReadExactlyAsync(buffer.AsMemory(0, 2), cancellationToken);
        int port = BinaryPrimitives.ReadUInt16BigEndian(buffer);
        if (command != ConnectCommand) throw await RefuseAsync(stream, Socks5Reply.CommandNotSupported, $"command {command}", cancellationToken);
        if (host.Length == 0 || port == 0) throw await RefuseAsync(stream, Socks5Reply.GeneralFailure, "no host, or no port", cancellationToken);
        return new HostPort(host, port);
    }

    /// <summary>Answers a request.</summary>
    /// <param name="stream">The user.</param>
    /// <param name="reply">What has become of it.</param>
    /// <param name="bound">Our end of the connection that was made; null for none.</param>
    /// <param name="cancellationToken">Carries the deadline.</param>
    internal static ValueTask ReplyAsync(Stream stream, Socks5Reply reply, IPEndPoint? bound, CancellationToken cancellationToken)
    {
        byte[] address = (bound?.Address ?? IPAddress.Any).GetAddressBytes();
        byte[] message = [Version, (byte)reply, 0, address.Length == 4 ? IPv4 : IPv6, .. address, 0, 0];
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(message.Length - 2), (ushort)(bound?.Port ?? 0));
        return SendAsync(stream, message, cancellationToken);
    }

    /// <summary>Reads <c>[version(1)] length(1) bytes[length]</c>.</summary>
    private static async ValueTask<byte[]> ReadTextAsync(Stream stream, byte[] buffer, byte? version, CancellationToken cancellationToken)
    {
        int head = version is null ? 1 : 2;
        await stream.ReadExactlyAsync(buffer.AsMemory(0, head), cancellationToken);
        if (version is { } expected && buffer[0] != expected) throw new ProtocolViolationException("not SOCKS 5");
        var text = buffer.AsMemory(0, buffer[head - 1]);
        await stream.ReadExactlyAsync(text, cancellationToken);
        return text.ToArray();
    }

    private static async ValueTask<string> ReadAddressAsync(Stream stream, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        await stream.ReadExactlyAsync(buffer, cancellationToken);
        return new IPAddress(buffer.Span).ToString();
    }

    private static async ValueTask<ProtocolViolationException> RefuseAsync(Stream stream, Socks5Reply reply, string what, CancellationToken cancellationToken)
    {
        await ReplyAsync(stream, reply, bound: null, cancellationToken);
        return new ProtocolViolationException($"{what} is not served");
    }

    private static async ValueTask SendAsync(Stream stream, byte[] message, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(message, cancellationToken);
        await stream.FlushAsync(cancellationToken);
    }
}
