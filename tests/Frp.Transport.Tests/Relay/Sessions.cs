using System.Net.Sockets;
using Yamux;

namespace Frp.Transport.Tests;

/// <summary>Two multiplexing sessions over a socket.</summary>
internal sealed class Sessions(YamuxSession client, YamuxSession server) : IAsyncDisposable
{
    private readonly Task _running = Task.WhenAll(client.RunAsync(CancellationToken.None), server.RunAsync(CancellationToken.None));

    internal static async Task<Sessions> OpenAsync()
    {
        var (near, far) = await TunnelSockets.PairAsync();
        return new Sessions(
            new YamuxSession(new NetworkStream(near, ownsSocket: true), YamuxRole.Client),
            new YamuxSession(new NetworkStream(far, ownsSocket: true), YamuxRole.Server));
    }

    internal async Task<(YamuxStream Ours, YamuxStream Theirs)> StreamAsync() =>
        (await client.OpenStreamAsync(CancellationToken.None), (await server.AcceptStreamAsync(CancellationToken.None).AsTask().WaitAsync(Patience.Limit))!);

    /// <summary>Returns when the server has handled everything that the client had sent: frames keep their order.</summary>
    internal async Task FlushToServerAsync()
    {
        var (ours, theirs) = await StreamAsync();
        await ours.WriteAsync(new byte[1]);
        Assert.Equal(1, await theirs.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience.Limit));
        await ours.DisposeAsync();
        await theirs.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await client.DisposeAsync();
        await server.DisposeAsync();
        await _running.WaitAsync(Patience.Limit);
    }
}
