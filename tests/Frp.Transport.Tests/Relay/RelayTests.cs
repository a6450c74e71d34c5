using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Yamux;

namespace Frp.Transport.Tests;

/// <summary>Every way a relay can go, between real sockets, with the ends and failures that users produce.</summary>
public sealed class RelayTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    // Small, so that what the kernel holds on the way is small against what the tests send.
    private const int SocketBuffers = 128 * 1024;

    /// <summary>What lies between the two relays: the middle of a tunnel.</summary>
    public enum Middle
    {
        Socket,
        Mux,
        MuxWithLayers,
    }

    public static TheoryData<Middle> Middles() => [Middle.Socket, Middle.Mux, Middle.MuxWithLayers];

    [Theory]
    [MemberData(nameof(Middles))]
    public async Task Bytes_arrive_in_order_both_ways_at_once(Middle middle)
    {
        await using var tunnel = await Tunnel.OpenAsync(middle, RelayEnd.HalfClose);
        byte[] there = RandomNumberGenerator.GetBytes(3_000_000), back = RandomNumberGenerator.GetBytes(2_000_000);
        var sending = Task.WhenAll(SendAsync(tunnel.User, there), SendAsync(tunnel.Service, back));
        var received = await Task.WhenAll(ReceiveAllAsync(tunnel.Service), ReceiveAllAsync(tunnel.User)).WaitAsync(Deadline);
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
        Assert.Equal("question"u8.ToArray(), await ReceiveAllAsync(tunnel.Service).WaitAsync(Deadline));
        await tunnel.Service.SendAsync("answer"u8.ToArray());
        tunnel.Service.Shutdown(SocketShutdown.Send);
        Assert.Equal("answer"u8.ToArray(), await ReceiveAllAsync(tunnel.User).WaitAsync(Deadline));
        await tunnel.Ended.WaitAsync(Deadline);
    }

    [Theory]
    [MemberData(nameof(Middles))]
    public async Task Without_half_close_the_end_of_one_direction_ends_both_behind_its_last_byte(Middle middle)
    {
        await using var tunnel = await Tunnel.OpenAsync(middle, RelayEnd.CloseBoth);
        await tunnel.Service.SendAsync("bye"u8.ToArray());
        tunnel.Service.Shutdown(SocketShutdown.Send);
        Assert.Equal("bye"u8.ToArray(), await ReceiveAllAsync(tunnel.User).WaitAsync(Deadline));
        await tunnel.Ended.WaitAsync(Deadline);
        Assert.Empty(await ReceiveAllAsync(tunnel.Service).WaitAsync(Deadline));
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
        var failure = await Assert.ThrowsAsync<SocketException>(() => ReceiveAllAsync(tunnel.Service).WaitAsync(Deadline));
        Assert.Equal(SocketError.ConnectionReset, failure.SocketErrorCode);
        await tunnel.Ended.WaitAsync(Deadline);
    }

    [Theory]
    [MemberData(nameof(Middles))]
    public async Task A_reader_that_stalls_loses_nothing_and_holds_the_sender_up(Middle middle)
    {
        await using var tunnel = await Tunnel.OpenAsync(middle, RelayEnd.HalfClose);
        byte[] data = RandomNumberGenerator.GetBytes(30_000_000);
        var sending = SendAsync(tunnel.User, data);
        // Far more than every buffer and window on the way holds: it cannot have been sent while nobody reads.
        var first = new byte[1000];
        await ReceiveExactlyAsync(tunnel.Service, first).WaitAsync(Deadline);
        Assert.False(sending.IsCompleted);
        byte[] rest = await ReceiveAllAsync(tunnel.Service).WaitAsync(Deadline);
        await sending.WaitAsync(Deadline);
        Assert.True(data.AsSpan(0, first.Length).SequenceEqual(first) && data.AsSpan(first.Length).SequenceEqual(rest));
    }

    [Theory]
    [InlineData(RelayEnd.HalfClose)]
    [InlineData(RelayEnd.CloseBoth)]
    public async Task The_end_of_a_stream_waits_for_the_bytes_that_the_socket_has_no_room_for(RelayEnd end)
    {
        var (service, d) = await SocketPairAsync();
        int filler = FillUp(d);
        await using var sessions = await Sessions.OpenAsync();
        var (ours, theirs) = await sessions.StreamAsync();
        var relay = Relay.RunAsync(new SocketConnection(d), new MuxConnection(theirs, null, null), end, CancellationToken.None);
        byte[] last = RandomNumberGenerator.GetBytes(1000);
        await ours.WriteAsync(last);
        await ours.CompleteWritesAsync();
        await sessions.FlushToServerAsync();
        byte[] received = await ReceiveAllAsync(service).WaitAsync(Deadline);
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
        await Assert.ThrowsAsync<SocketException>(() => ReceiveAllAsync(tunnel.User).WaitAsync(Deadline));
        await Assert.ThrowsAsync<SocketException>(() => ReceiveAllAsync(tunnel.Service).WaitAsync(Deadline));
    }

    [Fact]
    public async Task Bytes_that_were_read_ahead_come_first()
    {
        var (user, a) = await SocketPairAsync();
        var (service, b) = await SocketPairAsync();
        var relay = Relay.RunAsync(
            new SocketConnection(a), new PrefixedConnection(new SocketConnection(b), "ahead "u8.ToArray()), RelayEnd.HalfClose, CancellationToken.None);
        await service.SendAsync("of the rest"u8.ToArray());
        service.Shutdown(SocketShutdown.Send);
        Assert.Equal("ahead of the rest"u8.ToArray(), await ReceiveAllAsync(user).WaitAsync(Deadline));
        user.Shutdown(SocketShutdown.Send);
        await relay.WaitAsync(Deadline);
        user.Dispose(); // not before: a socket that is done with is reset when the collector comes by
        service.Dispose();
    }

    private static async Task SendAsync(Socket socket, byte[] data)
    {
        for (int sent = 0; sent < data.Length;) sent += await socket.SendAsync(data.AsMemory(sent));
        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task ReceiveExactlyAsync(Socket socket, byte[] buffer)
    {
        for (int filled = 0; filled < buffer.Length;)
        {
            int count = await socket.ReceiveAsync(buffer.AsMemory(filled));
            Assert.NotEqual(0, count);
            filled += count;
        }
    }

    private static async Task<byte[]> ReceiveAllAsync(Socket socket)
    {
        using var all = new MemoryStream();
        var buffer = new byte[65_536];
        while (await socket.ReceiveAsync(buffer) is var count and > 0) all.Write(buffer, 0, count);
        return all.ToArray();
    }

    /// <summary>Sends until the kernel takes no more and returns the count.</summary>
    private static int FillUp(Socket socket)
    {
        socket.Blocking = false;
        var piece = new byte[SocketBuffers];
        int total = 0;
        while (socket.Send(piece, SocketFlags.None, out var error) is var sent && error == SocketError.Success) total += sent;
        return total;
    }

    private static async Task<(Socket Near, Socket Far)> SocketPairAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        listener.SendBufferSize = listener.ReceiveBufferSize = SocketBuffers;
        var near = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, SendBufferSize = SocketBuffers, ReceiveBufferSize = SocketBuffers };
        await near.ConnectAsync(listener.LocalEndPoint!);
        return (near, await listener.AcceptAsync());
    }

    /// <summary>user ─ relay ─ middle ─ relay ─ service, as frps and frpc make it.</summary>
    private sealed class Tunnel : IAsyncDisposable
    {
        private readonly CancellationTokenSource _cancel = new();
        private readonly List<IAsyncDisposable> _middle = [];

        internal required Socket User { get; init; }

        internal required Socket Service { get; init; }

        internal Task Ended { get; private set; } = Task.CompletedTask;

        internal static async Task<Tunnel> OpenAsync(Middle middle, RelayEnd end)
        {
            var (user, a) = await SocketPairAsync();
            var (service, d) = await SocketPairAsync();
            var tunnel = new Tunnel { User = user, Service = service };
            var (b, c) = await tunnel.MiddleAsync(middle);
            tunnel.Ended = Task.WhenAll(
                Relay.RunAsync(new SocketConnection(a), b, end, tunnel._cancel.Token),
                Relay.RunAsync(new SocketConnection(d), c, end, tunnel._cancel.Token));
            return tunnel;
        }

        internal Task CancelAsync() => _cancel.CancelAsync();

        public async ValueTask DisposeAsync()
        {
            await _cancel.CancelAsync();
            await Ended.WaitAsync(Deadline);
            foreach (var part in _middle) await part.DisposeAsync();
            User.Dispose();
            Service.Dispose();
            _cancel.Dispose();
        }

        private async Task<(Connection, Connection)> MiddleAsync(Middle middle)
        {
            if (middle == Middle.Socket)
            {
                var (near, far) = await SocketPairAsync();
                return (new SocketConnection(near), new SocketConnection(far));
            }
            var sessions = await Sessions.OpenAsync();
            _middle.Add(sessions);
            var (ours, theirs) = await sessions.StreamAsync();
            Connection opened = new MuxConnection(ours, null, null), accepted = new MuxConnection(theirs, null, null);
            if (middle == Middle.Mux) return (opened, accepted);
            var key = new byte[16];
            return (PayloadLayers.Wrap(opened, default, key, compress: true), PayloadLayers.Wrap(accepted, default, key, compress: true));
        }
    }

    /// <summary>Two multiplexing sessions over a socket.</summary>
    private sealed class Sessions(YamuxSession client, YamuxSession server) : IAsyncDisposable
    {
        private readonly Task _running = Task.WhenAll(client.RunAsync(CancellationToken.None), server.RunAsync(CancellationToken.None));

        internal static async Task<Sessions> OpenAsync()
        {
            var (near, far) = await SocketPairAsync();
            return new Sessions(
                new YamuxSession(new NetworkStream(near, ownsSocket: true), YamuxRole.Client),
                new YamuxSession(new NetworkStream(far, ownsSocket: true), YamuxRole.Server));
        }

        internal async Task<(YamuxStream Ours, YamuxStream Theirs)> StreamAsync() =>
            (await client.OpenStreamAsync(CancellationToken.None), (await server.AcceptStreamAsync(CancellationToken.None).AsTask().WaitAsync(Deadline))!);

        /// <summary>Returns when the server has handled everything that the client had sent: frames keep their order.</summary>
        internal async Task FlushToServerAsync()
        {
            var (ours, theirs) = await StreamAsync();
            await ours.WriteAsync(new byte[1]);
            Assert.Equal(1, await theirs.ReadAsync(new byte[1]).AsTask().WaitAsync(Deadline));
            await ours.DisposeAsync();
            await theirs.DisposeAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await client.DisposeAsync();
            await server.DisposeAsync();
            await _running.WaitAsync(Deadline);
        }
    }
}
