using System.Net;
using System.Security.Authentication;
using Frp.Config;
using Frp.Transport;
using Frp.Web;
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
    private static readonly TimeSpan WebDrainTime = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SweepInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan NoticeTime = TimeSpan.FromSeconds(1);

    private readonly ServerConfig _config;
    private readonly ServerProgram _program;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly IIngressRegistry _ingress;
    private readonly SessionRegistry _sessions = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskScope _users;
    private readonly TaskScope _carriers;
    private readonly TaskScope _notices;
    private readonly PluginClients _pluginClients = new();
    private readonly Strangers _strangers;
    private readonly TaskScope _background;
    private readonly VhostPorts _vhostPorts;
    private readonly WebServer? _web;
    private Vhosts? _vhosts;
    private LogicalConnections? _logical;
    private TaskScope? _accepting;

    /// <summary>Prepares a server; nothing happens before <see cref="StartAsync"/>.</summary>
    /// <param name="config">The configuration, loaded and validated. Not changed, and not to be changed, from here on.</param>
    /// <param name="loggers">Where the server logs.</param>
    /// <param name="time">The clock; the system's by default.</param>
    /// <param name="ingress">What listens where; a registry of this server alone by default.</param>
    /// <param name="program">What the program around it does for it.</param>
    public FrpServer(ServerConfig config, ILoggerFactory loggers, TimeProvider? time = null, IIngressRegistry? ingress = null, ServerProgram? program = null)
    {
        (_config, _loggers, _time, _program) = (config, loggers, time ?? TimeProvider.System, program ?? new ServerProgram());
        _ingress = ingress ?? new LocalIngressRegistry(_time);
        _logger = loggers.CreateLogger("server/service");
        _users = new TaskScope("users", OnFault);
        _carriers = new TaskScope("carriers", OnFault, _stopping.Token);
        _notices = new TaskScope("notices", OnFault);
        _strangers = new Strangers(_time, _logger);
        _background = new TaskScope("background", OnFault, _stopping.Token);
        _vhostPorts = new VhostPorts(config, _time, loggers.CreateLogger("server/vhost"));
        if (config.WebServer.Port > 0) _web = new WebServer(config.WebServer, new ServerApi(this).Surface, loggers.CreateLogger("server/web"), _time);
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

    /// <summary>Opens the listeners: the web server's, those of virtual hosts, the control port. When it fails nothing is left behind.</summary>
    /// <exception cref="ConfigException">The configuration asks for what cannot be had: a secret's source, an issuer, a certificate file.</exception>
    /// <exception cref="IOException">A port cannot be had.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_accepting is not null) throw new InvalidOperationException("the server has been started already");
        var identity = LoadIdentity(_config, predecessor: null);
        var hooks = LoadHooks(_config);
        await _reloading.WaitAsync(cancellationToken); // who is as fast as to ask for a reload now gets it when the server runs
        try
        {
            if (_web is not null) await _web.StartAsync(cancellationToken);
            string token = await _config.Auth.ResolveTokenAsync(cancellationToken);
            _authenticatorOf = await Authenticators.PrepareAsync(_config.Auth, _loggers, _time, cancellationToken);
            _settings = SettingsOf(_config, token, identity, hooks);
            var context = CreateContext();
            (_logical, _vhosts) = (new LogicalConnections(context), context.Vhosts);
            await OpenVhostsAsync(context.Vhosts, cancellationToken);
            _settings = _settings with { Handshake = HandshakeOf(_config, identity) }; // with the rules of those who share the control port
            await BindAsync(cancellationToken);
        }
        catch (Exception)
        {
            if (_web is not null) await _web.DisposeAsync();
            await _vhostPorts.DisposeAsync();
            if (_vhosts is not null) await _vhosts.DisposeAsync();
            throw;
        }
        finally
        {
            _reloading.Release();
        }
        if (_web is not null) Log.WebListening(_logger, _web.Address);
        foreach (string option in Unserved()) Log.Unserved(_logger, option);
        if (_settings!.Token.Bytes.Length == 0 && _port!.Local is IPEndPoint { Address: var open } && !IPAddress.IsLoopback(open)) Log.OpenToAll(_logger, _config.BindAddr);
        _accepting = new TaskScope("accepting", OnFault);
        AcceptAll(_accepting);
        _accepting.Run("sweep", SweepAsync);
        AnnounceKey(identity);
        Log.Started(_logger);
    }

    /// <summary>Stops: listeners close at once, users get <paramref name="drain"/> to finish, then everything ends.</summary>
    public async Task StopAsync(TimeSpan drain)
    {
        if (_accepting is not null) await _accepting.DisposeAsync();
        await ClosePortsAsync();
        if (_web is not null) await _web.StopAsync(drain < WebDrainTime ? drain : WebDrainTime);
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
        if (_kcp is not null) await _kcp.DisposeAsync(); // they have sent their last bytes
        await EndNoticesAsync();
        await _background.DisposeAsync();
    }

    /// <summary>Stops at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        if (_web is not null) await _web.DisposeAsync();
        _pluginClients.Dispose();
        _stopping.Dispose();
    }

    /// <summary>Gives hooks the time to hear of the proxies that have just been closed.</summary>
    private async ValueTask EndNoticesAsync()
    {
        using var deadline = new Deadline(NoticeTime, _time, CancellationToken.None);
        await _notices.WaitForIdleAsync(deadline.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _notices.DisposeAsync();
    }

    private ServerContext CreateContext()
    {
        var logger = _loggers.CreateLogger("server/vhost");
        Func<ServerConfig> config = () => _settings!.Config;
        return new ServerContext
        {
            Settings = () => _settings!,
            Loggers = _loggers,
            Time = _time,
            Sessions = _sessions,
            Ingress = _ingress,
            Secrets = new SecretListeners(_ingress),
            Traversal = new TraversalBroker(_ingress, new TraversalRecords(_config.NatHoleAnalysisDataReserve, _time), _time, _loggers.CreateLogger("server/xtcp")),
            Ports = new ProxyPorts(config, _ingress, _time, _loggers.CreateLogger("server/ports")),
            Groups = new UserGroups(_loggers.CreateLogger("server/group")),
            Vhosts = new Vhosts
            {
                Http = _config.VhostHttpPort > 0 ? new HttpFront(config, _ingress, _users, _time, logger) : null,
                Tls = _config.VhostHttpsPort > 0 ? new TlsFront(_config.VhostHttpsPort, _ingress, _time, logger) : null,
                Connect = _config.TcpmuxHttpConnectPort > 0
                    ? new ConnectFront(_config.TcpmuxHttpConnectPort, _config.TcpmuxPassthrough, new NotFoundPage(config, logger), _ingress, _time, logger)
                    : null,
            },
            Users = _users,
            Notices = _notices,
            Stopping = _stopping.Token,
        };
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

    /// <summary>What the configuration asks for and this release does not serve yet: said at the start, once each.</summary>
    private IEnumerable<string> Unserved()
    {
        if (_config.SshTunnelGateway.BindPort > 0) yield return "sshTunnelGateway.bindPort";
        if (_config.EnablePrometheus && _web is not null) yield return "enablePrometheus";
    }

    private async Task ServeAsync(IIncoming incoming, Visit visit)
    {
        using (visit)
        {
            try
            {
                await ServeCarrierAsync(incoming, visit);
            }
            catch (OperationCanceledException) when (visit.IsEvicted)
            {
                // For the reason that is logged below.
            }
            if (visit.IsEvicted) Log.Evicted(_logger, incoming.Remote);
        }
    }

    private async Task ServeCarrierAsync(IIncoming incoming, Visit visit)
    {
        Connection? carrier;
        try
        {
            carrier = await incoming.HandshakeAsync(visit.Stopping);
        }
        catch (Exception e) when (e is IOException or TimeoutException or AuthenticationException)
        {
            if (e is EndOfStreamException) Log.HandshakeGone(_logger, incoming.Remote);
            else if (!incoming.IsVerified) Log.UnverifiedFailed(_logger, incoming.Remote, e.Message);
            else Log.HandshakeFailed(_logger, incoming.Remote, e.Message);
            return;
        }
        if (carrier is null) return;
        if (!_config.Transport.TcpMux)
        {
            await _logical!.ServeAsync(carrier, visit, visit.Stopping);
            return;
        }
        await using (carrier)
        {
            var options = new YamuxOptions { KeepAliveInterval = _config.Transport.TcpMuxKeepaliveInterval, ReceiveLimit = Visit.StrangersBytes, TimeProvider = _time };
            await using var session = new YamuxSession(carrier.Stream, YamuxRole.Server, options);
            visit.OnAccepted = session.LiftReceiveLimit;
            var streams = new TaskScope("mux session", OnFault, visit.Stopping);
            await using (streams)
            {
                streams.Run("accept streams", token => AcceptStreamsAsync(
                    async accepting => await session.AcceptStreamAsync(accepting) is { } stream ? new MuxConnection(stream, carrier.Local, carrier.Remote, carrier) : null, visit, streams, token));
                var end = MuxEnds.ReasonOf(await session.RunAsync(visit.Stopping));
                Log.CarrierEnded(_logger, carrier.Remote, end);
                if (TlsFailure.ReasonOf(end.Exception) is { } refusal) Log.HandshakeFailed(_logger, carrier.Remote, refusal);
                streams.Close(end);
            }
        }
    }

    private async Task AcceptStreamsAsync(Func<CancellationToken, ValueTask<Connection?>> accept, Visit visit, TaskScope streams, CancellationToken cancellationToken)
    {
        while (true)
        {
            bool isStranger = await visit.WaitToServeAsync(cancellationToken);
            if (await accept(cancellationToken) is not { } connection) return;
            streams.RunChild("logical connection", token => isStranger ? ServeStrangerAsync(connection, visit, token) : _logical!.ServeAsync(connection, visit, token));
        }
    }

    private async Task ServeStrangerAsync(Connection connection, Visit visit, CancellationToken cancellationToken)
    {
        try
        {
            await _logical!.ServeAsync(connection, visit, cancellationToken);
        }
        finally
        {
            visit.HasServed();
        }
    }

    /// <summary>Forgets, from time to time, who has come and gone.</summary>
    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(SweepInterval, _time);
        while (await timer.WaitForNextTickAsync(cancellationToken)) _strangers.Sweep();
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

        [LoggerMessage(16, LogLevel.Debug, "connection from [{Remote}], if it comes from there, refused: {Cause}")]
        internal static partial void UnverifiedFailed(ILogger logger, EndPoint? remote, string cause);

        [LoggerMessage(8, LogLevel.Warning, "{Option} is set, but this release does not serve it yet")]
        internal static partial void Unserved(ILogger logger, string option);

        [LoggerMessage(9, LogLevel.Information, "dashboard listen on {Address}")]
        internal static partial void WebListening(ILogger logger, string address);

        [LoggerMessage(10, LogLevel.Information, "success reload conf: {Applied}")]
        internal static partial void Reloaded(ILogger logger, string applied);

        [LoggerMessage(11, LogLevel.Warning, "{Notice}")]
        internal static partial void NeedRestart(ILogger logger, string notice);

        [LoggerMessage(12, LogLevel.Warning, "{Warning}")]
        internal static partial void ConfigWarning(ILogger logger, string warning);

        [LoggerMessage(13, LogLevel.Warning, "auth.token is empty: whoever reaches {BindAddr} may open ports on this machine and take over the names of others")]
        internal static partial void OpenToAll(ILogger logger, string bindAddr);

        [LoggerMessage(14, LogLevel.Debug, "connection from [{Remote}] refused: too many from there that have not logged in, or whose logins have failed")]
        internal static partial void TurnedAway(ILogger logger, EndPoint? remote);

        [LoggerMessage(15, LogLevel.Debug, "connection from [{Remote}] closed: it has not logged in")]
        internal static partial void Evicted(ILogger logger, EndPoint? remote);

        [LoggerMessage(4, LogLevel.Debug, "carrier of [{Remote}] ended: {Reason}")]
        internal static partial void CarrierEnded(ILogger logger, EndPoint? remote, CloseReason reason);

        [LoggerMessage(5, LogLevel.Warning, "{Count} users were cut: they did not finish in time")]
        internal static partial void Undrained(ILogger logger, int count);

        [LoggerMessage(6, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
