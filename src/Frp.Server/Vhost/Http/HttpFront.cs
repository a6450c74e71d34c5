using System.Net.Sockets;
using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Frp.Web;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>The HTTP virtual host: HTTP/1 and HTTP/2 on one port, told apart by their first bytes, and CONNECT.</summary>
/// <remarks>Source: wire specification §14.4; docs/wire/http-vhost.md.</remarks>
internal sealed partial class HttpFront : IVhostFront
{
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly TaskScope _users;
    private readonly TaskScope _closing;
    private readonly HttpTable _table;
    private readonly HttpServer _server;
    private readonly HttpLimits _limits;
    private readonly HttpApplication _application;
    private readonly ConnectTunnel _connect;

    /// <summary>Prepares it; nothing is served before <see cref="StartAsync"/>.</summary>
    /// <param name="config">Gives the configuration in force.</param>
    /// <param name="ingress">Where routes are claimed.</param>
    /// <param name="users">Where tunnels run: they outlive proxies. Requests are drained by <see cref="DrainAsync"/>.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it logs.</param>
    /// <param name="limits">How long things may take.</param>
    internal HttpFront(Func<ServerConfig> config, IIngressRegistry ingress, TaskScope users, TimeProvider time, ILogger logger, HttpLimits? limits = null)
    {
        (_users, _time, _logger, _limits) = (users, time, logger, limits ?? new HttpLimits());
        _server = new HttpServer(_limits, time);
        _closing = new TaskScope("http connections closing", (name, e) => Log.Fault(_logger, name, e));
        _table = new HttpTable(ingress);
        var notFound = new NotFoundPage(config, logger);
        _application = new HttpApplication(_table, notFound, ServicePool.CreateForwarder(), () => config().VhostHttpTimeout, time, logger);
        _connect = new ConnectTunnel(_table, notFound, _limits, time, logger);
    }

    internal Task StartAsync(CancellationToken cancellationToken) => _server.StartAsync(_application, cancellationToken);

    /// <summary>Serves a proxy's requests.</summary>
    /// <param name="route">Which ones, and what is done to them.</param>
    /// <param name="host">The proxy.</param>
    /// <returns>The route, to be disposed when it is over.</returns>
    /// <exception cref="PeerRefusedException">The route is taken, or the proxy's group does not take it.</exception>
    internal IDisposable Serve(HttpRoute route, IServerProxyHost host) =>
        _table.Add(route, host.Registration.Group, host.Registration.GroupKey, new HttpMember(host, _limits, _closing));

    public async Task ServeAsync(Connection connection, CancellationToken cancellationToken)
    {
        HttpOpening opening;
        using (var deadline = new Deadline(_limits.Head, _time, cancellationToken))
        {
            try
            {
                (connection, opening) = await HttpOpenings.ReadAsync(connection, deadline.Token);
            }
            catch (OperationCanceledException) when (deadline.HasPassed)
            {
                await connection.DisposeAsync();
                throw deadline.Passed("request");
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                await connection.DisposeAsync();
                throw;
            }
        }
        if (opening == HttpOpening.Connect) _users.RunChild("tunnel of a user", token => _connect.ServeAsync(connection, token));
        else await HandAsync(connection, opening == HttpOpening.Http2, cancellationToken);
    }

    // In HTTP/2 answers to others are under way when a user ends his direction, and the protocol has its own words for leaving.
    private ValueTask HandAsync(Connection connection, bool isHttp2, CancellationToken cancellationToken) =>
        _server.HandAsync(_server.Adapt(connection, waitsForAnswers: !isHttp2), isHttp2, cancellationToken);

    /// <summary>Ends idle connections and waits for requests under way.</summary>
    /// <param name="cancellationToken">Cuts what is left. No error.</param>
    internal Task DrainAsync(CancellationToken cancellationToken) => _server.StopAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _closing.DisposeAsync();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
