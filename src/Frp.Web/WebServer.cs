using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Frp.Config;
using Frp.Transport;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Frp.Web;

/// <summary>The web server of either program: API, dashboard, health. Started only where <c>webServer.port</c> is above zero.</summary>
/// <remarks>
/// <para><b>Use.</b></para>
/// <code>
/// var surface = new WebSurface { Routes = [WebRoute.Get("/api/things/{name}", OnThing)], DescribeState = client.DescribeState };
/// await using var web = new WebServer(config.WebServer, surface, loggers.CreateLogger("client/web"));
/// await web.StartAsync(cancellationToken);   // IOException when the port is taken, ConfigException when a certificate is not good
/// ...
/// await web.StopAsync(TimeSpan.FromSeconds(1));
///
/// async ValueTask&lt;WebAnswer&gt; OnThing(WebRequest request) =>
///     things.Find(request["name"]) is { } thing ? WebAnswer.Json(thing, ThingJson.Default.Thing) : WebAnswer.Error(404, "no such thing");
/// </code>
/// <para><b>Rules.</b> Places are behind basic authentication and logged, unless they are open. An unknown path is a 404 that needs neither.
/// A handler that ends the program answers first: <see cref="WebAnswer.Afterwards"/>.</para>
/// <para><b>Bounds.</b> <see cref="MaxConnections"/> connections, one request at a time on each, and <see cref="MaxIdle"/> of them without a request, of
/// which the one that has waited longest makes room; <see cref="MaxBodyBytes"/> of a body; 10 s for a TLS
/// handshake and for the head of a request, 60 s for a body, for writing an answer, and before and between requests.</para>
/// <para><b>Concurrency.</b> All members may be called from any thread, <see cref="StartAsync"/> first and once.</para>
/// </remarks>
public sealed partial class WebServer : IAsyncDisposable
{
    /// <summary>Connections that are open at once; one more is closed.</summary>
    public const int MaxConnections = 256;

    /// <summary>Of those, how many may wait: before a handshake, before the end of a request's head, and between requests.</summary>
    public const int MaxIdle = 192;

    /// <summary>The longest body of a request, in bytes: no configuration file is longer.</summary>
    public const int MaxBodyBytes = ConfigFile.MaxBytes;

    private static readonly TimeSpan HandshakeTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan HeadTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RestTime = TimeSpan.FromSeconds(60);

    private readonly WebServerConfig _config;
    private readonly WebSurface _surface;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly HandedEndPoint _endPoint = new("web");
    private readonly WaitingRoom _idle = new(MaxIdle);
    private readonly TaskScope _accepting;
    private readonly TaskScope _arriving;
    private TcpBindListener? _listener;
    private HandedServer? _server;
    private volatile TlsServer? _identity;
    private int _connections;

    /// <summary>Prepares a server; nothing happens before <see cref="StartAsync"/>.</summary>
    /// <param name="config">Where it listens, and who may come. Port 0 means any free one here.</param>
    /// <param name="surface">What it serves.</param>
    /// <param name="logger">Where requests are logged.</param>
    /// <param name="time">The clock; the system's by default.</param>
    public WebServer(WebServerConfig config, WebSurface surface, ILogger logger, TimeProvider? time = null)
    {
        (_config, _surface, _logger, _time) = (config, surface, logger, time ?? TimeProvider.System);
        _accepting = new TaskScope("web server", OnFault);
        _arriving = new TaskScope("web connections", OnFault);
    }

    /// <summary>Where it listens; null while it does not.</summary>
    public IPEndPoint? LocalEndPoint => _listener?.Local as IPEndPoint;

    /// <summary>Where it listens, as the configuration says it and logs show it.</summary>
    public string Address => AddressText.Join(_config.Addr, LocalEndPoint?.Port ?? _config.Port);

    /// <summary>Loads what <c>webServer.tls</c> names.</summary>
    /// <param name="config">What names them.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it is told that changed files were read again, or could not be.</param>
    /// <returns>Null for plain HTTP.</returns>
    /// <exception cref="ConfigException">A file is missing, unreadable or not what it should be.</exception>
    public static TlsServer? LoadIdentity(WebServerConfig config, TimeProvider time, ILogger? logger = null)
    {
        if (config.Tls is not { } tls) return null;
        try
        {
            return TlsServer.Load(new TlsServerOptions { CertFile = tls.CertFile, KeyFile = tls.KeyFile, LongLived = false }, time, logger: logger);
        }
        catch (TlsFileException e)
        {
            throw new ConfigException($"webServer.tls: {e.Message}", e);
        }
    }

    /// <summary>Shows another certificate to whoever comes from now on. Only for a server that speaks TLS.</summary>
    public void UseIdentity(TlsServer identity)
    {
        if (_identity is null) throw new InvalidOperationException("the web server does not speak TLS");
        _identity = identity;
    }

    /// <summary>Loads the certificate, opens the port and serves. When it fails nothing is left behind.</summary>
    /// <exception cref="ConfigException">The certificate cannot be used.</exception>
    /// <exception cref="IOException">The port cannot be had: <c>listen tcp ADDRESS: CAUSE</c>.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_server is not null) throw new InvalidOperationException("the web server has been started already");
        _identity = LoadIdentity(_config, _time, _logger);
        try
        {
            _listener = await TcpBindListener.BindAsync(_config.Addr, _config.Port, new TcpListenOptions(), _time, _logger, cancellationToken);
        }
        catch (SocketException e)
        {
            throw new IOException($"listen tcp {Address}: {e.Message}", e);
        }
        var dispatcher = new WebDispatcher(new RouteTable(Routes()), new BasicCredentials(_config.User, _config.Password), _time, _logger);
        _server = new HandedServer(Limits());
        await _server.StartAsync(dispatcher, cancellationToken);
        _accepting.Run("accept loop", AcceptAsync);
    }

    /// <summary>Takes nobody in any more, sends what is being answered, and ends. May be called again.</summary>
    /// <param name="drain">What requests under way get; then they are cut.</param>
    public async Task StopAsync(TimeSpan drain)
    {
        if (_listener is not null) await _listener.DisposeAsync();
        await _accepting.DisposeAsync();
        await _arriving.DisposeAsync();
        if (_server is null) return;
        using var deadline = new Deadline(drain, _time, CancellationToken.None);
        await _server.StopAsync(deadline.Token);
    }

    /// <summary>Stops at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        if (_server is not null) await _server.DisposeAsync();
    }

    /// <summary>Connections that are open, those included that have not said anything yet.</summary>
    internal int ConnectionCount => Volatile.Read(ref _connections);

    private IEnumerable<WebRoute> Routes()
    {
        yield return new WebRoute(null, "/healthz", static _ => ValueTask.FromResult(WebAnswer.Empty)) { IsOpen = true };
        if (_config.PprofEnable)
        {
            foreach (var route in new Profiles(_surface.DescribeState).Routes) yield return route;
        }
        foreach (var route in _surface.Routes) yield return route;
        yield return new WebRoute(null, "/", static _ => ValueTask.FromResult(WebAnswer.MovedTo("/static/")));
        var assets = _config.AssetsDir.Length > 0 ? new AssetFolder(_config.AssetsDir) : null;
        yield return WebRoute.Get("/favicon.ico", request => ValueTask.FromResult(assets?.Answer("favicon.ico", request) ?? WebAnswer.NotFound));
        yield return WebRoute.Get("/static/{path...}", request => ValueTask.FromResult(assets?.Answer(request["path"], request) ?? WebAnswer.NotFound));
    }

    private KestrelServerOptions Limits()
    {
        var options = new KestrelServerOptions { AddServerHeader = false, AllowHostHeaderOverride = true };
        options.Limits.MaxRequestBodySize = MaxBodyBytes;
        options.Limits.RequestHeadersTimeout = HeadTime;
        options.Limits.KeepAliveTimeout = RestTime;
        options.Listen(_endPoint, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => async context =>
            {
                try
                {
                    using var place = _idle.Enter(context.Abort);
                    context.Features.Set(place);
                    await next(context);
                }
                finally
                {
                    Interlocked.Decrement(ref _connections);
                }
            });
        });
        return options;
    }

    private async Task AcceptAsync(CancellationToken cancellationToken)
    {
        while (await _listener!.AcceptAsync(cancellationToken) is { } incoming)
        {
            if (Interlocked.Increment(ref _connections) <= MaxConnections)
            {
                _arriving.RunChild("web connection", token => ArriveAsync(incoming, token));
                continue;
            }
            Interlocked.Decrement(ref _connections);
            incoming.Abort();
            Log.Full(_logger, incoming.Remote);
        }
    }

    /// <summary>Brings a connection to the server. It counts until it ends, wherever that is.</summary>
    private async Task ArriveAsync(IIncoming incoming, CancellationToken cancellationToken)
    {
        bool served = false;
        using var place = _idle.Enter(incoming.Abort);
        try
        {
            var connection = await incoming.HandshakeAsync(cancellationToken) ?? throw new InvalidOperationException("nobody shares the web server's port");
            if (_identity is { } identity) connection = await identity.AuthenticateAsync(connection, HandshakeTime, cancellationToken);
            served = await _server!.ServeAsync(connection, _endPoint, cancellationToken);
        }
        catch (Exception e) when (e is IOException or TimeoutException or AuthenticationException)
        {
            Log.Refused(_logger, incoming.Remote, e.Message);
        }
        finally
        {
            if (!served) Interlocked.Decrement(ref _connections);
        }
    }

    private void OnFault(string work, Exception exception) => Log.Fault(_logger, work, exception);

    private static partial class Log
    {
        [LoggerMessage(5, LogLevel.Debug, "web connection from [{Remote}] refused: {Cause}")]
        internal static partial void Refused(ILogger logger, EndPoint? remote, string cause);

        [LoggerMessage(6, LogLevel.Debug, "web connection from [{Remote}] closed: there are too many")]
        internal static partial void Full(ILogger logger, EndPoint? remote);

        [LoggerMessage(7, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
