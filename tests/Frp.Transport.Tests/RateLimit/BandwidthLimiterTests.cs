using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Transport.Tests;

public sealed class BandwidthLimiterTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_second_can_be_saved_up_and_no_more()
    {
        var limiter = new BandwidthLimiter(1000, _time);
        Assert.Equal(TimeSpan.Zero, limiter.Take(1000));
        Assert.Equal(TimeSpan.FromSeconds(0.5), limiter.Take(500));
        Assert.Equal(TimeSpan.FromSeconds(0.75), limiter.Take(250));
        _time.Advance(TimeSpan.FromSeconds(100));
        Assert.Equal(TimeSpan.Zero, limiter.Take(1000));
        Assert.Equal(TimeSpan.FromMilliseconds(1), limiter.Take(1));
    }

    [Fact]
    public void What_is_not_used_is_given_back_and_never_more_than_a_second()
    {
        var limiter = new BandwidthLimiter(1000, _time);
        limiter.Take(1000);
        limiter.Take(400);
        limiter.Return(400);
        Assert.Equal(TimeSpan.FromSeconds(0.1), limiter.Take(100));
        limiter.Return(100);
        limiter.Return(1000);
        limiter.Return(1000);
        Assert.Equal(TimeSpan.Zero, limiter.Take(1000));
        Assert.Equal(TimeSpan.FromSeconds(1), limiter.Take(1000));
    }

    [Fact]
    public void No_limit_needs_no_limiter_and_extremes_are_no_trouble()
    {
        Assert.Null(BandwidthLimiter.For(0, _time));
        Assert.Null(BandwidthLimiter.For(-1, _time));
        var huge = BandwidthLimiter.For(long.MaxValue, _time)!;
        for (int i = 0; i < 100; i++) Assert.Equal(TimeSpan.Zero, huge.Take(int.MaxValue));
        var tiny = BandwidthLimiter.For(1, _time)!;
        Assert.Equal(1, tiny.LargestPiece);
        Assert.Throws<ArgumentOutOfRangeException>(() => tiny.Take(2));
        Assert.Equal(TimeSpan.Zero, tiny.Take(1));
        Assert.Equal(TimeSpan.FromSeconds(1), tiny.Take(1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Both_directions_and_all_connections_of_a_proxy_share_a_limit(bool above)
    {
        var limiter = new BandwidthLimiter(1000, _time);
        var (one, oneFar) = Wrapped(limiter, above, key: null, compress: false);
        var (two, twoFar) = Wrapped(limiter, above, key: null, compress: false);
        await one.WriteAndFlushAsync(new byte[600]);
        await twoFar.WriteAndFlushAsync(new byte[400]);
        Assert.Equal(400, await two.Stream.ReadAtLeastAsync(new byte[400], 400, true, Patience.Token));
        // The second is used up: a byte takes a millisecond, and what was read waits as what is written does.
        await oneFar.WriteAndFlushAsync(new byte[100]);
        var reading = one.Stream.ReadAsync(new byte[200], Patience.Token).AsTask();
        var writing = two.Stream.WriteAsync(new byte[2100], Patience.Token).AsTask();
        _time.Advance(TimeSpan.FromMilliseconds(99));
        Assert.False(reading.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(100, await reading.Soon());
        Assert.False(writing.IsCompleted);
        // Pieces of at most a second's worth: 1000, 1000, 100.
        for (int i = 0; i < 2; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await twoFar.Stream.ReadAsync(1000);
        }
        Assert.False(writing.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(100));
        await writing.Soon();
        await twoFar.Stream.ReadAsync(100);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_client_counts_what_is_on_the_wire_and_the_server_what_it_carries(bool above)
    {
        var limiter = new BandwidthLimiter(10_000, _time);
        var (near, _) = Wrapped(limiter, above, RandomNumberGenerator.GetBytes(16), compress: true);
        // A hundred thousand zeros are a few thousand bytes on the wire.
        var writing = near.WriteAndFlushAsync(new byte[100_000]);
        if (above)
        {
            Assert.False(writing.IsCompleted);
            for (int i = 0; i < 9; i++) _time.Advance(TimeSpan.FromSeconds(1));
        }
        await writing.Soon();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_end_of_a_connection_ends_its_wait_and_gives_back_what_it_took(bool abort)
    {
        var limiter = new BandwidthLimiter(1000, _time);
        limiter.Take(1000);
        var (near, _) = Wrapped(limiter, above: false, key: null, compress: false);
        var writing = near.Stream.WriteAsync(new byte[1000], Patience.Token).AsTask();
        Assert.False(writing.IsCompleted);
        if (abort) near.Abort();
        else await near.DisposeAsync();
        await Assert.ThrowsAsync<IOException>(() => writing.Soon());
        Assert.Equal(TimeSpan.FromMilliseconds(1), limiter.Take(1));
    }

    [Fact]
    public async Task A_limited_relay_passes_everything_and_its_ends()
    {
        var (user, userEnd) = await Peers.PairAsync();
        var (service, serviceEnd) = await Peers.PairAsync();
        using (user)
        using (service)
        {
            var limited = PayloadLayers.Wrap(serviceEnd, default, key: null, compress: false, wireLimit: new BandwidthLimiter(10_000_000, TimeProvider.System));
            var relaying = Relay.RunAsync(userEnd, limited, RelayEnd.HalfClose, TimeProvider.System, Patience.Token);
            var data = RandomNumberGenerator.GetBytes(1_000_000);
            var sending = user.SendAsync(data).Soon();
            var received = service.ReceiveAllAsync();
            await sending;
            user.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            Assert.Equal(data, await received.Soon());
            await service.SendAsync("answer");
            service.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            Assert.Equal("answer"u8.ToArray(), await user.ReceiveAllAsync());
            await relaying.Soon();
        }
    }

    private static (Connection Near, MemoryDuplex Far) Wrapped(BandwidthLimiter limiter, bool above, byte[]? key, bool compress)
    {
        var (a, b) = MemoryDuplex.Pair();
        return (PayloadLayers.Wrap(a, default, key, compress, above ? null : limiter, above ? limiter : null), b);
    }
}
