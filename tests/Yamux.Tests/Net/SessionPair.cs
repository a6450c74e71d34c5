namespace Yamux.Tests.Net;

/// <summary>Both real ends of a session over a simulated carrier.</summary>
internal sealed class SessionPair : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public SessionPair(SimOptions? net = null, YamuxOptions? client = null, YamuxOptions? server = null)
    {
        Net = new SimNet(net);
        Client = new YamuxSession(Net.Client, YamuxRole.Client, (client ?? new YamuxOptions()) with { Pool = Pool });
        Server = new YamuxSession(Net.Server, YamuxRole.Server, (server ?? client ?? new YamuxOptions()) with { Pool = Pool });
        ClientEnd = Client.RunAsync(CancellationToken.None);
        ServerEnd = Server.RunAsync(CancellationToken.None);
    }

    public TrackingPool Pool { get; } = new();

    public SimNet Net { get; }

    public YamuxSession Client { get; }

    public YamuxSession Server { get; }

    public Task<YamuxEnd> ClientEnd { get; }

    public Task<YamuxEnd> ServerEnd { get; }

    /// <summary>A stream opened by the client and accepted by the server.</summary>
    public async Task<(YamuxStream Opened, YamuxStream Accepted)> OpenAsync()
    {
        YamuxStream opened = await Client.OpenStreamAsync();
        YamuxStream? accepted = await Server.AcceptStreamAsync().AsTask().WaitAsync(Deadline);
        return (opened, accepted!);
    }

    /// <summary>Ends both sessions; fails when a session hangs or a buffer was not given back.</summary>
    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync().AsTask().WaitAsync(Deadline);
        await Server.DisposeAsync().AsTask().WaitAsync(Deadline);
        await Task.WhenAll(ClientEnd, ServerEnd).WaitAsync(Deadline);
        Assert.Equal(0, Pool.Misuse);
        Assert.Equal(0, Pool.Outstanding);
    }
}

internal static class Waiting
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <summary>Every wait of a test has a deadline.</summary>
    public static Task<T> Soon<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Deadline);

    public static Task Soon(this ValueTask task) => task.AsTask().WaitAsync(Deadline);

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Deadline);

    public static Task Soon(this Task task) => task.WaitAsync(Deadline);

    /// <summary>Reads to the end.</summary>
    public static async Task<byte[]> ReadAllAsync(this Stream stream)
    {
        using var all = new MemoryStream();
        byte[] buffer = new byte[8192];
        while (await stream.ReadAsync(buffer).Soon() is var count and > 0) all.Write(buffer, 0, count);
        return all.ToArray();
    }
}
