using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Transport.Tests;

/// <summary>Relays of which one direction is over: who is gone is let go, who waits is waited for.</summary>
public sealed class HalfClosedRelayTests
{
    public static TheoryData<Middle> Middles() => [Middle.Socket, Middle.Mux, Middle.MuxWithLayers];

    public static TheoryData<Middle, bool> MiddlesAndEnds() => new(from middle in Enum.GetValues<Middle>() from userLeaves in new[] { true, false } select (middle, userLeaves));

    [Theory]
    [MemberData(nameof(MiddlesAndEnds))]
    public async Task Who_has_gone_behind_his_end_takes_the_other_one_along(Middle middle, bool userLeaves)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "asks whether a peer was reset");
        var time = new Clock();
        await using var tunnel = await Tunnel.OpenAsync(middle, RelayEnd.HalfClose, time);
        var (leaves, stays) = userLeaves ? (tunnel.User, tunnel.Service) : (tunnel.Service, tunnel.User);
        await HalfCloseAsync(leaves, stays, time);
        leaves.Reset();
        await time.GoOnUntilAsync(tunnel.Ended);
        Assert.Equal(LinkState.Gone, TcpState.Of(stays));
    }

    [Theory]
    [MemberData(nameof(MiddlesAndEnds))]
    public async Task Who_waits_for_an_answer_is_waited_for(Middle middle, bool userAsks)
    {
        var time = new Clock();
        await using var tunnel = await Tunnel.OpenAsync(middle, RelayEnd.HalfClose, time);
        var (asks, answers) = userAsks ? (tunnel.User, tunnel.Service) : (tunnel.Service, tunnel.User);
        await HalfCloseAsync(asks, answers, time);
        for (int look = 0; look < 1000; look++) time.Advance(RelayPair.LookPeriod);
        await answers.SendAsync("the answer");
        answers.Shutdown(SocketShutdown.Send);
        Assert.Equal("the answer"u8.ToArray(), await asks.ReceiveAllAsync().Soon());
        await tunnel.Ended.Soon();
    }

    [Theory]
    [MemberData(nameof(Middles))]
    public async Task What_was_sent_by_one_who_has_gone_arrives_however_slowly_it_is_taken(Middle middle)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "asks whether everything has been delivered");
        var time = new Clock();
        await using var tunnel = await Tunnel.OpenAsync(middle, RelayEnd.HalfClose, time);
        // More than the user's kernel holds for him, and less than all buffers on the way: the service is rid of it although nobody reads.
        byte[] data = RandomNumberGenerator.GetBytes(400_000);
        await tunnel.Service.SendAndEndAsync(data).Soon();
        await time.Timers.WaitAsync(Patience.Token); // the service's relay has read it to its end
        tunnel.Service.Reset();
        var first = await tunnel.User.ReceiveAsync(1000);
        for (int look = 0; look < 1000; look++) time.Advance(RelayPair.LookPeriod);
        var rest = await tunnel.User.ReceiveAllAsync().Soon();
        Assert.True(data.AsSpan(0, first.Length).SequenceEqual(first) && data.AsSpan(first.Length).SequenceEqual(rest));
        await time.GoOnUntilAsync(tunnel.Ended);
    }

    [Theory]
    [InlineData(Middle.Mux)]
    [InlineData(Middle.MuxWithLayers)]
    public async Task A_session_that_ends_is_missed_by_who_had_heard_the_end_of_its_stream(Middle middle)
    {
        var time = new Clock();
        await using var tunnel = await Tunnel.OpenAsync(middle, RelayEnd.HalfClose, time);
        await HalfCloseAsync(tunnel.Service, tunnel.User, time);
        await tunnel.CutAsync();
        await time.GoOnUntilAsync(tunnel.Ended);
    }

    [Theory]
    [MemberData(nameof(Middles))]
    public async Task Nobody_looks_while_both_directions_are_open_or_where_one_end_is_both(Middle middle)
    {
        var time = new Clock();
        await using var tunnel = await Tunnel.OpenAsync(middle, RelayEnd.CloseBoth, time);
        await tunnel.User.SendAsync("question");
        await tunnel.Service.ReceiveAsync(8);
        await tunnel.Service.SendAsync("answer");
        tunnel.Service.Shutdown(SocketShutdown.Send);
        await tunnel.User.ReceiveAllAsync().Soon();
        await tunnel.Ended.Soon();
        Assert.Equal(0, time.Timers.CurrentCount);
    }

    /// <summary>Returns when both relays have begun to look, and not before.</summary>
    private static async Task HalfCloseAsync(Socket ends, Socket hears, Clock time)
    {
        await ends.SendAsync("x");
        Assert.Single(await hears.ReceiveAsync(1));
        Assert.Equal(0, time.Timers.CurrentCount);
        ends.Shutdown(SocketShutdown.Send);
        Assert.Empty(await hears.ReceiveAllAsync().Soon());
        for (int relay = 0; relay < 2; relay++) await time.Timers.WaitAsync(Patience.Token);
    }

    /// <summary>A clock that tells when somebody has asked it for a timer.</summary>
    private sealed class Clock : FakeTimeProvider
    {
        internal SemaphoreSlim Timers { get; } = new(0);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            Timers.Release();
            return timer;
        }

        /// <summary>Goes from look to look: what one relay does takes its time to reach the other.</summary>
        internal async Task GoOnUntilAsync(Task task)
        {
            using var patience = new CancellationTokenSource(Patience.Limit);
            while (!task.IsCompleted)
            {
                Advance(RelayPair.LookPeriod);
                await Task.WhenAny(task, Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, patience.Token));
                patience.Token.ThrowIfCancellationRequested();
            }
            await task;
        }
    }
}
