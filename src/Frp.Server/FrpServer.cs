using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Frp.Config;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;
using Yamux;

namespace Frp.Server;

/// <summary>
/// The frp server: listens for clients, serves the proxies that they register, and relays users to them.
/// </summary>
/// <remarks>
/// <para>Any program can run any number of servers; nothing in here is global.</para>
/// <para><b>Order of the end.</b> Listeners close, users get a while to finish, then sessions and carriers end.</para>
/// <para><b>Concurrency.</b> All members may be called from any thread.</para>
/// </remarks>
public sealed partial class FrpServer : IAsyncDisposable
{
    private readonly ServerConfig _config;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly IIngressRegistry _ingress;
    private readonly SessionRegistry _sessions = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskScope _users;
    private readonly TaskScope _carriers;
    private readonly VhostPorts _vhostPorts;
    private Vhosts? _vhosts;
    private LogicalConnections? _logical;
    private TcpBindListener? _port;
    private TaskScope? _accepting;

    /// <summary>Prepares a server; nothing happens before <see cref="StartAsync"/>.</summary>
    /// <param name="config">The configuration, loaded and validated. Not changed, and not to be changed, from here on.</param>
    /// <param name="loggers">Where the server logs.</param>
    /// <param name="time">The clock; the system's by default.</param>
    /// <param name="ingress">What listens where; a registry of this server alone by default.</param>
    public FrpServer(ServerConfig config, ILoggerFactory loggers, TimeProvider? time = null, IIngressRegistry? ingress = null)
    {
        (_config, _loggers, _time) = (config, loggers, time ?? TimeProvider.System);
        _ingress = ingress ?? new LocalIngressRegistry(_time);
        _logger = loggers.CreateLogger("server/service");
        _users = new TaskScope("users", OnFault);
        _carriers = new TaskScope("carriers", OnFault, _stopping.Token);
        _vhostPorts = new VhostPorts(config, _time, loggers.CreateLogger("server/vhost"));
    }

    /// <summary>Where clients reach the server; null while it does not listen.</summary>
    public IPEndPoint? LocalEndPoint => _port?.Local as IPEndPoint;

    /// <summary>Users that are being served.</summary>
    public int UserCount => _users.Count;

    /// <summary>Clients that are logged in.</summary>
    public int SessionCount => _sessions.Count;

    /// <summary>Carriers that are open.</summary>
    public int CarrierCount => _carriers.Count;

    /// <summary>What the server holds, in one line for people.</summary>
    public string DescribeState()
    {
        var sessions = _sessions.Snapshot();
        return $"{CarrierCount} carriers, {sessions.Length} sessions, {sessions.Sum(s => s.ProxyCount)} proxies, {sessions.Sum(s => s.Pool.IdleCount)} idle work connections, {UserCount} users";
    }

    /// <summary>Opens the listener. When it fails nothing is left behind.</summary>
    /// <exception cref="ConfigException">The configuration asks for what cannot be had: a secret's source, a certificate file.</exception>
    /// <exception cref="IOException">The port cannot be had.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_accepting is not null) throw new InvalidOperationException("the server has been started already");
        if (!_config.Auth.UsesToken) throw new ConfigException($"auth.method {_config.Auth.Method} is not supported by this release of the server yet");
        string token = await _config.Auth.ResolveTokenAsync(cancellationToken);
        var context = new ServerContext
        {
            Config = _config,
            Loggers = _loggers,
            Time = _time,
            Sessions = _sessions,
            Ingress = _ingress,
            Secrets = new SecretListeners(_ingress),
            Ports = new ProxyPorts(_config, _ingress, _time, _loggers.CreateLogger("server/ports")),
            Groups = new UserGroups(_loggers.CreateLogger("server/group")),
            Auth = new TokenVerifier(_config.Auth, token),
            TokenBytes = Encoding.UTF8.GetBytes(token),
            StreamKey = StreamKey.Derive(token),
            Vhosts = new Vhosts
            {
                Http = _config.VhostHttpPort > 0 ? new HttpFront(_config, _ingress, _users, _time, _loggers.CreateLogger("server/vhost")) : null,
                Tls = CreateTlsFront(),
                Connect = CreateConnectFront(),
            },
            Users = _users,
            Stopping = _stopping.Token,
        };
        _logical = new LogicalConnections(context);
        foreach (string option in Unserved()) Log.Unserved(_logger, option);
        _vhosts = context.Vhosts;
        IListener listener;
        try
        {
            await OpenVhostsAsync(context.Vhosts, cancellationToken);
            listener = await ListenAsync(cancellationToken);
        }
        catch (Exception)
        {
            await _vhostPorts.DisposeAsync();
            await context.Vhosts.DisposeAsync();
            throw;
        }
        Log.Listening(_logger, AddressText.Join(_config.BindAddr, _port!.Port));
        _accepting = new TaskScope("accepting", OnFault);
        _accepting.Run("accept loop", stopping => AcceptAsync(listener, stopping));
        Log.Started(_logger);
    }

    /// <summary>Stops: listeners close at once, users get <paramref name="drain"/> to finish, then everything ends.</summary>
    public async Task StopAsync(TimeSpan drain)
    {
        if (_accepting is not null) await _accepting.DisposeAsync();
        if (_port is not null) await _port.DisposeAsync();
        await _vhostPorts.CloseAsync();
        foreach (var session in _sessions.Close()) await session.CloseEntrancesAsync();
        if (drain > TimeSpan.Zero)
        {
            using var deadline = new Deadline(drain, _time, CancellationToken.None);
            if (_vhosts?.Http is { } http) await http.DrainAsync(deadline.Token);
            try
            {
                await _users.WaitForIdleAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                Log.Undrained(_logger, _users.Count);
            }
        }
        await _users.DisposeAsync();
        await _vhostPorts.DisposeAsync();
        if (_vhosts is not null) await _vhosts.DisposeAsync();
        await _stopping.CancelAsync();
        await _carriers.DisposeAsync();
    }

    /// <summary>Stops at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        _stopping.Dispose();
    }

    private TlsFront? CreateTlsFront() =>
        _config.VhostHttpsPort > 0 ? new TlsFront(_config.VhostHttpsPort, _ingress, _time, _loggers.CreateLogger("server/vhost")) : null;

    private ConnectFront? CreateConnectFront()
    {
        if (_config.TcpmuxHttpConnectPort <= 0) return null;
        var logger = _loggers.CreateLogger("server/vhost");
        return new ConnectFront(_config.TcpmuxHttpConnectPort, _config.TcpmuxPassthrough, new NotFoundPage(_config, logger), _ingress, _time, logger);
    }

    /// <summary>Opens the doors of the virtual hosts that the configuration turns on.</summary>
    private async ValueTask OpenVhostsAsync(Vhosts vhosts, CancellationToken cancellationToken)
    {
        if (vhosts.Http is { } http)
        {
            await http.StartAsync(cancellationToken);
            await _vhostPorts.OpenAsync("http service", _config.VhostHttpPort, http, PrefaceMatches.Http, cancellationToken);
        }
        if (vhosts.Tls is { } tls) await _vhostPorts.OpenAsync("https service", _config.VhostHttpsPort, tls, PrefaceMatches.Tls, cancellationToken);
        if (vhosts.Connect is { } connect) await _vhostPorts.OpenAsync("tcpmux httpconnect multiplexer", _config.TcpmuxHttpConnectPort, connect, mayShare: null, cancellationToken);
    }

    private async ValueTask<IListener> ListenAsync(CancellationToken cancellationToken)
    {
        var tls = _config.Transport.Tls;
        TlsServer identity;
        try
        {
            identity = TlsServer.Load(new TlsServerOptions { CertFile = tls.CertFile, KeyFile = tls.KeyFile, TrustedCaFile = tls.TrustedCaFile, LongLived = _config.Transport.TcpMux }, _time);
        }
        catch (TlsFileException e)
        {
            throw new ConfigException(e.Message, e);
        }
        try
        {
            var options = new TcpListenOptions { KeepAlive = _config.Transport.TcpKeepalive ?? Timeout.InfiniteTimeSpan };
            _port = await TcpBindListener.BindAsync(_config.BindAddr, _config.BindPort, options, _time, _logger, cancellationToken);
        }
        catch (SocketException e)
        {
            throw new IOException($"create server listener error, listen tcp {AddressText.Join(_config.BindAddr, _config.BindPort)}: {e.Message}", e);
        }
        return new BindPortListener(_port, new BindPortHandshake(identity, tls.Force, _time, _vhostPorts.Sharing));
    }

    /// <summary>What the configuration asks for and this release does not serve yet: said at the start, once each.</summary>
    private IEnumerable<string> Unserved()
    {
        if (_config.KcpBindPort > 0) yield return "kcpBindPort";
        if (_config.QuicBindPort > 0) yield return "quicBindPort";
        if (_config.SshTunnelGateway.BindPort > 0) yield return "sshTunnelGateway.bindPort";
        if (_config.WebServer.Port > 0) yield return "webServer.port";
        if (_config.HttpPlugins.Count > 0) yield return "httpPlugins";
    }

    private async Task AcceptAsync(IListener listener, CancellationToken cancellationToken)
    {
        while (await listener.AcceptAsync(cancellationToken) is { } incoming) _carriers.RunChild("carrier", token => ServeCarrierAsync(incoming, token));
    }

    private async Task ServeCarrierAsync(IIncoming incoming, CancellationToken cancellationToken)
    {
        Connection? carrier;
        try
        {
            carrier = await incoming.HandshakeAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or TimeoutException or AuthenticationException)
        {
            if (e is EndOfStreamException) Log.HandshakeGone(_logger, incoming.Remote);
            else Log.HandshakeFailed(_logger, incoming.Remote, e.Message);
            return;
        }
        if (carrier is null) return;
        if (!_config.Transport.TcpMux)
        {
            await _logical!.ServeAsync(carrier, cancellationToken);
            return;
        }
        await using (carrier)
        {
            var options = new YamuxOptions { KeepAliveInterval = _config.Transport.TcpMuxKeepaliveInterval, TimeProvider = _time };
            await using var session = new YamuxSession(carrier.Stream, YamuxRole.Server, options);
            var streams = new TaskScope("mux session", OnFault, cancellationToken);
            await using (streams)
            {
                streams.Run("accept streams", token => AcceptStreamsAsync(session, carrier, streams, token));
                var end = MuxEnds.ReasonOf(await session.RunAsync(cancellationToken));
                Log.CarrierEnded(_logger, carrier.Remote, end);
                streams.Close(end);
            }
        }
    }

    private async Task AcceptStreamsAsync(YamuxSession session, Connection carrier, TaskScope streams, CancellationToken cancellationToken)
    {
        while (await session.AcceptStreamAsync(cancellationToken) is { } stream)
        {
            var connection = new MuxConnection(stream, carrier.Local, carrier.Remote, carrier);
            streams.RunChild("logical connection", token => _logical!.ServeAsync(connection, token));
        }
    }

    private void OnFault(string work, Exception exception) => Log.Fault(_logger, work, exception);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "frps tcp listen on {Address}")]
        internal static partial void Listening(ILogger logger, string address);

        [LoggerMessage(2, LogLevel.Information, "frps started successfully")]
        internal static partial void Started(ILogger logger);

        [LoggerMessage(3, LogLevel.Warning, "connection from [{Remote}] refused: {Cause}")]
        internal static partial void HandshakeFailed(ILogger logger, EndPoint? remote, string cause);

        [LoggerMessage(7, LogLevel.Debug, "connection from [{Remote}] ended before it said anything")]
        internal static partial void HandshakeGone(ILogger logger, EndPoint? remote);

        [LoggerMessage(8, LogLevel.Warning, "{Option} is set, but this release does not serve it yet")]
        internal static partial void Unserved(ILogger logger, string option);

        [LoggerMessage(4, LogLevel.Debug, "carrier of [{Remote}] ended: {Reason}")]
        internal static partial void CarrierEnded(ILogger logger, EndPoint? remote, CloseReason reason);

        [LoggerMessage(5, LogLevel.Warning, "{Count} users were cut: they did not finish in time")]
        internal static partial void Undrained(ILogger logger, int count);

        [LoggerMessage(6, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
