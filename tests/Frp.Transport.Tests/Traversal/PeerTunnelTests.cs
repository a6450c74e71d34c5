using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Transport.Tests;

/// <summary>Tunnels over two sockets of loopback.</summary>
public sealed class PeerTunnelTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Streams_go_both_ways_in_a_tunnel()
    {
        var (visitor, proxy) = await PairAsync();
        await using (visitor)
        await using (proxy)
        {
            byte[] up = RandomNumberGenerator.GetBytes(300_000), down = RandomNumberGenerator.GetBytes(300_000);
            for (int i = 0; i < 3; i++)
            {
                await using var mine = await visitor.OpenAsync(Token);
                var sending = SendAsync(mine, up);
                await using var theirs = (await proxy.AcceptAsync(Token).Soon())!;
                var answering = SendAsync(theirs, down);
                Assert.Equal(up, await ReceiveAsync(theirs, up.Length));
                Assert.Equal(down, await ReceiveAsync(mine, down.Length));
                await Task.WhenAll(sending, answering).Soon();
            }
        }
    }

    [Fact]
    public async Task A_retired_tunnel_takes_no_streams_and_serves_those_it_has()
    {
        var (visitor, proxy) = await PairAsync();
        await using (visitor)
        await using (proxy)
        {
            await using var mine = await visitor.OpenAsync(Token);
            await SendAsync(mine, [1]);
            await using var theirs = (await proxy.AcceptAsync(Token).Soon())!;
            proxy.Retire();
            await SendAsync(theirs, [2]);
            await ReceiveAsync(mine, 1); // what was said before it has arrived
            Assert.False(visitor.CanOpen);
            await Assert.ThrowsAnyAsync<IOException>(() => visitor.OpenAsync(Token).Soon());
            await SendAsync(mine, [3]);
            Assert.Equal([1, 3], await ReceiveAsync(theirs, 2));
        }
    }

    [Fact]
    public async Task A_peer_that_comes_late_is_waited_for_and_one_that_has_left_is_not()
    {
        using var reserved = Bind();
        var place = (IPEndPoint)reserved.LocalEndPoint!;
        var mySocket = Bind();
        var myPlace = (IPEndPoint)mySocket.LocalEndPoint!;
        reserved.Dispose();
        await using var visitor = await PeerTunnels.Find("kcp")!(new PunchedHole(mySocket, place), TunnelSide.Visitor, TimeProvider.System, Token);
        await using var mine = await visitor.OpenAsync(Token);
        await SendAsync(mine, [7]); // to a port that is closed
        var late = NatDiscovery.BindSocket(place);
        await using (var proxy = await PeerTunnels.Find("kcp")!(new PunchedHole(late, myPlace), TunnelSide.Proxy, TimeProvider.System, Token))
        {
            await using var theirs = (await proxy.AcceptAsync(Token).Soon())!;
            Assert.Equal([7], await ReceiveAsync(theirs, 1));
            await SendAsync(theirs, [8]);
            Assert.Equal([8], await ReceiveAsync(mine, 1));
        }
        while (!visitor.Completion.IsCompleted)
        {
            try
            {
                await SendAsync(mine, [9]);
                await Task.Yield();
            }
            catch (IOException)
            {
                break;
            }
        }
        await visitor.Completion.Soon();
        await Assert.ThrowsAnyAsync<IOException>(() => visitor.OpenAsync(Token).Soon());
    }

    [Fact]
    public async Task What_a_peers_machine_says_against_him_before_he_was_heard_does_not_count()
    {
        var gone = Bind();
        var place = (IPEndPoint)gone.LocalEndPoint!;
        gone.Dispose();
        var time = new FakeTimeProvider();
        var socket = Bind();
        var visitor = await PeerTunnels.Find("kcp")!(new PunchedHole(socket, place), TunnelSide.Visitor, time, Token);
        var mine = await visitor.OpenAsync(Token);
        await SendAsync(mine, [7]);
        // It is sent, refused, and sent again: on loopback the refusal of a datagram is there before the next one goes.
        for (int i = 0; i < 50; i++) time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.True(visitor.CanOpen);
        Assert.False(visitor.Completion.IsCompleted);
        var ending = visitor.DisposeAsync().AsTask();
        while (!ending.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1)); // it lingers for what was not acknowledged
            await Task.Yield();
        }
        await ending;
    }

    [Fact]
    public void Protocols_are_found_by_their_names()
    {
        Assert.NotNull(PeerTunnels.Find(PeerTunnels.Default));
        Assert.Null(PeerTunnels.Find("KCP"));
        Assert.Null(PeerTunnels.Find(""));
    }

    private static async Task<(PeerTunnel Visitor, PeerTunnel Proxy)> PairAsync()
    {
        Socket one = Bind(), other = Bind();
        IPEndPoint here = (IPEndPoint)one.LocalEndPoint!, there = (IPEndPoint)other.LocalEndPoint!;
        var starter = PeerTunnels.Find("kcp")!;
        return (await starter(new PunchedHole(one, there), TunnelSide.Visitor, TimeProvider.System, Token), await starter(new PunchedHole(other, here), TunnelSide.Proxy, TimeProvider.System, Token));
    }

    private static Socket Bind() => NatDiscovery.BindSocket(new IPEndPoint(IPAddress.Loopback, 0));

    private static async Task SendAsync(Connection connection, byte[] data)
    {
        await connection.Stream.WriteAsync(data, Token).Soon();
        await connection.Stream.FlushAsync(Token).Soon();
    }

    private static async Task<byte[]> ReceiveAsync(Connection connection, int count)
    {
        var data = new byte[count];
        await connection.Stream.ReadExactlyAsync(data, Token).Soon();
        return data;
    }
}
