using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Frp.Transport.Tests;

public class SocketConnectionTests
{
    [Fact]
    public async Task Bytes_pass_both_ways_and_dispose_is_an_orderly_end()
    {
        var (client, server) = await Peers.ConnectionPairAsync();
        await Peers.AssertEchoAsync(client, server);
        await client.DisposeAsync();
        Assert.Equal(0, await server.Stream.ReadAsync(new byte[1], Patience.Token));
        await server.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Abort_is_seen_as_a_reset()
    {
        var (peer, ours) = await Peers.PairAsync();
        ours.Abort();
        ours.Abort();
        var e = await Assert.ThrowsAsync<SocketException>(() => peer.ReceiveAsync(new byte[1]).Soon());
        Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
    }

    [Fact]
    public async Task Abort_fails_a_pending_read_with_an_io_error()
    {
        var (peer, ours) = await Peers.PairAsync();
        var read = ours.Stream.ReadAsync(new byte[1], Patience.Token);
        ours.Abort();
        var e = await Record.ExceptionAsync(() => read.Soon());
        Assert.True(e is IOException or ObjectDisposedException, e?.ToString());
        peer.Dispose();
    }

    [Fact]
    public async Task A_reset_by_the_peer_is_an_io_error()
    {
        var (peer, ours) = await Peers.PairAsync();
        peer.LingerState = new LingerOption(true, 0);
        peer.Dispose();
        await Assert.ThrowsAsync<IOException>(() => ours.Stream.ReadAsync(new byte[1], Patience.Token).AsTask());
        Assert.Equal(CloseKind.Reset, CloseReason.From(new IOException("reset")).Kind);
        var e = await Record.ExceptionAsync(() => ours.CompleteWritesAsync(Patience.Token).AsTask());
        Assert.True(e is null or IOException, e?.ToString());
    }

    [Fact]
    public async Task Half_close_ends_one_direction_only()
    {
        var (peer, ours) = await Peers.PairAsync();
        Assert.True(ours.CanHalfClose);
        await ours.Stream.WriteAsync("question"u8.ToArray());
        await ours.CompleteWritesAsync(Patience.Token);
        Assert.Equal("question"u8.ToArray(), await peer.ReceiveAllAsync());
        await peer.SendAsync("answer");
        Assert.Equal("answer"u8.ToArray(), await ours.Stream.ReadAsync(6));
    }

    [Fact]
    public async Task The_socket_is_non_blocking_and_sends_at_once()
    {
        var (peer, ours) = await Peers.PairAsync();
        Assert.True(ours.TryGetSocket(out var socket));
        Assert.True(socket.NoDelay);
        socket.Receive(new byte[1], SocketFlags.None, out var error);
        Assert.Equal(SocketError.WouldBlock, error);
        peer.Dispose();
    }

    [Theory]
    [InlineData(1234, true)]
    [InlineData(-1, false)]
    public async Task Keep_alive_is_set_as_configured_on_both_ends(int seconds, bool on)
    {
        var period = TimeSpan.FromSeconds(seconds);
        await using var listener = await Peers.ListenAsync(options: new TcpListenOptions { KeepAlive = period });
        var dialled = await TcpDialer.DialAsync("127.0.0.1", listener.Port, new TcpDialOptions { KeepAlive = period }, TimeProvider.System, Patience.Token);
        var accepted = await listener.AcceptConnectionAsync();
        foreach (var connection in new[] { dialled, accepted })
        {
            Assert.True(connection.TryGetSocket(out var socket));
            Assert.True(socket.NoDelay);
            Assert.Equal(on, (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive)! != 0);
            if (on) AssertProbes(socket, seconds);
        }
    }

    [Fact]
    public async Task Users_and_services_that_vanish_are_noticed_within_minutes()
    {
        await using var listener = await Peers.ListenAsync(options: new TcpListenOptions());
        await using var dialled = await TcpDialer.DialAsync("127.0.0.1", listener.Port, new TcpDialOptions(), TimeProvider.System, Patience.Token);
        await using var accepted = await listener.AcceptConnectionAsync();
        foreach (var connection in new[] { dialled, accepted })
        {
            Assert.True(connection.TryGetSocket(out var socket));
            AssertProbes(socket, 15);
        }
    }

    private static void AssertProbes(Socket socket, int seconds)
    {
        Assert.Equal(seconds, (int)socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime)!);
        Assert.Equal(15, (int)socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval)!);
    }

    [Fact]
    public async Task A_zero_byte_read_waits_for_data_and_takes_none()
    {
        var (peer, ours) = await Peers.PairAsync();
        var wait = ours.Stream.ReadAsync(Memory<byte>.Empty, Patience.Token);
        Assert.False(wait.IsCompleted);
        await peer.SendAsync("x");
        Assert.Equal(0, await wait.Soon());
        Assert.Equal("x"u8.ToArray(), await ours.Stream.ReadAsync(1));
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    [InlineData("")]
    public async Task A_wildcard_takes_both_families_and_shows_unmapped_addresses(string host)
    {
        await using var listener = await Peers.ListenAsync(host);
        foreach (var address in Socket.OSSupportsIPv6 ? new[] { IPAddress.Loopback, IPAddress.IPv6Loopback } : [IPAddress.Loopback])
        {
            var dialled = await TcpDialer.DialAsync(address.ToString(), listener.Port, new TcpDialOptions(), TimeProvider.System, Patience.Token);
            var accepted = await listener.AcceptConnectionAsync();
            Assert.Equal(dialled.Local, accepted.Remote);
            Assert.Equal(dialled.Remote, accepted.Local);
            Assert.Equal(address, ((IPEndPoint)accepted.Remote!).Address);
            await Peers.AssertEchoAsync(dialled, accepted);
        }
    }

    [Fact]
    public async Task Prefix_bytes_are_read_first_and_then_the_socket_is_bare()
    {
        var (peer, ours) = await Peers.PairAsync();
        var prefixed = new PrefixedConnection(ours, "abc"u8.ToArray());
        await peer.SendAsync("def");
        Assert.False(prefixed.TryGetSocket(out _));
        Assert.Equal(0, await prefixed.Stream.ReadAsync(Memory<byte>.Empty, Patience.Token));
        Assert.Equal("ab"u8.ToArray(), await prefixed.Stream.ReadAsync(2));
        Assert.False(prefixed.TryGetSocket(out _));
        Assert.Equal("c"u8.ToArray(), await prefixed.Stream.ReadAsync(1));
        Assert.True(prefixed.TryGetSocket(out _));
        Assert.Equal("def"u8.ToArray(), await prefixed.Stream.ReadAsync(3));
    }

    [Fact]
    public void The_descriptor_limit_is_raised_once_and_stays()
    {
        var limit = DescriptorLimit.RaiseToHard();
        Assert.Equal(limit, DescriptorLimit.RaiseToHard());
        if (OperatingSystem.IsLinux()) Assert.True(limit >= 1024);
    }

    [Fact]
    public void Room_for_descriptors_is_made_before_they_are_needed()
    {
        if (!OperatingSystem.IsLinux()) return;
        var limit = DescriptorLimit.RaiseToHard();
        DescriptorLimit.MakeRoom();
        string size = File.ReadLines("/proc/self/status").Single(line => line.StartsWith("FDSize:", StringComparison.Ordinal));
        Assert.True(int.Parse(size["FDSize:".Length..], CultureInfo.InvariantCulture) >= Math.Min(limit!.Value, DescriptorLimit.Room), size);
    }
}
