using Microsoft.Extensions.Time.Testing;
using Yamux.Tests.Net;

namespace Yamux.Tests;

public class SessionTests
{
    private static readonly YamuxOptions Quiet = new() { KeepAliveInterval = Timeout.InfiniteTimeSpan };

    [Fact]
    public async Task The_opener_uses_odd_ids_as_client_and_even_ones_as_server()
    {
        await using var pair = new SessionPair();
        foreach (uint id in new uint[] { 1, 3, 5 }) Assert.Equal(id, (await pair.Client.OpenStreamAsync()).Id);
        foreach (uint id in new uint[] { 2, 4 }) Assert.Equal(id, (await pair.Server.OpenStreamAsync()).Id);
    }

    [Fact]
    public async Task An_open_waits_while_256_are_unacknowledged_and_goes_on_with_the_first_answer()
    {
        var net = new SimNet();
        await using var session = new YamuxSession(net.Client, YamuxRole.Client, Quiet);
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Server);
        for (int i = 0; i < 256; i++) Assert.True(session.OpenStreamAsync().IsCompletedSuccessfully);
        Task<YamuxStream> next = session.OpenStreamAsync().AsTask();
        using var cancel = new CancellationTokenSource();
        Task<YamuxStream> cancelled = session.OpenStreamAsync(cancel.Token).AsTask();
        Task<YamuxStream> last = session.OpenStreamAsync().AsTask();
        List<RawFrame> syns = await peer.BarrierAsync();
        Assert.Equal(Enumerable.Range(0, 256).Select(static i => 2u * (uint)i + 1), syns.Select(static f => f.Id));
        Assert.All(syns, static f => Assert.Equal(FrameFlags.Syn, f.Flags));
        Assert.False(next.IsCompleted);

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Soon());
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Ack, 1, 0);
        Assert.Equal(513u, (await next.Soon()).Id);
        Assert.False(last.IsCompleted);
        // Any frame is an answer: the reference leaves ACK out when FIN came before its accept. So is a reset.
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Rst, 3, 0);
        Assert.Equal(515u, (await last.Soon()).Id);
        await session.DisposeAsync();
        await running.Soon();
    }

    [Theory]
    [InlineData("000100000000000100000010")]
    [InlineData("000000000000000100000000")]
    [InlineData("000100040000000100000000")]
    public async Task Any_frame_counts_as_the_acknowledgement_of_a_stream(string answer)
    {
        var clock = new FakeTimeProvider();
        var net = new SimNet();
        await using var session = new YamuxSession(net.Client, YamuxRole.Client, Quiet with { TimeProvider = clock });
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Server);
        await session.OpenStreamAsync();
        await peer.SendAsync(answer);
        await peer.BarrierAsync();
        clock.Advance(TimeSpan.FromSeconds(100));
        await peer.BarrierAsync();
        Assert.Null(session.End);
        await session.DisposeAsync();
        await running.Soon();
    }

    [Fact]
    public async Task A_stream_without_an_answer_ends_the_session_after_75_seconds()
    {
        var clock = new FakeTimeProvider();
        var net = new SimNet();
        await using var session = new YamuxSession(net.Client, YamuxRole.Client, Quiet with { TimeProvider = clock });
        Task<YamuxEnd> running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Server);
        YamuxStream stream = await session.OpenStreamAsync();
        Task<int> reading = stream.ReadAsync(new byte[1]).AsTask();
        clock.Advance(TimeSpan.FromSeconds(74));
        await peer.BarrierAsync();
        Assert.Null(session.End);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(YamuxEndKind.OpenTimeout, (await running.Soon()).Kind);
        Assert.Equal(YamuxStreamEnd.SessionEnded, (await Assert.ThrowsAsync<YamuxStreamException>(() => reading.Soon())).End);
    }

    [Fact]
    public async Task A_keepalive_goes_out_every_30_seconds_and_measures_the_round_trip()
    {
        var clock = new FakeTimeProvider();
        var net = new SimNet();
        await using var session = new YamuxSession(net.Client, YamuxRole.Client, new YamuxOptions { TimeProvider = clock });
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Server);
        for (uint i = 0; i < 5; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(29));
            Assert.Empty(await peer.BarrierAsync());
            for (int k = 0; k < 2; k++) clock.Advance(TimeSpan.FromMilliseconds(600));
            RawFrame? ping = await peer.ReadAsync();
            Assert.Equal((FrameType.Ping, FrameFlags.Syn, 0u), (ping!.Type, ping.Flags, ping.Id));
            clock.Advance(TimeSpan.FromMilliseconds(20));
            await peer.SendAsync(FrameType.Ping, FrameFlags.Ack, 0, ping.Length + 1); // not an answer
            await peer.SendAsync(FrameType.Ping, FrameFlags.Ack, 0, ping.Length);
            Assert.Empty(await peer.BarrierAsync());
            Assert.Equal(TimeSpan.FromMilliseconds(20), session.RoundTripTime);
        }

        await session.DisposeAsync();
        await running.Soon();
    }

    [Fact]
    public async Task A_ping_without_an_answer_ends_the_session()
    {
        var clock = new FakeTimeProvider();
        var net = new SimNet();
        await using var session = new YamuxSession(net.Client, YamuxRole.Client, new YamuxOptions { TimeProvider = clock });
        Task<YamuxEnd> running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Server);
        clock.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(FrameType.Ping, (await peer.ReadAsync())!.Type);
        clock.Advance(TimeSpan.FromSeconds(9));
        await peer.BarrierAsync();
        Assert.Null(session.End);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(YamuxEndKind.KeepAliveTimeout, (await running.Soon()).Kind);
        Assert.True(net.Client.IsDisposed);
    }

    [Fact]
    public async Task Without_a_keepalive_interval_an_idle_session_is_never_pinged()
    {
        var clock = new FakeTimeProvider();
        var net = new SimNet();
        await using var session = new YamuxSession(net.Client, YamuxRole.Client, Quiet with { TimeProvider = clock });
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Server);
        for (int i = 0; i < 100; i++) clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Empty(await peer.BarrierAsync());
        await session.DisposeAsync();
        await running.Soon();
    }

    [Fact]
    public async Task A_carrier_that_takes_no_frame_for_10_seconds_ends_the_session()
    {
        var clock = new FakeTimeProvider();
        var net = new SimNet(new SimOptions(Capacity: 1000));
        await using var session = new YamuxSession(net.Client, YamuxRole.Client, Quiet with { TimeProvider = clock });
        Task<YamuxEnd> running = session.RunAsync(CancellationToken.None);
        YamuxStream stream = await session.OpenStreamAsync();
        Task writing = stream.WriteAsync(new byte[100_000]).AsTask();
        YamuxStream other = await session.OpenStreamAsync();
        Task waiting = other.WriteAsync(new byte[100_000]).AsTask();
        while (session.Sending.WritingSince == 0) await Task.Yield(); // the write is left to the thread pool
        clock.Advance(TimeSpan.FromSeconds(9));
        Assert.Null(session.End);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(YamuxEndKind.WriteTimeout, (await running.Soon()).Kind);
        await Assert.ThrowsAsync<YamuxStreamException>(() => writing.Soon());
        await Assert.ThrowsAsync<YamuxStreamException>(() => waiting.Soon());
        await Assert.ThrowsAsync<YamuxStreamException>(() => stream.WriteAsync(new byte[1]).Soon());
        Assert.Equal(YamuxEndKind.WriteTimeout, (await Assert.ThrowsAsync<YamuxSessionException>(() => session.OpenStreamAsync().Soon())).End!.Kind);
    }

    [Fact]
    public async Task A_disposed_stream_that_the_peer_does_not_finish_is_reset_after_300_seconds()
    {
        var clock = new FakeTimeProvider();
        var net = new SimNet();
        await using var session = new YamuxSession(net.Client, YamuxRole.Client, Quiet with { TimeProvider = clock });
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Server);
        YamuxStream stream = await session.OpenStreamAsync();
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Ack, 1, 0);
        await peer.BarrierAsync();
        await stream.DisposeAsync();
        Assert.Equal(FrameFlags.Fin, Assert.Single(await peer.BarrierAsync()).Flags);
        clock.Advance(TimeSpan.FromSeconds(299));
        Assert.Empty(await peer.BarrierAsync());
        Assert.Equal(1, session.StreamCount);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(FrameFlags.Rst, (await peer.ReadAsync())!.Flags);
        Assert.Equal(0, session.StreamCount);
        await session.DisposeAsync();
        await running.Soon();
    }

    [Fact]
    public async Task GoAway_0_stops_opens_and_lets_streams_go_on()
    {
        await using var pair = new SessionPair();
        var (a, b) = await pair.OpenAsync();
        await pair.Server.GoAwayAsync();
        await b.WriteAsync("x"u8.ToArray());
        Assert.Equal(1, await a.ReadAsync(new byte[1]).Soon());
        Assert.False(pair.Client.CanOpenStreams);
        Assert.Null((await Assert.ThrowsAsync<YamuxSessionException>(() => pair.Client.OpenStreamAsync().Soon())).End);
        await Assert.ThrowsAsync<YamuxSessionException>(() => pair.Server.OpenStreamAsync().Soon());
        await a.WriteAsync("y"u8.ToArray());
        Assert.Equal(1, await b.ReadAsync(new byte[1]).Soon());
        Assert.Null(pair.Client.End);
        await a.DisposeAsync();
        await b.DisposeAsync();
    }

    [Fact]
    public async Task After_our_GoAway_a_SYN_is_reset()
    {
        var net = new SimNet();
        await using var session = new YamuxSession(net.Server, YamuxRole.Server, Quiet);
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Client);
        await session.GoAwayAsync();
        await peer.ExpectAsync(FrameType.GoAway, FrameFlags.None, 0, 0);
        await peer.SendAsync("0001000100000001005c0000");
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Rst, 1, 0);
        await session.DisposeAsync();
        await running.Soon();
    }

    [Fact]
    public async Task The_end_of_a_session_reaches_everyone_with_the_first_reason()
    {
        await using var pair = new SessionPair();
        var (a, b) = await pair.OpenAsync();
        Task<int> reading = a.ReadAsync(new byte[1]).AsTask();
        Task writing = a.WriteAsync(new byte[64 * 1024 * 1024]).AsTask();
        Task<YamuxStream?> accepting = pair.Client.AcceptStreamAsync().AsTask();
        pair.Client.Abort("enough");
        pair.Client.Abort("too late");
        Assert.Equal(new YamuxEnd(YamuxEndKind.LocalClose, "enough"), await pair.ClientEnd.Soon());
        Assert.Same(pair.Client.End, await pair.Client.Ended.Soon());
        // The server may be writing when the carrier goes, a ping that measures the round trip of the bulk: then that fails first.
        Assert.Contains((await pair.ServerEnd.Soon()).Kind, new[] { YamuxEndKind.RemoteClose, YamuxEndKind.CarrierError });
        await Assert.ThrowsAsync<YamuxStreamException>(() => reading.Soon());
        await Assert.ThrowsAsync<YamuxStreamException>(() => writing.Soon());
        Assert.Null(await accepting.Soon());
        Assert.Null(await pair.Client.AcceptStreamAsync().Soon());
        await Assert.ThrowsAsync<YamuxStreamException>(() => b.WriteAsync(new byte[1]).Soon());
        await a.DisposeAsync();
        await b.DisposeAsync();
    }

    [Fact]
    public async Task What_was_written_before_a_disposal_still_arrives()
    {
        var net = new SimNet();
        var session = new YamuxSession(net.Client, YamuxRole.Client, Quiet);
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Server);
        YamuxStream stream = await session.OpenStreamAsync();
        for (int i = 0; i < 100; i++) await stream.WriteAsync(new byte[100]);
        await session.DisposeAsync();
        Assert.Equal(10_000, (await peer.ReadToEndAsync()).Sum(static f => f.Payload.Length));
        await running.Soon();
    }

    [Fact]
    public async Task A_cancelled_run_ends_the_session()
    {
        var net = new SimNet();
        using var cancel = new CancellationTokenSource();
        await using var session = new YamuxSession(net.Client, YamuxRole.Client, Quiet);
        Task<YamuxEnd> running = session.RunAsync(cancel.Token);
        await cancel.CancelAsync();
        Assert.Equal(YamuxEndKind.LocalClose, (await running.Soon()).Kind);
        Assert.True(net.Client.IsDisposed);
    }

    [Fact]
    public async Task A_session_that_never_ran_can_be_disposed()
    {
        var net = new SimNet();
        await using var session = new YamuxSession(net.Client, YamuxRole.Client);
        await session.DisposeAsync().Soon();
        Assert.True(net.Client.IsDisposed);
        Assert.Equal(0, net.BytesUp);
    }
}
