using Frp.Transport;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>The client half of a tcp proxy: each user becomes a connection to the local service.</summary>
internal sealed class TcpClientProxy(string localHost, int localPort, IClientProxyHost host) : IClientProxy
{
    public async Task ServeAsync(Connection work, StartWorkConn start, RelayEnd end, CancellationToken cancellationToken)
    {
        Connection local;
        try
        {
            local = await host.DialLocalAsync(localHost, localPort, cancellationToken);
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
