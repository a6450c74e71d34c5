using CsCheck;

namespace Frp.Transport.Tests;

public class GatheringStreamTests
{
    [Fact]
    public async Task Writes_leave_at_the_flush_in_one_piece()
    {
        var (a, b) = MemoryDuplex.Pair();
        var stream = new GatheringStream(a.Stream);
        await stream.WriteAsync("ab"u8.ToArray());
        await stream.WriteAsync("cd"u8.ToArray());
        Assert.Equal(0, a.Writes);
        await stream.FlushAsync();
        Assert.Equal(1, a.Writes);
        await stream.FlushAsync();
        Assert.Equal(1, a.Writes);
        Assert.Equal("abcd"u8.ToArray(), await b.Stream.ReadAsync(4));
    }

    [Fact]
    public async Task What_is_gathered_is_bounded_and_keeps_its_order()
    {
        await Gen.Int[0, 400_000].Array[1, 12].SampleAsync(
            async sizes =>
            {
                var (a, b) = MemoryDuplex.Pair();
                var stream = new GatheringStream(a.Stream);
                var all = new List<byte>();
                foreach (var size in sizes)
                {
                    var data = Enumerable.Range(all.Count, size).Select(static i => (byte)(i * 7)).ToArray();
                    await stream.WriteAsync(data);
                    all.AddRange(data);
                }
                if (all.Count > 2 * WriteGather.Limit) Assert.NotEqual(0, a.Writes);
                await stream.FlushAsync();
                var arrived = await b.Stream.ReadAsync(all.Count);
                Assert.True(arrived.AsSpan().SequenceEqual(all.ToArray()));
            },
            iter: 30);
    }

    [Fact]
    public async Task Reads_of_any_size_bring_the_same_bytes()
    {
        await Gen.Select(Gen.Int[1, 40_000], Gen.Int[1, 200_000]).SampleAsync(
            async (reading, arriving) =>
            {
                var (a, b) = MemoryDuplex.Pair(arriving);
                var stream = new GatheringStream(a.Stream);
                var data = Enumerable.Range(0, 600_000).Select(static i => (byte)(i * 13)).ToArray();
                await b.WriteAndFlushAsync(data);
                await b.DisposeAsync();
                var all = new MemoryStream();
                var buffer = new byte[reading];
                int count;
                while ((count = await stream.ReadAsync(buffer)) > 0) all.Write(buffer, 0, count);
                Assert.True(data.AsSpan().SequenceEqual(all.ToArray()));
            },
            iter: 50);
    }

    [Fact]
    public async Task A_second_writer_is_told_so()
    {
        var (peer, ours) = await Peers.PairAsync();
        var stream = new GatheringStream(ours.Stream);
        var write = stream.WriteAsync(new byte[20_000_000]).AsTask();
        Assert.False(write.IsCompleted);
        await Assert.ThrowsAsync<IOException>(async () => await stream.WriteAsync(new byte[1]));
        ours.Abort();
        await Assert.ThrowsAnyAsync<Exception>(() => write.Soon());
        await Assert.ThrowsAsync<IOException>(async () => await stream.WriteAsync(new byte[1]));
        peer.Dispose();
    }

    [Fact]
    public async Task A_zero_byte_read_waits_without_taking()
    {
        var (a, b) = MemoryDuplex.Pair();
        var stream = new GatheringStream(a.Stream);
        var wait = stream.ReadAsync(Memory<byte>.Empty);
        Assert.False(wait.IsCompleted);
        await b.WriteAndFlushAsync("x"u8.ToArray());
        Assert.Equal(0, await wait.Soon());
        Assert.Equal("x"u8.ToArray(), await stream.ReadAsync(1));
    }
}
