using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Users who reach a proxy's client without the server in between, and what happens where they cannot.</summary>
public sealed class XtcpTests : SecretTunnelTest
{
    private const string Opened = "[door] the tunnel is open: [kcp] to [127.0.0.1:";

    private readonly int _port = Ports.Next();
    private readonly int _door = Ports.Next();

    [Theory]
    [InlineData("v1", "")]
    [InlineData("v2", $"{Proxy.Encrypted}\n{Proxy.Compressed}")]
    public async Task Users_share_a_tunnel_that_outlives_the_server(string wire, string layers)
    {
        await using var stun = new StunServer();
        await using var echo = TcpService.Echo();
        var server = await ServerAsync(_port);
        string[] common = [StunLine(stun), $"transport.wireProtocol = \"{wire}\""];
        var owner = await OwnerAsync(common, echo.Port, layers);
        var visiting = await VisitorAsync(common, layers);
        await User.EchoOnceAsync(_door, 1_000_000);
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => User.EchoOnceAsync(_door, 50_000)));
        await server.WaitForTextAsync("reported: success True");
        await server.KillAsync();
        await visiting.WaitForTextAsync("session lost");
        await User.EchoOnceAsync(_door);
        Assert.Equal(1, visiting.Output.Count(Opened));
        Assert.Equal(1, owner.Output.Count("a tunnel of a visitor is open"));
        Assert.Equal(0, visiting.Output.Count("fault in") + owner.Output.Count("fault in"));
    }

    [Fact]
    public async Task A_tunnel_is_opened_again_when_the_proxys_client_was_killed()
    {
        await using var stun = new StunServer();
        await using var echo = TcpService.Echo();
        await ServerAsync(_port);
        var owner = await OwnerAsync([StunLine(stun)], echo.Port);
        var visiting = await VisitorAsync([StunLine(stun)], "keepTunnelOpen = true");
        await visiting.WaitForTextAsync(Opened); // without a user
        using var open = await User.ConnectAsync(_door);
        await open.EchoAsync();
        await owner.KillAsync();
        await open.SendAsync("somebody there?");
        await open.WaitForEndAsync();
        await visiting.WaitForTextAsync("[door] the tunnel is over");
        await OwnerAsync([StunLine(stun)], echo.Port);
        await UntilWorkingAsync(_door);
        Assert.Equal(2, visiting.Output.Count(Opened));
    }

    [Theory]
    [InlineData(false, "no tunnel: xtcp server for [direct] doesn't exist")]
    [InlineData(true, "no tunnel: xtcp connection of [direct] auth failed")]
    public async Task Users_go_elsewhere_where_there_is_no_tunnel(bool isThere, string cause)
    {
        await using var stun = new StunServer();
        await using var echo = TcpService.Echo();
        await ServerAsync(_port);
        if (isThere) await OwnerAsync([StunLine(stun)], echo.Port, key: "another");
        await OfferAsync(_port, [], new SecretProxy("relayed", echo.Port));
        var visiting = StartClient(_port, [StunLine(stun), VisitorText("fallbackTo = \"other\"\nfallbackTimeoutMs = 9000"), new Visitor("other", "relayed", -1).ToString()]);
        await visiting.WaitForTextAsync("[door] start visitor success");
        await visiting.WaitForTextAsync("[other] start visitor success");
        await User.EchoOnceAsync(_door, 100_000);
        await visiting.WaitForTextAsync($"[door] {cause}");
        await visiting.WaitForTextAsync("[door] open tunnel error: ");
    }

    [Fact]
    public async Task Whoever_stops_lets_an_open_connection_finish()
    {
        await using var stun = new StunServer();
        await using var echo = TcpService.Echo();
        await ServerAsync(_port);
        var owner = await OwnerAsync([StunLine(stun)], echo.Port);
        var visiting = await VisitorAsync([StunLine(stun)]);
        using var open = await User.ConnectAsync(_door);
        await open.EchoAsync();
        owner.Terminate();
        visiting.Terminate();
        await UntilClosedAsync(_door);
        await open.EchoAsync(100_000);
        Assert.True(owner.IsRunning && visiting.IsRunning, "somebody did not wait for the user");
        open.Dispose();
        Assert.Equal(0, await visiting.WaitForExitAsync());
        Assert.Equal(0, await owner.WaitForExitAsync());
    }

    [Fact]
    public async Task A_protocol_that_is_not_served_yet_is_a_start_error()
    {
        await ServerAsync(_port);
        var visiting = StartClient(_port, [VisitorText("protocol = \"quic\"")]);
        await visiting.WaitForTextAsync("[door] start error: protocol [quic] of xtcp visitors is not supported by this release of the client yet");
    }

    private static string StunLine(StunServer stun) => $"natHoleStunServer = \"127.0.0.1:{stun.Port}\"";

    private async Task<RunningProgram> OwnerAsync(string[] lines, int localPort, string more = "", string key = SecretProxy.DefaultKey)
    {
        var owner = StartClient(_port, [.. lines, $"\n[[proxies]]\nname = \"direct\"\ntype = \"xtcp\"\nsecretKey = \"{key}\"\nnatTraversal.disableAssistedAddrs = true\nlocalPort = {localPort}\n{more}\n"]);
        await owner.WaitForTextAsync("[direct] start proxy success");
        return owner;
    }

    private async Task<RunningProgram> VisitorAsync(string[] lines, string more = "")
    {
        var visiting = StartClient(_port, [.. lines, VisitorText(more)]);
        await visiting.WaitForTextAsync("[door] start visitor success");
        return visiting;
    }

    // Local addresses of this machine are not to be sent to.
    private string VisitorText(string more) =>
        $"\n[[visitors]]\nname = \"door\"\ntype = \"xtcp\"\nserverName = \"direct\"\nsecretKey = \"{SecretProxy.DefaultKey}\"\nbindPort = {_door}\nnatTraversal.disableAssistedAddrs = true\n{more}\n";
}
