using Yamux.Tests.Net;

namespace Yamux.Tests;

/// <summary>What a peer must not do, and what it must not achieve by doing it.</summary>
public class ViolationTests
{
    private static readonly YamuxOptions Quiet = new() { KeepAliveInterval = Timeout.InfiniteTimeSpan };

    [Theory]
    [InlineData("version 1", "010100010000000300000000", false)]
    [InlineData("type 4", "000400000000000000000000", false)]
    [InlineData("SYN of an open stream", "000100010000000100000000", true)]
    [InlineData("FIN twice", "000100040000000100000000000100040000000100000000", true)]
    [InlineData("FIN twice, once with data", "00000004000000010000000161000100040000000100000000", true)]
    [InlineData("more than the window", "0000000000000001005c0000", true)]
    [InlineData("a window beyond 2^32-1", "0001000000000001ffffffff", true)]
    [InlineData("a window beyond 2^32-1 in two steps", "0001000000000001f000000000010000000000010fff0000", true)]
    public async Task A_violation_ends_the_session(string what, string hex, bool goAway)
    {
        var net = new SimNet();
        await using var session = new YamuxSession(net.Server, YamuxRole.Server, Quiet with { ReceiveBudget = 0 });
        Task<YamuxEnd> running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Client);
        await peer.SendAsync("000100010000000100000000");
        YamuxStream stream = (await session.AcceptStreamAsync().Soon())!;
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Ack, 1, 0);
        await peer.SendAsync(hex);
        YamuxEnd end = await running.Soon();
        Assert.True(end.Kind == YamuxEndKind.ProtocolViolation, what);
        Assert.Equal(goAway ? [(FrameType.GoAway, 1u)] : [], (await peer.ReadToEndAsync()).Select(static f => (f.Type, f.Length)));
        await stream.DisposeAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(99)]
    public async Task GoAway_with_a_code_ends_the_session_without_a_word(uint code)
    {
        var net = new SimNet();
        await using var session = new YamuxSession(net.Server, YamuxRole.Server, Quiet);
        Task<YamuxEnd> running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Client);
        await peer.SendAsync(FrameType.GoAway, FrameFlags.None, 0, code);
        YamuxEnd end = await running.Soon();
        Assert.Equal((YamuxEndKind.GoAway, code), (end.Kind, end.GoAwayCode));
        Assert.Empty(await peer.ReadToEndAsync());
    }

    [Theory]
    [InlineData("000000000000000900000005aabbccddee")]
    [InlineData("000000040000000900000005aabbccddee")]
    [InlineData("000100000000000900000005")]
    [InlineData("000100040000000900000000")]
    [InlineData("000100080000000900000000")]
    [InlineData("000200000000000000000001")]
    [InlineData("000200020000000012345678")]
    [InlineData("0002fff00000000000000001")]
    public async Task A_frame_that_concerns_nobody_is_ignored(string hex)
    {
        var net = new SimNet();
        await using var session = new YamuxSession(net.Server, YamuxRole.Server, Quiet);
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Client);
        await peer.SendAsync(hex);
        Assert.Empty(await peer.BarrierAsync());
        Assert.Equal(0, session.StreamCount);
        await session.DisposeAsync();
        await running.Soon();
    }

    [Fact]
    public async Task Pings_that_are_not_read_pile_up_to_a_bound_and_the_session_survives()
    {
        var pool = new TrackingPool();
        var net = new SimNet(new SimOptions(Capacity: 12 * 1000));
        await using var session = new YamuxSession(net.Server, YamuxRole.Server, Quiet with { Pool = pool });
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Client);
        byte[] block = new byte[12 * 1000];
        for (int i = 0; i < 1000; i++) new FrameHeader(FrameType.Ping, FrameFlags.Syn, 0, (uint)i).Write(block.AsSpan(12 * i));
        for (int i = 0; i < 500; i++) await peer.Carrier.WriteAsync(block);
        Assert.InRange(pool.OutstandingBytes, 0, 256 * 1024);
        Task sending = peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Syn, 1, 0);
        Task<YamuxStream?> accepting = session.AcceptStreamAsync().AsTask();
        int replies = 0;
        while (await peer.ReadAsync() is { } frame && frame.Flags != FrameFlags.Ack | frame.Type == FrameType.Ping) replies++;
        Assert.InRange(replies, 64, 499_999);
        await sending.Soon();
        Assert.Equal(1u, (await accepting.Soon())!.Id);
        await session.DisposeAsync();
        await running.Soon();
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public async Task Refusals_that_are_not_read_end_the_session_before_they_fill_memory()
    {
        var pool = new TrackingPool();
        var net = new SimNet(new SimOptions(Capacity: 12 * 1000));
        await using var session = new YamuxSession(net.Server, YamuxRole.Server, Quiet with { Pool = pool, AcceptBacklog = 1 });
        Task<YamuxEnd> running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Client);
        byte[] block = new byte[12 * 1000];
        uint id = 1;
        try
        {
            while (!running.IsCompleted)
            {
                for (int i = 0; i < 1000; i++, id += 2) new FrameHeader(FrameType.WindowUpdate, FrameFlags.Syn, id, 0).Write(block.AsSpan(12 * i));
                await peer.Carrier.WriteAsync(block).Soon();
                Assert.InRange(pool.OutstandingBytes, 0, 8 * 1024 * 1024);
            }
        }
        catch (IOException)
        {
            // The session is gone.
        }

        Assert.Equal(YamuxEndKind.ProtocolViolation, (await running.Soon()).Kind);
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public async Task Streams_opened_and_reset_again_and_again_leave_nothing_behind()
    {
        var net = new SimNet();
        await using var session = new YamuxSession(net.Server, YamuxRole.Server, Quiet);
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Client);
        byte[] block = new byte[24 * 1000];
        uint id = 1;
        for (int round = 0; round < 100; round++)
        {
            for (int i = 0; i < 1000; i++, id += 2)
            {
                new FrameHeader(FrameType.WindowUpdate, FrameFlags.Syn, id, 0).Write(block.AsSpan(24 * i));
                new FrameHeader(FrameType.WindowUpdate, FrameFlags.Rst, id, 0).Write(block.AsSpan(24 * i + 12));
            }

            await peer.Carrier.WriteAsync(block).Soon();
            await peer.BarrierAsync();
            Assert.Equal(0, session.StreamCount);
        }

        // Nobody accepted meanwhile; the next stream is served all the same.
        Task<YamuxStream?> accepting = session.AcceptStreamAsync().AsTask();
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Syn, id, 0);
        uint wanted = id;
        List<RawFrame> answer = await peer.BarrierAsync();
        if (answer.Any(static f => f.Flags == FrameFlags.Rst))
        {
            await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Syn, wanted += 2, 0); // the backlog was still full of corpses
        }

        Assert.Equal(wanted, (await accepting.Soon())!.Id);
        await session.DisposeAsync();
        await running.Soon();
    }

    [Fact]
    public async Task More_streams_than_allowed_are_reset()
    {
        var net = new SimNet();
        await using var session = new YamuxSession(net.Server, YamuxRole.Server, Quiet with { MaxStreams = 10 });
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Client);
        for (uint i = 0; i < 11; i++) await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Syn, 2 * i + 1, 0);
        RawFrame refused = Assert.Single(await peer.BarrierAsync());
        Assert.Equal((FrameFlags.Rst, 21u), (refused.Flags, refused.Id));
        await session.DisposeAsync();
        await running.Soon();
    }
}
