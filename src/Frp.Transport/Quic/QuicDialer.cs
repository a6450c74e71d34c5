using System.Net;
using System.Net.Quic;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Authentication;
using System.Security.Cryptography;

namespace Frp.Transport;

/// <summary>Connects by QUIC.</summary>
[SupportedOSPlatform("linux")]
[SupportedOSPlatform("macos")]
[SupportedOSPlatform("windows")]
internal static class QuicDialer
{
    /// <summary>Connects to the first of a host's addresses that answers.</summary>
    /// <param name="host">A name or an address; IPv6 with or without brackets.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="options">Time and resolver; what else there is concerns TCP.</param>
    /// <param name="tls">Whom to trust, whom to be.</param>
    /// <param name="settings">Parameters of the connection.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="TimeoutException">Nobody has answered in time.</exception>
    /// <exception cref="IOException">The last address's refusal.</exception>
    /// <exception cref="SocketException">The look-up's failure.</exception>
    /// <exception cref="AuthenticationException">The two sides have nothing in common, or the server's certificate is not good.</exception>
    internal static async ValueTask<QuicLink> DialAsync(
        string host, int port, TcpDialOptions options, TlsClient tls, QuicSettings settings, TimeProvider time, CancellationToken cancellationToken)
    {
        if (port is < 1 or > 65535) throw new SocketException((int)SocketError.AddressNotAvailable, $"dial {host}: port {port} is out of range");
        using var deadline = new Deadline(options.Timeout, time, cancellationToken);
        try
        {
            IOException? last = null;
            foreach (var address in await TcpDialer.ResolveAsync(host, options, deadline.Token))
            {
                try
                {
                    return await ConnectAsync(TcpDialer.Destination(new IPEndPoint(address, port)), host, tls, settings, time, deadline.Token);
                }
                catch (IOException e)
                {
                    last = new IOException($"dial quic {EndPoints.Join(address.ToString(), port)}: {e.Message}", e);
                }
            }
            throw last!;
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Passed($"QUIC connection to {host}");
        }
    }

    private static async ValueTask<QuicLink> ConnectAsync(IPEndPoint remote, string host, TlsClient tls, QuicSettings settings, TimeProvider time, CancellationToken cancellationToken)
    {
        var (authentication, judge) = await tls.CreateOptionsAsync(host);
        authentication.EnabledSslProtocols = SslProtocols.Tls13;
        authentication.ApplicationProtocols = [QuicPlatform.Frp];
        var options = new QuicClientConnectionOptions { RemoteEndPoint = remote, ClientAuthenticationOptions = authentication };
        settings.ApplyTo(options);
        QuicConnection connection;
        try
        {
            connection = await QuicConnection.ConnectAsync(options, cancellationToken);
        }
        catch (AuthenticationException e)
        {
            throw TlsFailure.Explained(e, judge.Refusal);
        }
        try
        {
            await judge.AdmitAsync(cancellationToken);
            return new QuicLink(connection, connection.RemoteCertificate?.GetCertHash(HashAlgorithmName.SHA256), time);
        }
        catch (Exception)
        {
            await connection.CloseAsync(0, cancellationToken);
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>A server's options as QUIC wants them.</summary>
    internal static SslServerAuthenticationOptions ForQuic(this SslServerAuthenticationOptions options)
    {
        options.EnabledSslProtocols = SslProtocols.Tls13;
        options.ApplicationProtocols = [QuicPlatform.Frp];
        options.CipherSuitesPolicy = null; // TLS 1.3 of QUIC has its own few
        return options;
    }
}
