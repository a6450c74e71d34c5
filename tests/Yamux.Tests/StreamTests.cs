using System.Security.Cryptography;
using Yamux.Tests.Net;

namespace Yamux.Tests;

public class StreamTests
{
    private static readonly byte[] Hello = "hello"u8.ToArray();

    [Fact]
    public async Task Bytes_go_both_ways_and_each_way_ends_by_itself()
    {
        await using var pair = new SessionPair();
        var (a, b) = await pair.OpenAsync();
        await a.WriteAsync(Hello);
        await a.CompleteWritesAsync();
        Assert.Equal(Hello, await b.ReadAllAsync());
        await b.WriteAsync(Hello);
        await b.DisposeAsync();
        Assert.Equal(Hello, await a.ReadAllAsync());
        await a.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => a.ReadAsync(new byte[1]).Soon());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2048)]
    [InlineData(2049)]
    [InlineData(8191)]
    [InlineData(65524)]
    [InlineData(65525)]
    [InlineData(65536)]
    [InlineData(65537)]
    [InlineData(1_000_000)]
    public async Task A_framed_write_sends_what_follows_the_header(int length)
    {
        await using var pair = new SessionPair(new SimOptions(Seed: length));
        var (a, b) = await pair.OpenAsync();
        byte[] payload = RandomNumberGenerator.GetBytes(length);
        byte[] frame = new byte[YamuxStream.HeaderLength + length];
        payload.CopyTo(frame, YamuxStream.HeaderLength);
        Task<byte[]> reading = b.ReadAllAsync();
        await a.WriteFramedAsync(frame).Soon();
        await a.CompleteWritesAsync();
        Assert.Equal(payload, await reading);
        await a.DisposeAsync();
        await b.DisposeAsync();
    }

    [Fact]
    public async Task A_reset_fails_reads_and_writes_on_the_other_side()
    {
        await using var pair = new SessionPair();
        var (a, b) = await pair.OpenAsync();
        Task<int> reading = b.ReadAsync(new byte[1]).AsTask();
        a.Abort();
        Assert.Equal(YamuxStreamEnd.Reset, (await Assert.ThrowsAsync<YamuxStreamException>(() => reading.Soon())).End);
        Assert.Equal(YamuxStreamEnd.Reset, (await Assert.ThrowsAsync<YamuxStreamException>(() => b.WriteAsync(Hello).Soon())).End);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => a.ReadAsync(new byte[1]).Soon());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => a.WriteAsync(Hello).Soon());
        Assert.Equal(0, pair.Client.StreamCount);
        Assert.Equal(0, pair.Server.StreamCount);
        await b.DisposeAsync();
    }

    [Fact]
    public async Task Bytes_before_a_FIN_survive_a_reset_behind_it()
    {
        var net = new SimNet();
        await using var session = new YamuxSession(net.Server, YamuxRole.Server);
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Client);
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Syn, 1, 0);
        YamuxStream stream = (await session.AcceptStreamAsync().Soon())!;
        await peer.SendDataAsync(1, Hello, FrameFlags.Fin);
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Rst, 1, 0);
        await peer.BarrierAsync();
        Assert.Equal(Hello, await stream.ReadAllAsync());
        await Assert.ThrowsAsync<YamuxStreamException>(() => stream.WriteAsync(Hello).Soon());
        await session.DisposeAsync();
        await running.Soon();
    }

    [Fact]
    public async Task What_arrives_for_a_disposed_stream_is_answered_by_one_reset()
    {
        var net = new SimNet();
        await using var session = new YamuxSession(net.Server, YamuxRole.Server);
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Client);
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Syn, 1, 0);
        await (await session.AcceptStreamAsync().Soon())!.DisposeAsync();
        Assert.Equal([FrameFlags.Ack, FrameFlags.Fin], (await peer.BarrierAsync()).Select(static f => f.Flags));
        Assert.Equal(1, session.StreamCount);
        await peer.SendDataAsync(1, Hello);
        await peer.SendDataAsync(1, Hello);
        Assert.Equal([FrameFlags.Rst], (await peer.BarrierAsync()).Select(static f => f.Flags));
        Assert.Equal(0, session.StreamCount);
        await session.DisposeAsync();
        await running.Soon();
    }

    [Fact]
    public async Task A_zero_length_read_waits_until_there_is_something_to_read()
    {
        await using var pair = new SessionPair();
        var (a, b) = await pair.OpenAsync();
        Task<int> waiting = b.ReadAsync(Memory<byte>.Empty).AsTask();
        Assert.False(waiting.IsCompleted);
        await a.WriteAsync(Hello);
        Assert.Equal(0, await waiting.Soon());
        byte[] buffer = new byte[5];
        Assert.Equal(5, await b.ReadAsync(buffer).Soon());
        Assert.Equal(Hello, buffer);
        await a.DisposeAsync();
        await b.DisposeAsync();
    }

    [Fact]
    public async Task A_cancelled_read_loses_nothing()
    {
        await using var pair = new SessionPair();
        var (a, b) = await pair.OpenAsync();
        for (int i = 0; i < 20; i++)
        {
            using var cancel = new CancellationTokenSource();
            Task<int> reading = b.ReadAsync(new byte[1], cancel.Token).AsTask();
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.Soon());
        }

        await a.WriteAsync(Hello);
        byte[] buffer = new byte[5];
        await b.ReadExactlyAsync(buffer).Soon();
        Assert.Equal(Hello, buffer);
        await a.DisposeAsync();
        await b.DisposeAsync();
    }

    [Fact]
    public async Task A_cancelled_write_that_waits_for_credit_leaves_the_framing_intact()
    {
        await using var pair = new SessionPair();
        var (a, b) = await pair.OpenAsync();
        var (c, d) = await pair.OpenAsync();
        using (var cancel = new CancellationTokenSource())
        {
            Task writing = a.WriteAsync(new byte[64 * 1024 * 1024], cancel.Token).AsTask();
            await c.WriteAsync(Hello); // behind all that the first stream may send
            byte[] buffer = new byte[5];
            await d.ReadExactlyAsync(buffer).Soon();
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing.Soon());
        }

        Task<byte[]> reading = b.ReadAllAsync();
        await a.WriteAsync(Hello).Soon();
        await a.CompleteWritesAsync();
        byte[] all = await reading;
        Assert.InRange(all.Length, Hello.Length, 64 * 1024 * 1024 - 1);
        Assert.Equal(Hello, all[^Hello.Length..]);
        Assert.True(all.AsSpan(0, all.Length - Hello.Length).IndexOfAnyExcept((byte)0) < 0);
        Assert.Null(pair.Client.End);
        Assert.Null(pair.Server.End);
        foreach (YamuxStream stream in new[] { a, b, c, d }) await stream.DisposeAsync();
    }

    [Fact]
    public async Task Misuse_is_refused()
    {
        await using var pair = new SessionPair();
        var (a, b) = await pair.OpenAsync();
        Task<int> reading = a.ReadAsync(new byte[1]).AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(() => a.ReadAsync(new byte[1]).AsTask());
        Assert.Throws<InvalidOperationException>(() => a.SetSink(new CollectingSink()));
        Task writing = a.WriteAsync(new byte[64 * 1024 * 1024]).AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await a.WriteAsync(Hello));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await a.CompleteWritesAsync());
        Assert.Throws<NotSupportedException>(() => a.Read(new byte[1], 0, 1));
        Assert.Throws<NotSupportedException>(() => a.Write(new byte[1], 0, 1));
        a.Abort();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => reading.Soon());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => writing.Soon());

        var (c, d) = await pair.OpenAsync();
        await c.CompleteWritesAsync();
        await c.CompleteWritesAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await c.WriteAsync(Hello));
        foreach (YamuxStream stream in new[] { b, c, d }) await stream.DisposeAsync();
    }

    [Fact]
    public async Task A_disposal_during_a_write_is_a_reset_for_the_peer()
    {
        await using var pair = new SessionPair();
        var (a, b) = await pair.OpenAsync();
        Task writing = a.WriteAsync(new byte[64 * 1024 * 1024]).AsTask();
        await a.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => writing.Soon());
        byte[] buffer = new byte[1 << 20];
        YamuxStreamException e = await Assert.ThrowsAsync<YamuxStreamException>(async () =>
        {
            while (await b.ReadAsync(buffer).Soon() > 0)
            {
            }
        });
        Assert.Equal(YamuxStreamEnd.Reset, e.End);
        await b.DisposeAsync();
    }

    [Fact]
    public async Task A_sink_gets_what_was_queued_then_what_comes_then_the_end()
    {
        await using var pair = new SessionPair(new SimOptions(Seed: 7));
        var (a, b) = await pair.OpenAsync();
        await a.WriteAsync(Hello);
        await b.ReadAsync(Memory<byte>.Empty).Soon();
        var sink = new CollectingSink();
        b.SetSink(sink);
        byte[] more = RandomNumberGenerator.GetBytes(3_000_000);
        await a.WriteAsync(more).Soon();
        await a.DisposeAsync();
        Assert.Equal(YamuxStreamEnd.Finished, await sink.End.Soon());
        Assert.Equal([.. Hello, .. more], sink.Bytes);
        await b.DisposeAsync();
        Assert.Equal(1, sink.Ends);
    }

    [Fact]
    public async Task A_sink_that_is_full_is_offered_the_rest_when_it_resumes()
    {
        await using var pair = new SessionPair(new SimOptions(Seed: 9));
        var (a, b) = await pair.OpenAsync();
        var sink = new CollectingSink { Room = 1000 };
        b.SetSink(sink);
        byte[] all = RandomNumberGenerator.GetBytes(500_000);
        Task writing = a.WriteAsync(all).AsTask();
        while (sink.Count < all.Length)
        {
            await sink.Full.WaitAsync(TimeSpan.FromSeconds(30));
            sink.Room = 30_000;
            b.ResumeSink();
        }

        await writing.Soon();
        await a.DisposeAsync();
        Assert.Equal(YamuxStreamEnd.Finished, await sink.End.Soon());
        Assert.Equal(all, sink.Bytes);
        await b.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_comes_behind_FIN_takes_nothing_from_the_reader_and_is_seen_by_who_asks(bool session)
    {
        await using var pair = new SessionPair();
        var (a, b) = await pair.OpenAsync();
        var (c, d) = await pair.OpenAsync();
        await a.WriteAsync(Hello);
        await a.CompleteWritesAsync();
        await c.WriteAsync(Hello);
        Assert.Equal(Hello.Length, await d.ReadAsync(new byte[100]).Soon()); // frames keep their order: FIN has come
        Assert.False(a.IsOver || b.IsOver);
        if (session)
        {
            pair.Client.Abort();
            await Assert.ThrowsAsync<YamuxStreamException>(() => d.ReadAsync(new byte[1]).Soon());
        }
        else
        {
            a.Abort();
            await c.WriteAsync(Hello);
            Assert.Equal(Hello.Length, await d.ReadAsync(new byte[100]).Soon());
        }

        Assert.True(a.IsOver && b.IsOver);
        Assert.Equal(Hello, await b.ReadAllAsync());
        foreach (YamuxStream stream in new[] { a, b, c, d }) await stream.DisposeAsync();
    }

    [Theory]
    [InlineData("reset", YamuxStreamEnd.Reset)]
    [InlineData("session", YamuxStreamEnd.SessionEnded)]
    [InlineData("dispose", YamuxStreamEnd.ClosedLocally)]
    [InlineData("abort", YamuxStreamEnd.ClosedLocally)]
    public async Task A_full_sink_learns_of_the_end_at_once_and_once(string how, YamuxStreamEnd expected)
    {
        await using var pair = new SessionPair();
        var (a, b) = await pair.OpenAsync();
        var sink = new CollectingSink { Room = 3 };
        b.SetSink(sink);
        await a.WriteAsync(Hello);
        await sink.Full.WaitAsync(TimeSpan.FromSeconds(30));
        switch (how)
        {
            case "reset": a.Abort(); break;
            case "session": pair.Client.Abort(); break;
            case "dispose": await b.DisposeAsync(); break;
            default: b.Abort(); break;
        }

        Assert.Equal(expected, await sink.End.Soon());
        b.ResumeSink();
        await a.DisposeAsync();
        await b.DisposeAsync();
        Assert.Equal(1, sink.Ends);
    }

    [Fact]
    public async Task A_sink_that_throws_ends_the_session_and_is_named_as_the_cause()
    {
        await using var pair = new SessionPair();
        var (a, b) = await pair.OpenAsync();
        b.SetSink(new ThrowingSink());
        await a.WriteAsync(Hello);
        YamuxEnd end = await pair.ServerEnd.Soon();
        Assert.Equal(YamuxEndKind.InternalError, end.Kind);
        Assert.IsType<InvalidTimeZoneException>(end.Exception);
        YamuxEnd other = await pair.ClientEnd.Soon();
        Assert.Contains(other.Kind, new[] { YamuxEndKind.GoAway, YamuxEndKind.RemoteClose });
        await a.DisposeAsync();
        await b.DisposeAsync();
    }

    private sealed class ThrowingSink : IYamuxSink
    {
        public int OnData(ReadOnlySpan<byte> data) => throw new InvalidTimeZoneException();

        public void OnEnd(YamuxStreamEnd end)
        {
        }
    }
}

/// <summary>Takes as much as it has room for.</summary>
internal sealed class CollectingSink : IYamuxSink
{
    private readonly Lock _gate = new();
    private readonly MemoryStream _bytes = new();
    private readonly TaskCompletionSource<YamuxStreamEnd> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _room = int.MaxValue;
    private int _inside;

    public SemaphoreSlim Full { get; } = new(0);

    public int Ends { get; private set; }

    public Task<YamuxStreamEnd> End => _end.Task;

    public int Room
    {
        set { lock (_gate) _room = value; }
    }

    public byte[] Bytes
    {
        get { lock (_gate) return _bytes.ToArray(); }
    }

    public long Count
    {
        get { lock (_gate) return _bytes.Length; }
    }

    public int OnData(ReadOnlySpan<byte> data)
    {
        Assert.Equal(1, Interlocked.Increment(ref _inside));
        Assert.False(data.IsEmpty);
        int count;
        bool wasFull, whole;
        lock (_gate)
        {
            count = Math.Min(data.Length, _room);
            wasFull = _room == 0 && count < data.Length;
            if (_room != int.MaxValue) _room -= count;
            _bytes.Write(data[..count]);
            whole = count == data.Length;
        }

        Interlocked.Decrement(ref _inside);
        if (!whole || wasFull) Full.Release();
        return count;
    }

    public void OnEnd(YamuxStreamEnd end)
    {
        Assert.Equal(1, Interlocked.Increment(ref _inside));
        Ends++;
        _end.TrySetResult(end);
        Full.Release(); // whoever waits for more sees that there is none
        Interlocked.Decrement(ref _inside);
    }
}
