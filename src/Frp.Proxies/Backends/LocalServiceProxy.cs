using Frp.Config;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>The client half of every kind whose users are byte streams: each user becomes a connection to the local service.</summary>
internal sealed class LocalServiceProxy(ProxyConfig config, IClientProxyHost host) : IClientProxy
{
    public async Task ServeAsync(Connection work, StartWorkConn start, RelayEnd end, CancellationToken cancellationToken)
    {
        Connection local;
        try
        {
            local = await host.DialLocalAsync(config.LocalIP, config.LocalPort, cancellationToken);
        }
        catch (Exception)
        {
            await work.DisposeAsync();
            throw;
        }
        await Relay.RunAsync(local, work, end, cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
