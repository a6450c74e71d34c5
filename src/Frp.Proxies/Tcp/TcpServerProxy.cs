using System.Globalization;

namespace Frp.Proxies;

/// <summary>The server half of a tcp proxy: a port whose users are served one by one.</summary>
internal sealed class TcpServerProxy : IServerProxy
{
    private readonly IUserListener _listener;

    private TcpServerProxy(IUserListener listener) => _listener = listener;

    public string RemoteAddress => string.Create(CultureInfo.InvariantCulture, $":{_listener.Port}");

    /// <summary>Opens the port.</summary>
    /// <exception cref="PeerRefusedException">The port cannot be had.</exception>
    internal static async ValueTask<IServerProxy> StartAsync(IServerProxyHost host, CancellationToken cancellationToken)
    {
        var listener = await host.ListenTcpAsync(host.Registration.RemotePort, cancellationToken);
        host.Scope.Run("accept loop", token => AcceptAsync(listener, host, token));
        return new TcpServerProxy(listener);
    }

    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    private static async Task AcceptAsync(IUserListener listener, IServerProxyHost host, CancellationToken cancellationToken)
    {
        while (await listener.AcceptAsync(cancellationToken) is { } user) host.Serve(user);
    }
}
