using System.Net;
using System.Net.Quic;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Authentication;

namespace Frp.Transport;

/// <summary>A UDP port for QUIC. What it accepts are links behind their handshakes, whose peers are at the addresses that they say.</summary>
/// <remarks><b>Ends.</b> Disposal closes the port to newcomers; links go on.</remarks>
[SupportedOSPlatform("linux")]
[SupportedOSPlatform("macos")]
[SupportedOSPlatform("windows")]
public sealed class QuicBindListener : IAsyncDisposable
{
    private const int MostHandshakes = 512; // at once

    private readonly QuicListener _listener;
    private readonly Func<TlsServer> _tls;
    private readonly TimeProvider _time;

    private QuicBindListener(QuicListener listener, Func<TlsServer> tls, TimeProvider time) => (_listener, _tls, _time) = (listener, tls, time);

    /// <summary>The bound port.</summary>
    public int Port => _listener.LocalEndPoint.Port;

    /// <summary>Binds.</summary>
    /// <param name="host">An address or a name; empty, <c>0.0.0.0</c> and <c>::</c> mean every interface, IPv4 and IPv6.</param>
    /// <param name="port">Zero for any free one.</param>
    /// <param name="tls">Who we are to the next peer, and what he must show.</param>
    /// <param name="settings">Parameters of connections.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SocketException">The address is none.</exception>
    /// <exception cref="IOException">The port is taken or forbidden, or the address is not ours.</exception>
    public static async ValueTask<QuicBindListener> BindAsync(string host, int port, Func<TlsServer> tls, QuicSettings settings, TimeProvider time, CancellationToken cancellationToken)
    {
        var endPoint = await BindAddress.ResolveAsync(host, port, cancellationToken);
        if (BindAddress.IsWildcard(host)) endPoint = new IPEndPoint(IPAddress.IPv6Any, port);
        var options = new QuicListenerOptions
        {
            ListenEndPoint = endPoint,
            ListenBacklog = MostHandshakes,
            ApplicationProtocols = [QuicPlatform.Frp],
            ConnectionOptionsCallback = async (_, _, _) =>
            {
                var connection = new QuicServerConnectionOptions { ServerAuthenticationOptions = (await tls().CreateOptionsAsync()).ForQuic() };
                settings.ApplyTo(connection);
                return connection;
            },
        };
        return new QuicBindListener(await QuicListener.ListenAsync(options, cancellationToken), tls, time);
    }

    /// <summary>The next peer whose handshake has succeeded.</summary>
    /// <returns>Null once the listener is closed.</returns>
    /// <param name="onRefused">Told of handshakes that have failed.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<QuicLink?> AcceptAsync(Action<Exception> onRefused, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(onRefused);
        while (true)
        {
            try
            {
                var connection = await _listener.AcceptConnectionAsync(cancellationToken);
                return new QuicLink(connection, await _tls().HashCertificateAsync(), _time);
            }
            catch (ObjectDisposedException)
            {
                return null;
            }
            catch (QuicException e) when (e.QuicError == QuicError.OperationAborted)
            {
                return null;
            }
            catch (Exception e) when (e is IOException or AuthenticationException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                onRefused(e);
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _listener.DisposeAsync();
}
