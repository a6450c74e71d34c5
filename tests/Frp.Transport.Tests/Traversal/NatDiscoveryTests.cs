using System.Net;
using System.Net.Sockets;
using Frp.TestKit;

namespace Frp.Transport.Tests;

public sealed class NatDiscoveryTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static Task<NatDiscovery> AskAsync(StunServer server, IPEndPoint? local = null) => NatDiscovery.AskAsync($"localhost:{server.Port}", local, TimeProvider.System, Token);

    [Fact]
    public async Task Both_addresses_of_a_server_are_asked_from_one_socket()
    {
        await using var server = new StunServer();
        var found = await AskAsync(server);
        Assert.Equal(IPAddress.Any, found.Local.Address);
        Assert.Equal(Enumerable.Repeat(new IPEndPoint(IPAddress.Loopback, found.Local.Port), 2), found.External);
        Assert.Equal([0, 1], server.Asked);
    }

    [Fact]
    public async Task A_server_with_one_address_is_asked_once()
    {
        await using var server = new StunServer { TellsOther = false };
        Assert.Single((await AskAsync(server)).External);
    }

    [Fact]
    public async Task The_local_address_is_the_wanted_one()
    {
        await using var server = new StunServer();
        var found = await AskAsync(server, new IPEndPoint(IPAddress.Parse("127.0.0.1"), 0));
        Assert.Equal(IPAddress.Loopback, found.Local.Address);
    }

    [Fact]
    public async Task Noise_and_answers_to_other_questions_are_no_answers()
    {
        await using var server = new StunServer { MakesNoise = true };
        Assert.Equal(2, (await AskAsync(server)).External.Count);
    }

    [Fact]
    public async Task A_server_that_says_nothing_is_waited_for_three_seconds()
    {
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var error = await Assert.ThrowsAsync<TimeoutException>(() => NatDiscovery.AskAsync(silent.LocalEndPoint!.ToString()!, null, TimeProvider.System, Token));
        Assert.Equal("wait response from stun server timeout", error.Message);
    }

    [Fact]
    public async Task A_server_that_refuses_or_does_not_say_what_it_sees_is_named()
    {
        await using var refusing = new StunServer { Refuses = true };
        Assert.Equal($"stun server 127.0.0.1:{refusing.Port} answers with an error", (await Assert.ThrowsAsync<IOException>(() => AskAsync(refusing))).Message);
        await using var mute = new StunServer { TellsMapped = false };
        Assert.Equal("no external address found", (await Assert.ThrowsAsync<IOException>(() => AskAsync(mute))).Message);
    }

    [Theory]
    [InlineData("127.0.0.1:x")]
    [InlineData("127.0.0.1:0")]
    [InlineData("127.0.0.1:65536")]
    public async Task A_port_that_is_none_is_named(string server) =>
        Assert.Equal($"[{server}] is not host:port", (await Assert.ThrowsAsync<IOException>(() => NatDiscovery.AskAsync(server, null, TimeProvider.System, Token))).Message);

    [Fact]
    public void Own_addresses_are_such_as_others_may_reach() =>
        Assert.DoesNotContain(NatDiscovery.OwnAddresses(), a => a.AddressFamily != AddressFamily.InterNetwork || IPAddress.IsLoopback(a));
}
