using Frp.Wire;

namespace Frp.Proxies;

/// <summary>The server half of an xtcp proxy: tells its client of the visitors who want to reach it. Their data goes another way.</summary>
internal sealed class XtcpServerProxy : IServerProxy
{
    private readonly IServerProxyHost _host;
    private readonly ITraversalListener _listener;

    private XtcpServerProxy(IServerProxyHost host, ITraversalListener listener) => (_host, _listener) = (host, listener);

    public string RemoteAddress => "";

    /// <summary>Opens the entrance.</summary>
    /// <exception cref="PeerRefusedException">The name is taken.</exception>
    internal static IServerProxy Start(IServerProxyHost host)
    {
        var proxy = new XtcpServerProxy(host, host.ListenTraversal(host.Registration.SecretKey, host.Registration.AllowUsers));
        host.Scope.Run("accept loop", proxy.AcceptAsync);
        return proxy;
    }

    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    private async Task AcceptAsync(CancellationToken cancellationToken)
    {
        while (await _listener.AcceptAsync(cancellationToken) is { } sid) _host.Scope.RunChild("attempt", token => _host.TellClientAsync(new NatHoleSid { Sid = sid }, token).AsTask());
    }
}
