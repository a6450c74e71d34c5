using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Frp.Config;
using Frp.Proxies;
using Frp.Proxies.Plugins;
using Frp.Transport;
using Frp.Web;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Client;

/// <summary>The client half of a proxy whose plug-in speaks HTTP with users: their connections are handed to an HTTP server.</summary>
/// <remarks>
/// <b>Cost.</b> The server is made when the first user comes; a plug-in that nobody uses has none. <b>Ends.</b> A proxy that is wanted no more ends
/// connections without a request, and the others behind their request. <b>Concurrency.</b> All members may be called from any thread.
/// </remarks>
internal sealed partial class HttpPlugin : IClientProxy
{
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);
    private static readonly HttpLimits Limits = new();

    private readonly string _name;
    private readonly IClientProxyHost _host;
    private readonly TlsServer? _tls;
    private readonly TaskScope _ends;
    private readonly IAsyncDisposable _application;
    private readonly Func<HttpServer, Task> _start;
    private readonly Lock _lock = new();
    private volatile Task<HttpServer>? _server; // of the first user

    private HttpPlugin(string name, IClientProxyHost host, TlsServer? tls, IAsyncDisposable application, Func<HttpServer, Task> start)
    {
        (_name, _host, _tls, _application, _start) = (name, host, tls, application, start);
        _ends = new TaskScope(name, (work, e) => Log.Fault(_host.Logger, work, e));
    }

    /// <summary>Makes one.</summary>
    /// <param name="config">The proxy.</param>
    /// <param name="host">The client.</param>
    /// <exception cref="TlsFileException">The certificate or its key cannot be used.</exception>
    internal static HttpPlugin Create(ProxyConfig config, IClientProxyHost host)
    {
        var plugin = config.Plugin!;
        switch (plugin)
        {
            case StaticFilePluginConfig files:
                var site = new StaticFiles(files, host);
                return new HttpPlugin(files.Type, host, tls: null, site, server => server.StartAsync(site, CancellationToken.None));
            case ReverseProxyPluginConfig reverse:
                var application = new ReverseProxy(reverse, host, Limits);
                return new HttpPlugin(reverse.Type, host, TlsOf(reverse, host), application, server => server.StartAsync(application, CancellationToken.None));
            default:
                throw new ArgumentException($"not a plug-in that speaks HTTP: {plugin.Type}", nameof(config));
        }
    }

    public async Task ServeAsync(Connection work, StartWorkConn start, RelayEnd end, CancellationToken cancellationToken)
    {
        HandedConnection user;
        bool isHttp2 = false;
        HttpServer server;
        try
        {
            server = await ServerAsync();
            string name = "";
            if (_tls is not null)
            {
                work = await _tls.AuthenticateAsync(work, HandshakeTimeout, cancellationToken);
                var tls = (SslStream)work.Stream;
                (name, isHttp2) = (tls.TargetHostName, tls.NegotiatedApplicationProtocol == SslApplicationProtocol.Http2);
            }
            // In HTTP/2 answers to others are under way when a user ends his direction, and the protocol has its own words for leaving.
            user = server.Adapt(work, waitsForAnswers: !isHttp2 && end == RelayEnd.HalfClose);
            user.ServerName = name;
        }
        catch (Exception e)
        {
            await work.DisposeAsync();
            if (e is not (AuthenticationException or TimeoutException or IOException)) throw;
            Log.Refused(_host.Logger, _name, PeerText.Escape(start.SourceAddress, 64), e.Message);
            return;
        }
        // Of the connection's own ends neither is the user's.
        user.RemoteEndPoint = IPAddress.TryParse(start.SourceAddress, out var address) ? new IPEndPoint(address, start.SourcePort) : null;
        await using (cancellationToken.UnsafeRegister(static user => ((HandedConnection)user!).Cut(), user))
        {
            await server.HandAsync(user, isHttp2, cancellationToken);
            await user.Ended;
        }
    }

    public void Withdraw()
    {
        if (_server is { } server) _ends.RunChild("end of its server", async token => await (await server).StopAsync(token));
    }

    public async ValueTask DisposeAsync()
    {
        await _ends.DisposeAsync();
        if (_server is { } server) await (await server).DisposeAsync();
        await _application.DisposeAsync();
    }

    private Task<HttpServer> ServerAsync()
    {
        lock (_lock) return _server ??= StartAsync();
    }

    private async Task<HttpServer> StartAsync()
    {
        var server = new HttpServer(Limits, _host.Time, behindTls: _tls is not null);
        await _start(server);
        return server;
    }

    private static TlsServer? TlsOf(ReverseProxyPluginConfig config, IClientProxyHost host)
    {
        if (config is not TlsReverseProxyPluginConfig tls) return null;
        var options = new TlsServerOptions
        {
            CertFile = tls.CrtPath,
            KeyFile = tls.KeyPath,
            LongLived = false,
            ApplicationProtocols = tls.EnableHttp2 == false ? [SslApplicationProtocol.Http11] : [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        };
        return TlsServer.Load(options, host.Time, logger: host.Logger);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Plugin}: user [{User}] was refused: {Cause}")]
        internal static partial void Refused(ILogger logger, string plugin, string user, string cause);

        [LoggerMessage(2, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
