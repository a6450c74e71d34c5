using Frp.Config;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>The client half of every kind whose users are byte streams: each user becomes a connection to the local service.</summary>
internal sealed class LocalServiceProxy(ProxyConfig config, IClientProxyHost host) : IClientProxy
{
    public async Task ServeAsync(Connection work, StartWorkConn start, RelayEnd end, CancellationToken cancellationToken)
    {
        Connection? local = null;
        try
        {
            // Before anything is dialled: what makes no header is no reason to bother the service.
            byte[]? header = ProxyProtocolHeader.ForUser(config.Transport.ProxyProtocolVersion, start);
            local = await host.DialLocalAsync(config.LocalIP, config.LocalPort, cancellationToken);
            if (header is not null) work = await ProxyProtocolHeader.PrependAsync(work, header);
        }
        catch (Exception)
        {
            if (local is not null) await local.DisposeAsync();
            await work.DisposeAsync();
            throw;
        }
        await Relay.RunAsync(local, work, end, host.Time, cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
