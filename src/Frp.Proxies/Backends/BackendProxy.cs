using Frp.Config;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>The client half of every kind whose users are byte streams: each user becomes a connection to a service.</summary>
/// <param name="config">The proxy.</param>
/// <param name="host">The client.</param>
/// <param name="dial">Connects to the service, within a deadline of its own.</param>
internal sealed class BackendProxy(ProxyConfig config, IClientProxyHost host, Func<CancellationToken, ValueTask<Connection>> dial) : IClientProxy
{
    /// <summary>What is done with a user before the service is dialled. Owns the connection that it is given, and closes it when it fails.</summary>
    internal Func<Connection, CancellationToken, ValueTask<Connection>>? Receive { get; init; }

    public async Task ServeAsync(Connection work, StartWorkConn start, RelayEnd end, CancellationToken cancellationToken)
    {
        Connection? service = null;
        try
        {
            // Before anything is dialled: what makes no header is no reason to bother the service.
            byte[]? header = ProxyProtocolHeader.ForUser(config.Transport.ProxyProtocolVersion, start);
            if (Receive is not null) work = await Receive(work, cancellationToken);
            service = await dial(cancellationToken);
            if (header is not null) work = await ProxyProtocolHeader.PrependAsync(work, header);
        }
        catch (Exception)
        {
            if (service is not null) await service.DisposeAsync();
            await work.DisposeAsync();
            throw;
        }
        await Relay.RunAsync(service, work, end, host.Time, cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
