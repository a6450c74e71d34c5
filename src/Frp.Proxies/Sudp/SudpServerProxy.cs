using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies;

/// <summary>The server half of an sudp proxy: each visitor connection gets a work connection of its own.</summary>
/// <remarks>
/// The pairs end with the proxy, unlike the users of byte streams: datagrams have no connection that could be cut, and a visitor opens
/// its own again with its next datagram.
/// </remarks>
internal sealed partial class SudpServerProxy : IServerProxy
{
    private readonly IServerProxyHost _host;
    private readonly IVisitorListener _listener;

    private SudpServerProxy(IServerProxyHost host, IVisitorListener listener) => (_host, _listener) = (host, listener);

    public string RemoteAddress => "";

    /// <summary>Opens the entrance.</summary>
    /// <exception cref="PeerRefusedException">The name is taken.</exception>
    internal static IServerProxy Start(IServerProxyHost host)
    {
        var proxy = new SudpServerProxy(host, host.ListenSecret(host.Registration.SecretKey, host.Registration.AllowUsers));
        host.Scope.Run("accept loop", proxy.AcceptAsync);
        return proxy;
    }

    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    private async Task AcceptAsync(CancellationToken cancellationToken)
    {
        while (await _listener.AcceptAsync(cancellationToken) is { } visitor) _host.Scope.RunChild("visitor", token => ServeAsync(visitor, token));
    }

    private async Task ServeAsync(VisitorUser visitor, CancellationToken cancellationToken)
    {
        var user = visitor.Connection;
        Log.Visitor(_host.Logger, user.Remote);
        try
        {
            if (await _host.OpenWorkAsync(user.Remote, user.Local, cancellationToken) is not { } work) return;
            var reason = visitor.Codec.Version == _host.Codec.Version
                ? await Relay.RunAsync(user, work.Connection, RelayEnd.CloseBoth, _host.Time, cancellationToken)
                : await PacketBridge.RunAsync(user, visitor.Codec, work.Connection, _host.Codec, cancellationToken);
            Log.Ended(_host.Logger, user.Remote, reason);
        }
        finally
        {
            await user.DisposeAsync();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "get a visitor connection [{Remote}]")]
        internal static partial void Visitor(ILogger logger, System.Net.EndPoint? remote);

        [LoggerMessage(2, LogLevel.Debug, "visitor connection [{Remote}] closed: {Reason}")]
        internal static partial void Ended(ILogger logger, System.Net.EndPoint? remote, CloseReason reason);
    }
}
