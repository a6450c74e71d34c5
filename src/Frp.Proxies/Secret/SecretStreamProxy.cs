namespace Frp.Proxies;

/// <summary>The server half of a secret kind whose users are byte streams: each visitor is a user.</summary>
internal sealed class SecretStreamProxy : IServerProxy
{
    private readonly IVisitorListener _listener;

    private SecretStreamProxy(IVisitorListener listener) => _listener = listener;

    public string RemoteAddress => "";

    /// <summary>Opens the entrance.</summary>
    /// <exception cref="PeerRefusedException">The name is taken.</exception>
    internal static IServerProxy Start(IServerProxyHost host)
    {
        var listener = host.ListenSecret(host.Registration.SecretKey, host.Registration.AllowUsers);
        host.Scope.Run("accept loop", token => AcceptAsync(listener, host, token));
        return new SecretStreamProxy(listener);
    }

    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    private static async Task AcceptAsync(IVisitorListener listener, IServerProxyHost host, CancellationToken cancellationToken)
    {
        while (await listener.AcceptAsync(cancellationToken) is { } visitor) host.Serve(visitor.Connection, visitor.End);
    }
}
