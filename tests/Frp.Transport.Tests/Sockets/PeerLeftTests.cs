using System.Net.Sockets;

namespace Frp.Transport.Tests;

public sealed class PeerLeftTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_peers_end_is_known_before_what_lies_in_front_of_it_is_read(bool reset)
    {
        var (peer, ours) = await Peers.PairAsync();
        await using (ours)
        {
            Assert.False(ours.HasPeerLeft);
            await peer.SendAsync("unread");
            if (reset) peer.LingerState = new LingerOption(enable: true, 0);
            peer.Dispose();
            Assert.True(ours.HasPeerLeft); // on loopback the end arrives with the close
            Assert.True(new PrefixedConnection(ours, "x"u8.ToArray()).HasPeerLeft);
        }
        Assert.True(ours.HasPeerLeft);
    }
}
