using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Frp.Transport.Tests;

/// <summary>Every way a relay can go, between real sockets, with the ends and failures that users produce.</summary>
public sealed class RelayTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public static TheoryData<Middle> Middles() => [Middle.Socket, Middle.Mux, Middle.MuxWithLayers];

    [Theory]
    [MemberData(nameof(Middles))]
    public async Task Bytes_arrive_in_order_both_ways_at_once(Middle middle)
    {
        await using var tunnel = await Tunnel.OpenAsync(middle, RelayEnd.HalfClose);
        byte[] there = RandomNumberGenerator.GetBytes(3_000_000), back = RandomNumberGenerator.GetBytes(2_000_000);
        var sending = Task.WhenAll(tunnel.User.SendAndEndAsync(there), tunnel.Service.SendAndEndAsync(back));
        var received = await Task.WhenAll(tunnel.Service.ReceiveAllAsync(), tunnel.User.ReceiveAllAsync()).WaitAsync(Deadline);
        await sending;
        Assert.Equal(there, received[0]);
        Assert.Equal(back, received[1]);
        await tunnel.Ended.WaitAsync(Deadline);
    }

    [Theory]
    [MemberData(nameof(Middles))]
    public async Task With_half_close_an_answer_may_come_behind_the_end_of_the_question(Middle middle)
    {
        await using var tunnel = await Tunnel.OpenAsync(middle, RelayEnd.HalfClose);
        await tunnel.User.SendAsync("question"u8.ToArray());
        tunnel.User.Shutdown(SocketShutdown.Send);
        Assert.Equal("question"u8.ToArray(), await tunnel.Service.ReceiveAllAsync().WaitAsync(Deadline));
        await tunnel.Service.SendAsync("answer"u8.ToArray());
        tunnel.Service.Shutdown(SocketShutdown.Send);
        Assert.Equal("answer"u8.ToArray(), await tunnel.User.ReceiveAllAsync().WaitAsync(Deadline));
        await tunnel.Ended.WaitAsync(Deadline);
    }

    [Theory]
    [MemberData(nameof(Middles))]
    public async Task Without_half_close_the_end_of_one_direction_ends_both_behind_its_last_byte(Middle middle)
    {
        await using var tunnel = await Tunnel.OpenAsync(middle, RelayEnd.CloseBoth);
        await tunnel.Service.SendAsync("bye"u8.ToArray());
        tunnel.Service.Shutdown(SocketShutdown.Send);
        Assert.Equal("bye"u8.ToArray(), await tunnel.User.ReceiveAllAsync().WaitAsync(Deadline));
        await tunnel.Ended.WaitAsync(Deadline);
        Assert.Empty(await tunnel.Service.ReceiveAllAsync().WaitAsync(Deadline));
    }

    [Theory]
    [MemberData(nameof(Middles))]
    public async Task A_reset_reaches_the_other_end_as_one(Middle middle)
    {
        await using var tunnel = await Tunnel.OpenAsync(middle, RelayEnd.HalfClose);
        await tunnel.User.SendAsync("x"u8.ToArray());
        Assert.Equal(1, await tunnel.Service.ReceiveAsync(new byte[1]));
        tunnel.User.LingerState = new LingerOption(true, 0);
        tunnel.User.Close();
        var failure = await Assert.ThrowsAsync<SocketException>(() => tunnel.Service.ReceiveAllAsync().WaitAsync(Deadline));
        Assert.Equal(SocketError.ConnectionReset, failure.SocketErrorCode);
        await tunnel.Ended.WaitAsync(Deadline);
    }

    [Theory]
    [MemberData(nameof(Middles))]
    public async Task A_reader_that_stalls_loses_nothing_and_holds_the_sender_up(Middle middle)
    {
        await using var tunnel = await Tunnel.OpenAsync(middle, RelayEnd.HalfClose);
        byte[] data = RandomNumberGenerator.GetBytes(30_000_000);
        var sending = tunnel.User.SendAndEndAsync(data);
        // Far more than every buffer and window on the way holds: it cannot have been sent while nobody reads.
        byte[] first = await tunnel.Service.ReceiveAsync(1000);
        Assert.False(sending.IsCompleted);
        byte[] rest = await tunnel.Service.ReceiveAllAsync().WaitAsync(Deadline);
        await sending.WaitAsync(Deadline);
        Assert.True(data.AsSpan(0, first.Length).SequenceEqual(first) && data.AsSpan(first.Length).SequenceEqual(rest));
    }

    [Theory]
    [InlineData(RelayEnd.HalfClose)]
    [InlineData(RelayEnd.CloseBoth)]
    public async Task The_end_of_a_stream_waits_for_the_bytes_that_the_socket_has_no_room_for(RelayEnd end)
    {
        var (service, d) = await TunnelSockets.PairAsync();
        int filler = d.FillUp();
        await using var sessions = await Sessions.OpenAsync();
        var (ours, theirs) = await sessions.StreamAsync();
        var relay = Relay.RunAsync(new SocketConnection(d), new MuxConnection(theirs, null, null), end, TimeProvider.System, CancellationToken.None);
        byte[] last = RandomNumberGenerator.GetBytes(1000);
        await ours.WriteAsync(last);
        await ours.CompleteWritesAsync();
        await sessions.FlushToServerAsync();
        byte[] received = await service.ReceiveAllAsync().WaitAsync(Deadline);
        Assert.Equal(filler + last.Length, received.Length);
        Assert.Equal(last, received[filler..]);
        service.Shutdown(SocketShutdown.Send);
        Assert.Equal(CloseKind.EndOfStream, (await relay.WaitAsync(Deadline)).Kind);
        service.Dispose();
    }

    [Theory]
    [MemberData(nameof(Middles))]
    public async Task Cancellation_resets_both_ends(Middle middle)
    {
        await using var tunnel = await Tunnel.OpenAsync(middle, RelayEnd.HalfClose);
        await tunnel.CancelAsync();
        await tunnel.Ended.WaitAsync(Deadline);
        await Assert.ThrowsAsync<SocketException>(() => tunnel.User.ReceiveAllAsync().WaitAsync(Deadline));
        await Assert.ThrowsAsync<SocketException>(() => tunnel.Service.ReceiveAllAsync().WaitAsync(Deadline));
    }

    [Fact]
    public async Task Bytes_that_were_read_ahead_come_first()
    {
        var (user, a) = await TunnelSockets.PairAsync();
        var (service, b) = await TunnelSockets.PairAsync();
        var relay = Relay.RunAsync(
            new SocketConnection(a), new PrefixedConnection(new SocketConnection(b), "ahead "u8.ToArray()), RelayEnd.HalfClose, TimeProvider.System, CancellationToken.None);
        await service.SendAsync("of the rest"u8.ToArray());
        service.Shutdown(SocketShutdown.Send);
        Assert.Equal("ahead of the rest"u8.ToArray(), await user.ReceiveAllAsync().WaitAsync(Deadline));
        user.Shutdown(SocketShutdown.Send);
        await relay.WaitAsync(Deadline);
        user.Dispose(); // not before: a socket that is done with is reset when the collector comes by
        service.Dispose();
    }

    [Fact]
    public async Task A_payload_that_cannot_be_decoded_ends_the_user_in_good_order_behind_what_was_good_of_it()
    {
        var (user, a) = await TunnelSockets.PairAsync();
        var (work, b) = await TunnelSockets.PairAsync();
        var relay = Relay.RunAsync(new SocketConnection(a), Layered(b), RelayEnd.HalfClose, TimeProvider.System, CancellationToken.None);
        var peer = Layered(work);
        await peer.Stream.WriteAsync("good"u8.ToArray());
        await peer.Stream.FlushAsync();
        await work.SendAsync(new byte[] { 2, 2, 2, 2, 2, 2, 2, 2 }); // a reserved chunk that must not be skipped
        Assert.Equal("good"u8.ToArray(), await user.ReceiveAllAsync().WaitAsync(Deadline));
        Assert.Empty(await work.ReceiveAllAsync().WaitAsync(Deadline));
        Assert.Equal(CloseKind.ProtocolViolation, (await relay.WaitAsync(Deadline)).Kind);
        user.Dispose();
        work.Dispose();

        static Connection Layered(Socket socket) => PayloadLayers.Wrap(new SocketConnection(socket), default, key: null, compress: true);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_closing_one_end_in_order_breaks_does_not_reset_the_other(bool halfClose)
    {
        RelayPair? pair = null;
        var first = new Observed { Closing = () => pair!.Abort(new CloseReason(CloseKind.Reset, "its reader was closed")) };
        var second = new Observed();
        pair = new RelayPair(first, second, halfClose, TimeProvider.System);
        await pair.EndAsync(new CloseReason(CloseKind.ProtocolViolation, "bad payload"));
        Assert.Equal((true, false, true, false), (first.IsClosed, first.IsReset, second.IsClosed, second.IsReset));
        Assert.Equal(CloseKind.ProtocolViolation, pair.Reason!.Kind);
        pair.Abort(new CloseReason(CloseKind.Shutdown, "stopping"));
        Assert.True(second.IsReset); // a stopping program waits for nobody's last words
    }

    private sealed class Observed : Connection
    {
        internal Action Closing { get; init; } = static () => { };

        internal bool IsClosed { get; private set; }

        internal bool IsReset { get; private set; }

        public override Stream Stream => Stream.Null;
        public override EndPoint? Local => null;
        public override EndPoint? Remote => null;
        public override bool CanHalfClose => true;
        public override LinkState State => LinkState.Delivered;
        public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;
        public override void Abort() => IsReset = true;

        public override ValueTask DisposeAsync()
        {
            Closing();
            IsClosed = true;
            return ValueTask.CompletedTask;
        }
    }
}
