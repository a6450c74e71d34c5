using System.Runtime.Versioning;
using Kcp;
using Microsoft.Extensions.Logging;

namespace Frp.Transport;

/// <summary>Makes the connections of a client to its server, with everything that lies between socket and byte stream.</summary>
/// <remarks>
/// <para><b>Layout</b>, from the socket up:</para>
/// <code>
/// tcp         TCP  [proxy]              [0x17] [TLS]
/// websocket   TCP  [proxy]  WebSocket   [0x17] [TLS]
/// wss         TCP  [proxy]  TLS  WebSocket
/// kcp         UDP  KCP                  [0x17] [TLS]
/// quic        UDP  QUIC, which is TLS and a multiplexer
/// </code>
/// <para><b>Concurrency.</b> Immutable; any number of calls at once.</para>
/// <para><b>Errors.</b> <see cref="TimeoutException"/>, <see cref="IOException"/>, <see cref="System.Net.Sockets.SocketException"/>
/// or <see cref="System.Security.Authentication.AuthenticationException"/>; nothing is left open.</para>
/// <para><b>Source.</b> docs/wire/transports.md.</para>
/// </remarks>
public sealed class ServerDialer
{
    private const byte MarkerByte = 0x17;

    private readonly ServerDialOptions _options;
    private readonly TcpDialOptions _tcpOptions;
    private readonly TlsClient _tls;
    private readonly TimeProvider _timeProvider;
    private readonly Func<ServerDialer, CancellationToken, ValueTask<Connection>>? _dial;

    private ServerDialer(ServerDialOptions options, TlsClient tls, TimeProvider timeProvider)
    {
        _options = options;
        _tls = tls;
        _timeProvider = timeProvider;
        _dial = Transports.Find(options.Protocol);
        _tcpOptions = new TcpDialOptions
        {
            Timeout = options.DialTimeout,
            KeepAlive = options.KeepAlive,
            LocalAddress = options.ConnectServerLocalIP,
            Resolver = options.DnsServer.Length > 0 ? new DnsServerResolver(options.DnsServer) : null,
        };
    }

    /// <summary>Prepares a dialler: reads certificate files, checks names. Nothing is dialled.</summary>
    /// <param name="options">How the server is reached.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="logger">Where it is told that certificate files were read again, and whom they made known; nowhere by default.</param>
    /// <exception cref="TlsFileException">A certificate or key file cannot be used.</exception>
    /// <exception cref="ArgumentException">The protocol or an address is none.</exception>
    public static ServerDialer Create(ServerDialOptions options, TimeProvider timeProvider, ILogger? logger = null)
    {
        // Compat: without tls.enable a carrier that has TLS anyway does not verify.
        var tls = options.EnableTls || options.Protocol == Transports.Wss ? options.Tls : new TlsClientOptions();
        return new ServerDialer(options, TlsClient.Load(tls, timeProvider, EndPoints.Join(options.ServerAddress, options.ServerPort), logger), timeProvider);
    }

    /// <summary>Whether the connection is encrypted, and yet nothing tells the server from an impostor.</summary>
    public bool TrustsAnybody => UsesTls(_options) && !_tls.VerifiesServer;

    /// <summary>Dials the server.</summary>
    /// <returns>The byte stream: a multiplexer's carrier, or one logical connection.</returns>
    public ValueTask<Connection> DialAsync(CancellationToken cancellationToken) =>
        _dial is { } dial ? dial(this, cancellationToken) : throw new InvalidOperationException($"{_options.Protocol} is dialled as a link");

    /// <summary>Whether the carrier is a multiplexer itself: <see cref="DialLinkAsync"/>.</summary>
    public bool DialsLinks => _dial is null;

    /// <summary>Dials the server by QUIC.</summary>
    // Compat: neither a proxy nor a local address is used for it, as by the reference.
    [SupportedOSPlatform("linux")]
    [SupportedOSPlatform("macos")]
    [SupportedOSPlatform("windows")]
    public ValueTask<QuicLink> DialLinkAsync(CancellationToken cancellationToken) =>
        QuicDialer.DialAsync(_options.ServerAddress, _options.ServerPort, _tcpOptions with { LocalAddress = null }, _tls, _options.Quic, _timeProvider, cancellationToken);

    private static bool UsesTls(ServerDialOptions options) => options.EnableTls || options.Protocol is Transports.Wss or Transports.Quic;

    internal async ValueTask<Connection> DialTcpAsync(CancellationToken cancellationToken) =>
        await AddTlsAsync(await ReachAsync(cancellationToken), cancellationToken);

    internal async ValueTask<Connection> DialWebSocketAsync(CancellationToken cancellationToken)
    {
        var connection = await ReachAsync(cancellationToken);
        connection = await UpgradeAsync(connection, EndPoints.Join(_options.ServerAddress, _options.ServerPort), cancellationToken);
        return await AddTlsAsync(connection, cancellationToken);
    }

    internal async ValueTask<Connection> DialWssAsync(CancellationToken cancellationToken)
    {
        var connection = await ReachAsync(cancellationToken);
        connection = await WithinAsync(
            "TLS handshake", token => _tls.AuthenticateAsync(connection, _options.ServerAddress, markerByte: null, token), cancellationToken);
        // Compat: Host and Origin carry the TLS name, without a port.
        var host = _tls.ServerName.Length > 0 ? _tls.ServerName : _options.ServerAddress;
        return await UpgradeAsync(connection, host, cancellationToken);
    }

    // Compat: neither a proxy nor a local address is used for it, as by the reference.
    internal async ValueTask<Connection> DialKcpAsync(CancellationToken cancellationToken)
    {
        var options = _tcpOptions with { LocalAddress = null };
        var socket = await UdpDialer.DialAsync(_options.ServerAddress, _options.ServerPort, options, _timeProvider, cancellationToken);
        return await AddTlsAsync(new KcpConnection(KcpDialer.Dial(socket, KcpSettings.Client(_timeProvider))), cancellationToken);
    }

    private async ValueTask<Connection> ReachAsync(CancellationToken cancellationToken)
    {
        if (_options.ProxyUrl.Length == 0)
        {
            return await TcpDialer.DialAsync(_options.ServerAddress, _options.ServerPort, _tcpOptions, _timeProvider, cancellationToken);
        }
        // Compat: a proxy URL that makes no sense is an error of the dial, as it is for the reference, and not of the configuration.
        var proxy = ProxyHop.Parse(_options.ProxyUrl, _timeProvider);
        var connection = await TcpDialer.DialAsync(proxy.Host, proxy.Port, _tcpOptions, _timeProvider, cancellationToken);
        return await WithinAsync(
            "answer from the proxy", token => proxy.ConnectAsync(connection, _options.ServerAddress, _options.ServerPort, token), cancellationToken);
    }

    private async ValueTask<Connection> AddTlsAsync(Connection connection, CancellationToken cancellationToken)
    {
        if (!_options.EnableTls) return connection;
        byte? marker = _options.DisableCustomTlsFirstByte ? null : MarkerByte;
        return await WithinAsync(
            "TLS handshake", token => _tls.AuthenticateAsync(connection, _options.ServerAddress, marker, token), cancellationToken);
    }

    private ValueTask<Connection> UpgradeAsync(Connection connection, string host, CancellationToken cancellationToken) =>
        WithinAsync("WebSocket upgrade", token => WebSocketDialerHandshake.RunAsync(connection, host, _timeProvider, token), cancellationToken);

    private async ValueTask<Connection> WithinAsync(
        string wait, Func<CancellationToken, ValueTask<Connection>> step, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(_options.DialTimeout, _timeProvider, cancellationToken);
        try
        {
            return await step(deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Passed(wait);
        }
    }
}
