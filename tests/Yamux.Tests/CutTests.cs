using System.Collections.Concurrent;
using System.Security.Cryptography;
using Yamux.Tests.Net;

namespace Yamux.Tests;

/// <summary>A carrier that breaks at any byte: nothing hangs, nothing leaks.</summary>
public class CutTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cut_at_any_byte_ends_everything(bool clientSide)
    {
        var whole = new SessionPair(new SimOptions(Seed: 3));
        await ScenarioAsync(whole);
        await whole.DisposeAsync();
        long total = clientSide ? whole.Net.BytesUp : whole.Net.BytesDown;
        Assert.InRange(total, 500, 5000);

        for (long at = 0; at <= total; at++)
        {
            var pair = new SessionPair(new SimOptions(Seed: (int)at + 1, CutClient: clientSide ? at : long.MaxValue, CutServer: clientSide ? long.MaxValue : at));
            await ScenarioAsync(pair);
            await pair.DisposeAsync();
            Assert.Equal(0, pair.Client.StreamCount);
            Assert.Equal(0, pair.Server.StreamCount);
            Assert.Equal(new YamuxOptions().ReceiveBudget, pair.Client.Budget.Available);
            Assert.Equal(new YamuxOptions().ReceiveBudget, pair.Server.Budget.Available);
        }
    }

    // Three streams, each another way of using one; each part may fail, but has to end.
    private static async Task ScenarioAsync(SessionPair pair)
    {
        Task serving = ServeAsync(pair.Server);
        await Task.WhenAll(EchoAsync(pair.Client), HalfCloseAsync(pair.Client), SinkAsync(pair.Client)).Soon();
        await pair.Client.DisposeAsync().Soon();
        await serving.Soon();
    }

    private static async Task ServeAsync(YamuxSession session)
    {
        var streams = new List<Task>();
        while (await session.AcceptStreamAsync() is { } stream) streams.Add(Quietly(stream, EchoBackAsync));
        await Task.WhenAll(streams);

        static async Task EchoBackAsync(YamuxStream stream)
        {
            byte[] buffer = new byte[100];
            while (await stream.ReadAsync(buffer) is var count and > 0) await stream.WriteAsync(buffer.AsMemory(0, count));
        }
    }

    private static async Task EchoAsync(YamuxSession session)
    {
        await OnStreamAsync(session, static async stream =>
        {
            for (int i = 0; i < 5; i++)
            {
                await stream.WriteAsync(new byte[20]);
                await stream.ReadExactlyAsync(new byte[20]);
            }
        });
    }

    private static async Task HalfCloseAsync(YamuxSession session)
    {
        await OnStreamAsync(session, static async stream =>
        {
            await stream.WriteFramedAsync(new byte[YamuxStream.HeaderLength + 300]);
            await stream.CompleteWritesAsync();
            Assert.Equal(300, (await stream.ReadAllAsync()).Length);
        });
    }

    private static async Task SinkAsync(YamuxSession session)
    {
        var sink = new CollectingSink { Room = 10 };
        await OnStreamAsync(session, async stream =>
        {
            stream.SetSink(sink);
            await stream.WriteAsync(new byte[50]);
            await stream.CompleteWritesAsync();
            while (!sink.End.IsCompleted)
            {
                await sink.Full.WaitAsync(TimeSpan.FromSeconds(30));
                sink.Room = 10;
                stream.ResumeSink();
            }

            if (await sink.End == YamuxStreamEnd.Finished) Assert.Equal(50, sink.Count);
        });
    }

    private static async Task OnStreamAsync(YamuxSession session, Func<YamuxStream, Task> use)
    {
        YamuxStream stream;
        try
        {
            stream = await session.OpenStreamAsync();
        }
        catch (YamuxSessionException)
        {
            return;
        }

        await Quietly(stream, use);
    }

    private static async Task Quietly(YamuxStream stream, Func<YamuxStream, Task> use)
    {
        try
        {
            await use(stream);
        }
        catch (IOException)
        {
            // The cut; also an end of stream where more was expected.
        }
        finally
        {
            await stream.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Many_streams_at_once_each_keep_their_order_whatever_the_chunks(int seed)
    {
        var random = new Random(seed);
        await using var pair = new SessionPair(new SimOptions(Seed: seed, Capacity: 10_000 * seed), new YamuxOptions { StreamWindow = YamuxOptions.ProtocolWindow, MaxStreamWindow = YamuxOptions.ProtocolWindow });
        var plans = new ConcurrentDictionary<uint, (int Seed, int Length, int How)>();
        Task serving = ServeAsync();
        Task[] clients = [.. Enumerable.Range(0, 40).Select(_ => (random.Next(), random.Next(600_000), random.Next(4))).Select(plan => SendAsync(plan))];
        await Task.WhenAll(clients).WaitAsync(TimeSpan.FromSeconds(120));
        await pair.Client.DisposeAsync();
        await serving.WaitAsync(TimeSpan.FromSeconds(120));

        async Task SendAsync((int Seed, int Length, int How) plan)
        {
            await Task.Yield();
            await using YamuxStream stream = await pair.Client.OpenStreamAsync();
            plans[stream.Id] = plan;
            var sizes = new Random(plan.Seed);
            byte[] all = Bytes(plan.Seed, plan.Length);
            for (int at = 0; at < all.Length;)
            {
                int size = Math.Min(all.Length - at, sizes.Next(4) == 0 ? sizes.Next(100_000) : sizes.Next(3000));
                byte[] frame = [.. new byte[YamuxStream.HeaderLength], .. all.AsSpan(at, size)];
                if (sizes.Next(2) == 0) await stream.WriteFramedAsync(frame);
                else await stream.WriteAsync(all.AsMemory(at, size));
                at += size;
                if (plan.How == 0 && at > plan.Length / 2)
                {
                    stream.Abort();
                    return;
                }
            }

            await stream.CompleteWritesAsync();
            Assert.Equal(SHA256.HashData(all), await stream.ReadAllAsync()); // the other direction is open still
        }

        async Task ServeAsync()
        {
            var readers = new List<Task>();
            while (await pair.Server.AcceptStreamAsync() is { } stream) readers.Add(ReceiveAsync(stream));
            await Task.WhenAll(readers);
        }

        async Task ReceiveAsync(YamuxStream stream)
        {
            await using (stream)
            {
                var (planSeed, length, how) = plans.TryGetValue(stream.Id, out var plan) ? plan : default;
                try
                {
                    byte[] received;
                    if (how == 1)
                    {
                        var sink = new CollectingSink();
                        stream.SetSink(sink);
                        Assert.Equal(YamuxStreamEnd.Finished, await sink.End.WaitAsync(TimeSpan.FromSeconds(120)));
                        received = sink.Bytes;
                    }
                    else
                    {
                        received = await stream.ReadAllAsync();
                    }

                    await stream.WriteAsync(SHA256.HashData(received));
                }
                catch (YamuxStreamException e)
                {
                    Assert.Equal(YamuxStreamEnd.Reset, e.End);
                }
            }
        }
    }

    [Fact]
    public async Task Any_chunking_of_the_input_gives_the_same_frames()
    {
        // The same bytes, once whole and once in seeded pieces, through a session that echoes.
        for (int seed = 0; seed < 50; seed++)
        {
            var net = new SimNet(new SimOptions(Seed: seed));
            await using var session = new YamuxSession(net.Server, YamuxRole.Server);
            Task running = session.RunAsync(CancellationToken.None);
            await using var peer = new RawPeer(net.Client);
            using var input = new MemoryStream();
            byte[] head = new byte[FrameHeader.Size];
            Add(new FrameHeader(FrameType.WindowUpdate, FrameFlags.Syn, 1, 0));
            byte[] payload = Bytes(1, 5000);
            for (int at = 0; at < payload.Length; at += 250)
            {
                Add(new FrameHeader(FrameType.Data, FrameFlags.None, 1, 250));
                input.Write(payload, at, 250);
                Add(new FrameHeader(FrameType.Data, FrameFlags.None, 1, 0));
                Add(new FrameHeader(FrameType.Ping, FrameFlags.Syn, 0, (uint)at));
                Add(new FrameHeader(FrameType.Data, FrameFlags.None, 77, 10));
                input.Write(payload, 0, 10);
            }

            Add(new FrameHeader(FrameType.Data, FrameFlags.Fin, 1, 0));
            await peer.Carrier.WriteAsync(input.ToArray());
            YamuxStream stream = (await session.AcceptStreamAsync().Soon())!;
            Assert.Equal(payload, await stream.ReadAllAsync());
            await stream.DisposeAsync();
            List<RawFrame> answers = await peer.BarrierAsync();
            Assert.Equal(Enumerable.Range(0, 20).Select(static i => 250u * (uint)i), answers.Where(static f => f.Type == FrameType.Ping).Select(static f => f.Length));
            await session.DisposeAsync();
            await running.Soon();

            void Add(FrameHeader header)
            {
                header.Write(head);
                input.Write(head);
            }
        }
    }

    private static byte[] Bytes(int seed, int length)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
