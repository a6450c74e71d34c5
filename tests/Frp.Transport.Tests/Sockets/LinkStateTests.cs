using System.Net.Sockets;

namespace Frp.Transport.Tests;

public sealed class LinkStateTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_peer_that_has_ended_his_direction_is_there_until_he_resets(bool ask)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || !ask, "the system is not asked");
        var (peer, ours) = await Peers.PairAsync();
        await using (ours)
        {
            Assert.True(ours.TryGetSocket(out var socket));
            Func<LinkState> state = ask ? () => ours.State : () => TcpState.Probe(socket);
            peer.Shutdown(SocketShutdown.Send);
            Assert.Equal(0, await socket.ReceiveAsync(new byte[1]).Soon());
            Assert.Equal(LinkState.Delivered, state());
            peer.Reset(); // on loopback it arrives with the close
            Assert.Equal(LinkState.Gone, state());
            Assert.Equal(LinkState.Gone, new PrefixedConnection(ours, "x"u8.ToArray()).State);
        }
        Assert.Equal(LinkState.Gone, ours.State);
    }

    [Fact]
    public async Task Bytes_that_the_peer_has_no_room_for_are_not_delivered()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the system is not asked");
        var (peer, ours) = await TunnelSockets.PairAsync();
        using (peer)
        {
            await using var connection = new SocketConnection(ours);
            int sent = ours.FillUp();
            await connection.CompleteWritesAsync(CancellationToken.None);
            Assert.Equal(LinkState.Sending, connection.State);
            Assert.Equal(sent, (await peer.ReceiveAllAsync().Soon()).Length);
            Assert.True(SpinWait.SpinUntil(() => connection.State == LinkState.Delivered, Patience.Limit)); // the last acknowledgement may be delayed
        }
    }
}
