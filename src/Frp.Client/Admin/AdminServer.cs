using Frp.Web;
using Microsoft.Extensions.Logging;

namespace Frp.Client;

/// <summary>The client's web server. Only clients with <c>webServer.port</c> have one, and only they load what it needs.</summary>
internal sealed partial class AdminServer : IAsyncDisposable
{
    // What requests under way get when the client stops.
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(1);

    private readonly WebServer _server;

    private AdminServer(WebServer server) => _server = server;

    /// <summary>Opens the port and serves.</summary>
    /// <exception cref="Frp.Config.ConfigException">The certificate cannot be used.</exception>
    /// <exception cref="IOException">The port cannot be had.</exception>
    internal static async Task<AdminServer> StartAsync(AdminSubject subject, Func<string> describeState, ILogger logger, TimeProvider time, CancellationToken cancellationToken)
    {
        List<WebRoute> routes = [.. new AdminApi(subject).Routes];
        if (subject.File?.Store is { } store) routes.AddRange(StoreApi.RoutesOf(subject.Changes, store, subject.File.Catalog));
        var server = new WebServer(subject.Config.WebServer, new WebSurface { Routes = routes, DescribeState = describeState }, logger, time);
        try
        {
            await server.StartAsync(cancellationToken);
        }
        catch (Exception)
        {
            await server.DisposeAsync();
            throw;
        }
        Log.Listening(logger, server.Address);
        return new AdminServer(server);
    }

    /// <summary>Closes the port, and gives requests under way a moment. May be called again.</summary>
    internal Task StopAsync() => _server.StopAsync(DrainTime);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static partial class Log
    {
        [LoggerMessage(20, LogLevel.Information, "admin server listen on {Address}")]
        internal static partial void Listening(ILogger logger, string address);
    }
}
