using Microsoft.Extensions.Time.Testing;
using Yamux.Tests.Net;

namespace Yamux.Tests;

public class FlowControlTests
{
    [Fact]
    public async Task A_stalled_reader_holds_its_window_and_no_more_while_a_hundred_streams_go_on()
    {
        const long length = 1L << 30;
        await using var pair = new SessionPair();
        var (stalledOut, stalledIn) = await pair.OpenAsync();
        Task flood = FloodAsync();
        Task[] others = new Task[100];
        for (int i = 0; i < others.Length; i++) others[i] = ExchangeAsync(await pair.OpenAsync());
        await Task.WhenAll(others).WaitAsync(TimeSpan.FromSeconds(120));
        Assert.False(flood.IsCompleted);
        Assert.InRange(stalledIn.QueuedReceiveBytes, 1, 6 * 1024 * 1024);
        Assert.InRange(pair.Server.QueuedReceiveBytes, 1, 6 * 1024 * 1024);
        Assert.InRange(pair.Pool.OutstandingBytes, 1, 8 * 1024 * 1024);
        Assert.Equal(6 * 1024 * 1024, stalledIn.Inbound.Window);
        stalledIn.Abort();
        await Assert.ThrowsAsync<YamuxStreamException>(() => flood.Soon());
        await stalledOut.DisposeAsync();

        async Task FloodAsync()
        {
            byte[] frame = new byte[64 * 1024];
            for (long sent = 0; sent < length; sent += frame.Length - YamuxStream.HeaderLength) await stalledOut.WriteFramedAsync(frame);
        }

        async Task ExchangeAsync((YamuxStream, YamuxStream) ends)
        {
            var (a, b) = ends;
            Task echoing = EchoAsync(b);
            byte[] buffer = new byte[10_000];
            for (int i = 0; i < 20; i++)
            {
                await a.WriteAsync(buffer).Soon();
                await a.ReadExactlyAsync(buffer).Soon();
            }

            await a.DisposeAsync();
            await echoing.Soon();
        }

        static async Task EchoAsync(YamuxStream stream)
        {
            byte[] buffer = new byte[4096];
            while (await stream.ReadAsync(buffer) is var count and > 0) await stream.WriteAsync(buffer.AsMemory(0, count));
            await stream.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_sender_stops_where_its_credit_ends_and_goes_on_with_more()
    {
        var net = new SimNet(new SimOptions(Capacity: 1 << 24));
        await using var session = new YamuxSession(net.Client, YamuxRole.Client, new YamuxOptions { KeepAliveInterval = TimeSpan.Zero });
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Server);
        YamuxStream stream = await session.OpenStreamAsync();
        Task writing = stream.WriteAsync(new byte[400_000]).AsTask();
        Assert.Equal(262_144, await SumAsync(262_144));
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Ack, 1, 100_000);
        Assert.Equal(100_000, await SumAsync(100_000));
        Assert.False(writing.IsCompleted);
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.None, 1, 1_000_000);
        Assert.Equal(400_000 - 362_144, await SumAsync(400_000 - 362_144));
        await writing.Soon();
        await session.DisposeAsync();
        await running.Soon();

        async Task<int> SumAsync(int wanted)
        {
            int sum = 0;
            while (sum < wanted) sum += (await peer.ReadAsync())!.Payload.Length;
            Assert.Empty(await peer.BarrierAsync());
            return sum;
        }
    }

    [Fact]
    public async Task Bulk_streams_take_turns_and_small_frames_go_ahead_of_them()
    {
        var net = new SimNet(new SimOptions(Capacity: 100_000));
        await using var session = new YamuxSession(net.Client, YamuxRole.Client, new YamuxOptions { KeepAliveInterval = TimeSpan.Zero, MaxFramePayload = 32 * 1024 });
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Server);
        YamuxStream[] bulk = [await session.OpenStreamAsync(), await session.OpenStreamAsync(), await session.OpenStreamAsync()];
        YamuxStream small = await session.OpenStreamAsync();
        Task[] writing = [.. bulk.Select(static s => s.WriteAsync(new byte[256 * 1024]).AsTask())];
        await small.WriteAsync(new byte[10]);

        var frames = new List<RawFrame>();
        while (frames.Count(static f => f.Type == FrameType.Data) < 3 * 8 + 1) frames.Add((await peer.ReadAsync())!);
        await Task.WhenAll(writing).Soon();
        Assert.Equal([1u, 3u, 5u, 7u], frames.Where(static f => f.Flags == FrameFlags.Syn).Select(static f => f.Id));
        List<uint> order = [.. frames.Where(static f => f.Type == FrameType.Data).Select(static f => f.Id)];
        // At most the batch in progress and the one that carries it: 128 KiB of bulk each.
        Assert.InRange(order.IndexOf(small.Id), 0, 8);
        // In turn: within the stretch in which all three have data, none is two slices ahead.
        var sent = bulk.ToDictionary(static s => s.Id, static _ => 0);
        foreach (uint id in order.Where(id => id != small.Id).Skip(6).Take(12)) sent[id]++;
        Assert.All(sent.Values, static count => Assert.InRange(count, 3, 5));
        await session.DisposeAsync();
        await running.Soon();
    }

    [Fact]
    public async Task A_fast_reader_on_a_long_link_gets_a_larger_window()
    {
        var clock = new FakeTimeProvider();
        var net = new SimNet(new SimOptions(Capacity: 1 << 26));
        await using var session = new YamuxSession(net.Server, YamuxRole.Server, new YamuxOptions { KeepAliveInterval = TimeSpan.Zero, TimeProvider = clock });
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Client);
        await peer.SendAsync("0001000100000001005c0000");
        YamuxStream stream = (await session.AcceptStreamAsync().Soon())!;
        stream.SetSink(new DiscardingSink());
        byte[] payload = new byte[1 << 20];
        var increments = new List<uint>();
        for (int i = 0; i < 60; i++)
        {
            await peer.SendDataAsync(1, payload);
            foreach (RawFrame frame in await peer.BarrierAsync())
            {
                if (frame.Type == FrameType.Ping)
                {
                    clock.Advance(TimeSpan.FromMilliseconds(100));
                    await peer.SendAsync(FrameType.Ping, FrameFlags.Ack, 0, frame.Length);
                }
                else if (frame.Flags == FrameFlags.None)
                {
                    increments.Add(frame.Length);
                }
            }
        }

        Assert.Equal(TimeSpan.FromMilliseconds(100), session.RoundTripTime);
        Assert.InRange(stream.Inbound.Window, 24 * 1024 * 1024, 64 * 1024 * 1024);
        Assert.True(increments.Max() > 6 * 1024 * 1024);
        Assert.Equal(0, stream.QueuedReceiveBytes);
        await stream.DisposeAsync();
        await session.DisposeAsync();
        await running.Soon();
    }

    [Fact]
    public async Task When_the_budget_is_used_up_new_streams_announce_less_and_it_comes_back()
    {
        var options = new YamuxOptions { ReceiveBudget = 32L * 1024 * 1024 };
        await using var pair = new SessionPair(null, options);
        var streams = new List<YamuxStream>();
        for (int i = 0; i < 100; i++)
        {
            var (a, b) = await pair.OpenAsync();
            streams.Add(a);
            streams.Add(b);
        }

        Assert.Equal(6 * 1024 * 1024, streams[0].Inbound.Window);
        Assert.Equal(YamuxOptions.ProtocolWindow, streams[^1].Inbound.Window);
        Assert.InRange(pair.Server.Budget.Available, 0, 1024 * 1024);
        foreach (YamuxStream stream in streams) await stream.DisposeAsync();
        Assert.Equal(options.ReceiveBudget, pair.Client.Budget.Available);
        Assert.Equal(options.ReceiveBudget, pair.Server.Budget.Available);
    }

    private sealed class DiscardingSink : IYamuxSink
    {
        public int OnData(ReadOnlySpan<byte> data) => data.Length;

        public void OnEnd(YamuxStreamEnd end)
        {
        }
    }
}
