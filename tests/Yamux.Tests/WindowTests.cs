using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Yamux.Tests;

public class WindowTests
{
    private const int Six = 6 * 1024 * 1024;
    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(100);

    [Fact]
    public void The_first_increment_is_the_one_the_reference_announces()
    {
        var window = new ReceiveWindow(new ReceiveBudget(1L << 30), Six);
        Assert.Equal(6029312u, window.Open(Six));
        Assert.Equal(Six, window.Target);
    }

    [Fact]
    public void Credit_is_returned_when_half_of_the_window_was_taken()
    {
        var clock = new FakeTimeProvider();
        var window = new ReceiveWindow(new ReceiveBudget(1L << 30), Six);
        window.Open(Six);
        Assert.True(window.TryReceive(Six / 2, clock));
        Assert.Equal(0u, window.Take(Six / 2 - 1, clock, null));
        Assert.Equal((uint)Six / 2, window.Take(1, clock, null));
    }

    [Fact]
    public void Bytes_that_were_received_and_not_taken_are_not_credited()
    {
        var clock = new FakeTimeProvider();
        var window = new ReceiveWindow(new ReceiveBudget(0), Six);
        Assert.True(window.TryReceive(YamuxOptions.ProtocolWindow, clock));
        Assert.False(window.TryReceive(1, clock));
        Assert.Equal(YamuxOptions.ProtocolWindow / 2u, window.Take(YamuxOptions.ProtocolWindow / 2, clock, null));
        Assert.True(window.TryReceive(YamuxOptions.ProtocolWindow / 2, clock));
        Assert.False(window.TryReceive(1, clock));
    }

    [Fact]
    public void A_reader_that_takes_half_a_window_within_a_round_trip_doubles_it_up_to_the_maximum()
    {
        var clock = new FakeTimeProvider();
        var window = new ReceiveWindow(new ReceiveBudget(1L << 40), 4 * Six);
        window.Open(Six);
        for (int i = 0; i < 20; i++)
        {
            uint half = (uint)(window.Target / 2);
            Assert.True(window.TryReceive(half, clock));
            clock.Advance(RoundTrip / 2);
            window.Take((int)half, clock, RoundTrip);
        }

        Assert.Equal(4 * Six, window.Target);
    }

    [Theory]
    [InlineData(65_524)] // what we send
    [InlineData(65_536)]
    [InlineData(32_768)]
    [InlineData(1_000_000)]
    public void A_sender_that_waits_for_credit_gets_more_whatever_its_frames_are(int frame)
    {
        var clock = new FakeTimeProvider();
        var window = new ReceiveWindow(new ReceiveBudget(1L << 40), 4 * Six);
        window.Open(Six);
        for (int burst = 0; burst < 20; burst++)
        {
            // What has been credited arrives a round trip later, all at once: as much of it as makes whole frames, and the rest.
            clock.Advance(RoundTrip + TimeSpan.FromMilliseconds(5));
            for (long granted = window.Remaining; granted > 0;)
            {
                int count = (int)Math.Min(granted, frame);
                Assert.True(window.TryReceive((uint)count, clock));
                window.Take(count, clock, burst == 0 ? null : RoundTrip); // the first ping has not been answered
                granted -= count;
            }
        }
        Assert.Equal(4 * Six, window.Target);
    }

    [Fact]
    public void A_slower_reader_and_one_whose_link_is_unknown_keep_their_window()
    {
        var clock = new FakeTimeProvider();
        var slow = new ReceiveWindow(new ReceiveBudget(1L << 40), 4 * Six);
        var unknown = new ReceiveWindow(new ReceiveBudget(1L << 40), 4 * Six);
        slow.Open(Six);
        unknown.Open(Six);
        for (int i = 0; i < 5; i++)
        {
            Assert.True(slow.TryReceive(Six / 2, clock));
            Assert.True(unknown.TryReceive(Six / 2, clock));
            clock.Advance(2 * RoundTrip);
            slow.Take(Six / 2, clock, RoundTrip);
            unknown.Take(Six / 2, clock, null);
        }

        Assert.Equal(Six, slow.Target);
        Assert.Equal(Six, unknown.Target);
    }

    [Fact]
    public void The_budget_limits_all_windows_together_and_comes_back()
    {
        const long limit = 24L * 1024 * 1024;
        var budget = new ReceiveBudget(limit);
        ReceiveWindow[] windows = [.. Enumerable.Range(0, 100).Select(_ => new ReceiveWindow(budget, Six))];
        long granted = 0;
        foreach (ReceiveWindow window in windows) granted += window.Open(Six);
        Assert.Equal(6029312, windows[0].Target - YamuxOptions.ProtocolWindow);
        Assert.True(granted <= limit);
        Assert.Equal(limit - granted, budget.Available);
        Assert.Equal(YamuxOptions.ProtocolWindow, windows[^1].Target);
        foreach (ReceiveWindow window in windows) window.Release();
        Assert.Equal(limit, budget.Available);
    }

    [Fact]
    public void No_window_is_ever_negative_or_larger_than_granted() =>
        Gen.Select(Gen.Int[0, 1 << 24], Gen.Bool, Gen.UInt[0, 1 << 20].Array[1, 60]).Sample(static (limit, fast, sizes) =>
        {
            var clock = new FakeTimeProvider();
            var budget = new ReceiveBudget(limit);
            var window = new ReceiveWindow(budget, 1 << 24);
            long granted = YamuxOptions.ProtocolWindow + (long)window.Open(1 << 22);
            long received = 0;
            foreach (uint size in sizes)
            {
                bool admitted = window.TryReceive(size, clock);
                Assert.Equal(received + size <= granted, admitted);
                if (admitted) received += size;
                clock.Advance(fast ? TimeSpan.FromMilliseconds(1) : TimeSpan.FromSeconds(1));
                granted += window.Take((int)(window.Held / 2), clock, RoundTrip);
                Assert.InRange(window.Remaining, 0, window.Target);
                Assert.InRange(window.Held, 0, window.Target);
                Assert.Equal(granted - received, window.Remaining);
                Assert.InRange(window.Target, YamuxOptions.ProtocolWindow, YamuxOptions.ProtocolWindow + (long)limit);
            }

            window.Release();
            Assert.Equal(limit, budget.Available);
        });
}
