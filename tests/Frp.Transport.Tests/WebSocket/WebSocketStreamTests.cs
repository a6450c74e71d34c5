using CsCheck;

namespace Frp.Transport.Tests;

public class WebSocketStreamTests
{
    private static readonly TimeProvider Time = TimeProvider.System;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 100)]
    [InlineData(int.MaxValue, 5)]
    [InlineData(int.MaxValue, 4096)]
    [InlineData(3, 4096)]
    public async Task Recorded_streams_are_read_at_any_chunking(int arriving, int reading)
    {
        Assert.NotEmpty(WebSocketVectors.Streams);
        foreach (var (masked, frames, payload) in WebSocketVectors.Streams)
        {
            var (peer, ours) = MemoryDuplex.Pair(arriving);
            var connection = new WebSocketConnection(ours, isClient: !masked, null, default, Time);
            await peer.WriteAndFlushAsync(frames);
            Assert.Equal(payload, await ReadInPiecesAsync(connection.Stream, payload.Length, reading));
            await peer.DisposeAsync();
            Assert.Equal(0, await connection.Stream.ReadAsync(new byte[reading], Patience.Token));
        }
    }

    [Fact]
    public async Task Recorded_scripts_get_the_recorded_frames()
    {
        Assert.NotEmpty(WebSocketVectors.Scripted);
        foreach (var (name, sent, received) in WebSocketVectors.Scripted)
        {
            var (peer, ours) = await Peers.PairAsync();
            var connection = new WebSocketConnection(ours, isClient: false, null, default, Time);
            await peer.SendAsync(sent).WaitAsync(Patience.Limit);
            if (received[^1] == "closed" && !name.Contains("bad login", StringComparison.Ordinal))
            {
                // what the transport itself says: violations, and the reply to a close
                Assert.Equal(0, await connection.Stream.ReadAsync(new byte[4096], Patience.Token));
                await connection.DisposeAsync();
                Assert.Equal(string.Concat(received[..^1]), Convert.ToHexStringLower(await peer.ReceiveAllAsync()));
            }
            else
            {
                // the login arrives, whatever it was wrapped in
                Assert.Equal((byte)'o', (await connection.Stream.ReadAsync(1))[0]);
                var rest = new byte[4096];
                Assert.NotEqual(0, await connection.Stream.ReadAsync(rest, Patience.Token));
                await connection.DisposeAsync();
                var pong = received[0].StartsWith("8a", StringComparison.Ordinal) ? received[0] : "";
                Assert.Equal(pong + "880203e8", Convert.ToHexStringLower(await peer.ReceiveAllAsync()));
            }
        }
    }

    [Fact]
    public async Task Writes_come_out_as_they_went_in_at_any_chunking()
    {
        var gen = Gen.Select(Gen.Int[0, 3000].Array[1, 20], Gen.Int[1, 2000], Gen.Int[1, 3000], Gen.Bool);
        await gen.SampleAsync(async (sizes, arriving, reading, fromClient) =>
        {
            var (a, b) = MemoryDuplex.Pair(arriving);
            var writer = new WebSocketConnection(a, fromClient, null, default, Time);
            var reader = new WebSocketConnection(b, !fromClient, null, default, Time);
            var all = new List<byte>();
            foreach (var size in sizes)
            {
                var data = Enumerable.Range(all.Count, size).Select(static i => (byte)(i * 31)).ToArray();
                await writer.Stream.WriteAsync(data);
                if ((size & 1) == 0) await writer.Stream.FlushAsync();
                all.AddRange(data);
            }
            await writer.Stream.FlushAsync();
            Assert.Equal(all.ToArray(), await ReadInPiecesAsync(reader.Stream, all.Count, reading));
        }, iter: 200);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_large_write_is_one_frame(bool fromClient)
    {
        var (a, b) = MemoryDuplex.Pair();
        var writer = new WebSocketConnection(a, fromClient, null, default, Time);
        var data = new byte[1_000_000];
        new Random(1).NextBytes(data);
        await writer.WriteAndFlushAsync(data);
        var head = await b.Stream.ReadAsync(fromClient ? 14 : 10);
        Assert.True(WebSocketFrame.TryRead(head, out var frame));
        Assert.Equal((true, WebSocketOpcode.Binary, 1_000_000L, fromClient), (frame.IsFinal, frame.Opcode, frame.PayloadLength, frame.IsMasked));
        var payload = await b.Stream.ReadAsync(data.Length);
        WebSocketFrame.Mask(payload, frame.MaskKey, 0);
        Assert.Equal(data, payload);
    }

    [Fact]
    public async Task Small_writes_leave_together_at_the_flush()
    {
        var (a, b) = MemoryDuplex.Pair();
        var writer = new WebSocketConnection(a, isClient: false, null, default, Time);
        for (var i = 0; i < 10; i++) await writer.Stream.WriteAsync("abc"u8.ToArray());
        Assert.Equal(0, a.Writes);
        await writer.Stream.FlushAsync();
        Assert.Equal(1, a.Writes);
        Assert.Equal(Enumerable.Repeat("8203616263", 10).Aggregate(string.Concat), Convert.ToHexStringLower(await b.Stream.ReadAsync(50)));
    }

    [Fact]
    public async Task A_stream_without_flush_is_bounded()
    {
        var (a, _) = MemoryDuplex.Pair();
        var writer = new WebSocketConnection(a, isClient: true, null, default, Time);
        for (var i = 0; i < 30; i++) await writer.Stream.WriteAsync(new byte[10_000]);
        Assert.NotEqual(0, a.Writes);
    }

    [Fact]
    public async Task Pongs_never_cut_into_a_frame_that_is_being_written()
    {
        var (peer, ours) = await Peers.PairAsync();
        var connection = new WebSocketConnection(ours, isClient: false, null, default, Time);
        // A write too large for the socket's buffers stays under way until the peer reads.
        var data = new byte[20_000_000];
        var write = connection.WriteAndFlushAsync(data);
        Assert.False(write.IsCompleted);
        var read = connection.Stream.ReadAsync(new byte[1000], Patience.Token).AsTask();
        await peer.SendAsync((byte[])[.. Convert.FromHexString("89820cf969bf7cc8"), .. Masked("x"u8)]).WaitAsync(Patience.Limit);
        Assert.Equal(1, await read.Soon()); // the reader is not held up by the pong it owes
        var received = await peer.ReceiveAsync(10 + data.Length);
        Assert.Equal("827f0000000001312d00", Convert.ToHexStringLower(received[..10]));
        await write.Soon();
        Assert.Equal("8a027031", Convert.ToHexStringLower(await peer.ReceiveAsync(4)));
    }

    [Theory]
    [InlineData("897e007e", "880203ea")] // a ping of 126 bytes
    [InlineData("098100000000aa", "880203ea")] // a fragmented ping
    [InlineData("c28100000000aa", "880203ea")] // a reserved bit
    [InlineData("82ffffffffffffffffff00000000", "880203ea")] // a negative length
    public async Task Violations_are_answered_and_end_the_stream(string sent, string received)
    {
        var (peer, ours) = MemoryDuplex.Pair();
        var connection = new WebSocketConnection(ours, isClient: false, null, default, Time);
        await peer.WriteAndFlushAsync(Convert.FromHexString(sent));
        Assert.Equal(0, await connection.Stream.ReadAsync(new byte[1000], Patience.Token));
        Assert.Equal(0, await connection.Stream.ReadAsync(new byte[1000], Patience.Token));
        Assert.Equal(received, Convert.ToHexStringLower(await peer.Stream.ReadAsync(received.Length / 2)));
    }

    [Fact]
    public async Task A_client_refuses_masked_frames()
    {
        var (peer, ours) = MemoryDuplex.Pair();
        var connection = new WebSocketConnection(ours, isClient: true, null, default, Time);
        await peer.WriteAndFlushAsync(Masked("x"u8));
        Assert.Equal(0, await connection.Stream.ReadAsync(new byte[1000], Patience.Token));
        var reply = await peer.Stream.ReadAsync(8);
        Assert.True(WebSocketFrame.TryRead(reply, out var frame));
        Assert.True(frame.IsMasked);
        WebSocketFrame.Mask(reply.AsSpan(6), frame.MaskKey, 0);
        Assert.Equal(1002, (reply[6] << 8) | reply[7]);
    }

    [Fact]
    public async Task A_zero_byte_read_takes_nothing()
    {
        var (peer, ours) = MemoryDuplex.Pair();
        var connection = new WebSocketConnection(ours, isClient: false, null, Masked("first"u8), Time);
        Assert.Equal(0, await connection.Stream.ReadAsync(Memory<byte>.Empty, Patience.Token));
        Assert.Equal("first"u8.ToArray(), await connection.Stream.ReadAsync(5));
        var wait = connection.Stream.ReadAsync(Memory<byte>.Empty, Patience.Token);
        Assert.False(wait.IsCompleted);
        await peer.WriteAndFlushAsync(Masked("second"u8));
        Assert.Equal(0, await wait.Soon());
        Assert.Equal("second"u8.ToArray(), await connection.Stream.ReadAsync(6));
    }

    [Fact]
    public async Task A_failed_write_is_never_followed_by_another()
    {
        var (peer, ours) = await Peers.PairAsync();
        var connection = new WebSocketConnection(ours, isClient: false, null, default, Time);
        using var cancel = new CancellationTokenSource();
        var write = connection.Stream.WriteAsync(new byte[20_000_000], cancel.Token).AsTask();
        Assert.False(write.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write.Soon());
        await Assert.ThrowsAsync<IOException>(() => connection.WriteAndFlushAsync("x"u8.ToArray()).Soon());
        peer.Dispose();
    }

    private static byte[] Masked(ReadOnlySpan<byte> payload)
    {
        var frame = new byte[6 + payload.Length];
        WebSocketFrame.WriteHead(frame, WebSocketOpcode.Binary, payload.Length, 0xA1B2C3D4);
        payload.CopyTo(frame.AsSpan(6));
        WebSocketFrame.Mask(frame.AsSpan(6), 0xA1B2C3D4, 0);
        return frame;
    }

    private static async Task<byte[]> ReadInPiecesAsync(Stream stream, int count, int piece)
    {
        var all = new byte[count];
        for (var filled = 0; filled < count;)
        {
            // Larger than what is left now and then, as a real reader's buffer is.
            var buffer = new byte[piece];
            var n = await stream.ReadAsync(buffer, Patience.Token);
            Assert.InRange(n, 1, Math.Min(piece, count - filled));
            buffer.AsSpan(0, n).CopyTo(all.AsSpan(filled));
            filled += n;
        }
        return all;
    }
}
