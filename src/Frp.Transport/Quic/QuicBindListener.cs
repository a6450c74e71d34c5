using System.Net;
using System.Net.Quic;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using System.Security.Cryptography;

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
    private readonly ConditionalWeakTable<QuicConnection, byte[]> _shown; // the hash of the certificate that each was shown
    private readonly TimeProvider _time;
    private volatile bool _isClosed;

    private QuicBindListener(QuicListener listener, ConditionalWeakTable<QuicConnection, byte[]> shown, TimeProvider time) => (_listener, _shown, _time) = (listener, shown, time);

    /// <summary>The bound port.</summary>
    public int Port => _listener.LocalEndPoint.Port;

    /// <summary>Binds.</summary>
    /// <param name="host">An address or a name; empty, <c>0.0.0.0</c> and <c>::</c> mean every interface, IPv4 and IPv6.</param>
    /// <param name="port">Zero for any free one.</param>
    /// <param name="tls">Who we are to the next peer, and what he must show.</param>
    /// <param name="settings">Parameters of connections.</param>
    /// <param name="onRefused">Told whose certificate was not good, and why.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SocketException">The address is none.</exception>
    /// <exception cref="IOException">The port is taken or forbidden, or the address is not ours.</exception>
    public static async ValueTask<QuicBindListener> BindAsync(string host, int port, Func<TlsServer> tls, QuicSettings settings, Action<EndPoint?, string> onRefused, TimeProvider time, CancellationToken cancellationToken)
    {
        var shown = new ConditionalWeakTable<QuicConnection, byte[]>();
        var endPoint = await BindAddress.ResolveAsync(host, port, cancellationToken);
        if (BindAddress.IsWildcard(host)) endPoint = new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, port);
        var options = new QuicListenerOptions
        {
            ListenEndPoint = endPoint,
            ListenBacklog = MostHandshakes,
            ApplicationProtocols = [QuicPlatform.Frp],
            ConnectionOptionsCallback = async (connection, _, _) =>
            {
                var authentication = await tls().CreateOptionsAsync(why =>
                {
                    if (why is not null) onRefused(EndPoints.Unmap(connection.RemoteEndPoint), $"client certificate refused: {why}");
                });
                shown.Add(connection, authentication.ServerCertificateContext!.TargetCertificate.GetCertHash(HashAlgorithmName.SHA256));
                var options = new QuicServerConnectionOptions { ServerAuthenticationOptions = authentication.ForQuic() };
                settings.ApplyTo(options);
                return options;
            },
        };
        return new QuicBindListener(await QuicListener.ListenAsync(options, cancellationToken), shown, time);
    }

    /// <summary>The next peer whose handshake has succeeded.</summary>
    /// <returns>Null once the listener is closed.</returns>
    /// <param name="onFailed">Told of handshakes that have failed.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<QuicLink?> AcceptAsync(Action<Exception> onFailed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(onFailed);
        while (true)
        {
            try
            {
                var connection = await _listener.AcceptConnectionAsync(cancellationToken);
                return new QuicLink(connection, _shown.TryGetValue(connection, out byte[]? hash) ? hash : default, _time);
            }
            catch (Exception) when (_isClosed)
            {
                return null;
            }
            catch (Exception e) when (e is not ObjectDisposedException && !cancellationToken.IsCancellationRequested)
            {
                onFailed(e); // whatever the library throws: no peer's handshake closes the port to others
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _isClosed = true;
        return _listener.DisposeAsync();
    }
}
