using Frp.Wire;

namespace Frp.Proxies;

/// <summary>The server half of an http proxy: a route for each of its domains and locations.</summary>
/// <remarks>Source: wire specification §14.4.</remarks>
internal sealed class HttpServerProxy : IServerProxy
{
    private readonly List<IDisposable> _routes;

    private HttpServerProxy(List<IDisposable> routes, string remoteAddress) => (_routes, RemoteAddress) = (routes, remoteAddress);

    public string RemoteAddress { get; }

    /// <summary>Adds the routes: all of them or none.</summary>
    /// <exception cref="PeerRefusedException">A route cannot be had.</exception>
    internal static HttpServerProxy Start(IServerProxyHost host)
    {
        var registration = host.Registration;
        if (host.Config.VhostHttpPort <= 0) throw new PeerRefusedException("type [http] not supported when vhost http port is not set");
        IReadOnlyList<string> locations = registration.Locations is { Count: > 0 } some ? some : [""];
        var routes = new List<IDisposable>();
        var hosts = new List<string>();
        try
        {
            foreach (string domain in VhostDomains.Of(registration, host.Config))
            {
                foreach (string location in locations)
                {
                    routes.Add(host.ServeHttp(RouteOf(registration, domain, location ?? "")));
                    hosts.Add(domain);
                }
            }
        }
        catch (PeerRefusedException)
        {
            foreach (var route in routes) route.Dispose();
            throw;
        }
        return new HttpServerProxy(routes, VhostDomains.RemoteAddress(hosts, host.Config.VhostHttpPort));
    }

    public ValueTask DisposeAsync()
    {
        foreach (var route in _routes) route.Dispose();
        return ValueTask.CompletedTask;
    }

    private static HttpRoute RouteOf(NewProxy registration, string domain, string location) => new(domain, location, registration.RouteByHttpUser)
    {
        User = registration.HttpUser,
        Password = registration.HttpPassword,
        HostRewrite = registration.HostHeaderRewrite,
        RequestHeaders = registration.Headers,
        ResponseHeaders = registration.ResponseHeaders,
    };
}
