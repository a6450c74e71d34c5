namespace Frp.Proxies;

/// <summary>The server half of the kinds whose users are byte streams that come for a host name.</summary>
internal sealed class VhostServerProxy : IServerProxy
{
    private readonly List<IUserListener> _listeners = [];

    private VhostServerProxy(string remoteAddress) => RemoteAddress = remoteAddress;

    public string RemoteAddress { get; }

    /// <summary>Takes all names of a proxy, or none.</summary>
    /// <param name="host">The server.</param>
    /// <param name="domains">The names.</param>
    /// <param name="port">The virtual host's port.</param>
    /// <param name="listen">Takes one name.</param>
    /// <exception cref="PeerRefusedException">A name cannot be had.</exception>
    internal static async ValueTask<IServerProxy> StartAsync(IServerProxyHost host, IReadOnlyList<string> domains, int port, Func<string, IUserListener> listen)
    {
        // A group has one entrance, so a member cannot have several (wire specification §15).
        if (host.Registration.Group.Length > 0 && domains.Count > 1) throw new PeerRefusedException("group params invalid");
        var proxy = new VhostServerProxy(VhostDomains.RemoteAddress(domains, port));
        try
        {
            foreach (string domain in domains) proxy._listeners.Add(listen(domain));
        }
        catch (Exception)
        {
            await proxy.DisposeAsync();
            throw;
        }
        foreach (var listener in proxy._listeners) host.Scope.Run("accept loop", token => AcceptAsync(listener, host, token));
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var listener in _listeners) await listener.DisposeAsync();
    }

    private static async Task AcceptAsync(IUserListener listener, IServerProxyHost host, CancellationToken cancellationToken)
    {
        while (await listener.AcceptAsync(cancellationToken) is { } user) host.Serve(user);
    }
}
