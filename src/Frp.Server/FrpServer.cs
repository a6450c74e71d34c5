using System.Net;
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
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskScope _users;
    private readonly TaskScope _carriers;
    private readonly ServerContext _context;
    private readonly LogicalConnections _logical;
    private TcpBindListener? _listener;
    private TaskScope? _accepting;

    /// <summary>Prepares a server; nothing happens before <see cref="StartAsync"/>.</summary>
    /// <param name="config">The configuration, loaded and validated. Not changed, and not to be changed, from here on.</param>
    /// <param name="loggers">Where the server logs.</param>
    /// <param name="time">The clock; the system's by default.</param>
    /// <param name="ingress">What listens where; a registry of this server alone by default.</param>
    public FrpServer(ServerConfig config, ILoggerFactory loggers, TimeProvider? time = null, IIngressRegistry? ingress = null)
    {
        (_config, _time) = (config, time ?? TimeProvider.System);
        _logger = loggers.CreateLogger("server/service");
        _users = new TaskScope("users", OnFault);
        _carriers = new TaskScope("carriers", OnFault, _stopping.Token);
        ingress ??= new LocalIngressRegistry(_time);
        _context = new ServerContext
        {
            Config = config,
            Loggers = loggers,
            Time = _time,
            Sessions = new SessionRegistry(),
            Ingress = ingress,
            Ports = new ProxyPorts(config, ingress, _time, loggers.CreateLogger("server/ports")),
            Auth = new TokenVerifier(config.Auth, config.Auth.Token),
            StreamKey = StreamKey.Derive(config.Auth.Token),
            Users = _users,
            Stopping = _stopping.Token,
        };
        _logical = new LogicalConnections(_context);
    }

    /// <summary>Where clients reach the server; null while it does not listen.</summary>
    public IPEndPoint? LocalEndPoint => _listener?.LocalEndPoint;

    /// <summary>Users that are being served.</summary>
    public int UserCount => _users.Count;

    /// <summary>Clients that are logged in.</summary>
    public int SessionCount => _context.Sessions.Count;

    /// <summary>Carriers, logical connections and sessions that are open, for diagnostics.</summary>
    public int CarrierCount => _carriers.Count;

    /// <summary>Opens the listeners. When it fails nothing is left behind.</summary>
    /// <exception cref="IOException">A port cannot be had, or a certificate cannot be read.</exception>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_listener is not null) throw new InvalidOperationException("the server has been started already");
        cancellationToken.ThrowIfCancellationRequested();
        _listener = Listeners.Bind(_config, _context.Loggers, _time);
        Log.Listening(_logger, AddressText.Join(_config.BindAddr, _listener.LocalEndPoint.Port));
        _accepting = new TaskScope("accepting", OnFault);
        _accepting.Run("accept loop", AcceptAsync);
        Log.Started(_logger);
        return Task.CompletedTask;
    }

    /// <summary>Stops: listeners close at once, users get <paramref name="drain"/> to finish, then everything ends.</summary>
    public async Task StopAsync(TimeSpan drain)
    {
        if (_accepting is not null) await _accepting.DisposeAsync();
        if (_listener is not null) await _listener.DisposeAsync();
        foreach (var session in _context.Sessions.Snapshot()) session.CloseEntrances();
        if (_users.Count > 0 && drain > TimeSpan.Zero)
        {
            try
            {
                using var deadline = new Deadline(drain, _time, CancellationToken.None);
                await _users.WaitForIdleAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                Log.Undrained(_logger, _users.Count);
            }
        }
        await _users.DisposeAsync();
        await _stopping.CancelAsync();
        await _carriers.DisposeAsync();
    }

    /// <summary>Stops at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        _stopping.Dispose();
    }

    private async Task AcceptAsync(CancellationToken cancellationToken)
    {
        while (await _listener!.AcceptAsync(cancellationToken) is { } incoming) _carriers.RunChild("carrier", token => ServeCarrierAsync(incoming, token));
    }

    private async Task ServeCarrierAsync(IIncoming incoming, CancellationToken cancellationToken)
    {
        Connection carrier;
        try
        {
            carrier = await incoming.HandshakeAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or TimeoutException or System.Security.Authentication.AuthenticationException)
        {
            Log.HandshakeFailed(_logger, incoming.Remote, e.Message);
            return;
        }
        if (!_config.Transport.TcpMux)
        {
            await _logical.ServeAsync(carrier, cancellationToken);
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
            var connection = new MuxConnection(stream, carrier.Local, carrier.Remote);
            streams.RunChild("logical connection", token => _logical.ServeAsync(connection, token));
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

        [LoggerMessage(4, LogLevel.Debug, "carrier of [{Remote}] ended: {Reason}")]
        internal static partial void CarrierEnded(ILogger logger, EndPoint? remote, CloseReason reason);

        [LoggerMessage(5, LogLevel.Warning, "{Count} users were cut: they did not finish in time")]
        internal static partial void Undrained(ILogger logger, int count);

        [LoggerMessage(6, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
