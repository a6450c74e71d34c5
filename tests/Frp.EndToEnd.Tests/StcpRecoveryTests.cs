using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Visitors while something is missing: the server, the proxy's client, or they themselves.</summary>
public sealed class StcpRecoveryTests : SecretTunnelTest
{
    private readonly Visitor _visitor = new("door", "secret", Ports.Next());
    private readonly int _port = Ports.Next();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_server_that_was_killed_comes_back_while_the_door_stays_open(bool mux)
    {
        await using var echo = TcpService.Echo();
        var secret = new SecretProxy("secret", echo.Port);
        string carrier = mux ? "" : NoMux;
        var server = await ServerAsync(_port, carrier);
        var owner = await OfferAsync(_port, [carrier], secret);
        var visiting = await VisitAsync(_port, [carrier], _visitor);
        using var open = await User.ConnectAsync(_visitor.Port);
        await open.EchoAsync();
        await server.KillAsync();
        await open.WaitForEndAsync();
        await visiting.WaitForTextAsync("session lost");

        // The door is open, and behind it is nobody.
        await RefusedAsync(_visitor);
        await visiting.WaitForTextAsync("[door] start new visitor connection error: ");
        await ServerAsync(_port, carrier);
        await owner.WaitForTextAsync(secret.Started, times: 2);
        await visiting.WaitForTextAsync("login to server success", times: 2);
        await User.EchoOnceAsync(_visitor.Port);
        Assert.Equal(1, visiting.Output.Count("start visitor success"));
        Assert.Equal(0, visiting.Output.Count("fault in"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_proxy_whose_client_was_killed_comes_back(bool mux)
    {
        await using var echo = TcpService.Echo();
        var secret = new SecretProxy("secret", echo.Port);
        string carrier = mux ? "" : NoMux;
        var server = await ServerAsync(_port, carrier);
        var owner = await OfferAsync(_port, [carrier], secret);
        await VisitAsync(_port, [carrier], _visitor);
        using var open = await User.ConnectAsync(_visitor.Port);
        await open.EchoAsync();
        await owner.KillAsync();
        await open.WaitForEndAsync();
        await server.WaitForTextAsync("client exit success");
        await RefusedAsync(_visitor);
        await OfferAsync(_port, [carrier], secret);
        await User.EchoOnceAsync(_visitor.Port);
    }

    [Fact]
    public async Task A_visitor_that_was_killed_leaves_nothing_behind()
    {
        await using var echo = TcpService.Echo();
        var secret = new SecretProxy("secret", echo.Port);
        var server = await ServerAsync(_port);
        await OfferAsync(_port, [], secret);
        var visiting = await VisitAsync(_port, [], _visitor);
        using var open = await User.ConnectAsync(_visitor.Port);
        await open.EchoAsync();
        await visiting.KillAsync();
        await server.WaitForTextAsync("client exit success");
        await Patience.UntilAsync(() => echo.OpenCount == 0, () => "the service's connection is still open");
        await VisitAsync(_port, [], _visitor);
        await User.EchoOnceAsync(_visitor.Port);
    }

    [Fact]
    public async Task The_door_opens_with_the_first_login_and_not_before()
    {
        await using var echo = TcpService.Echo();
        var secret = new SecretProxy("secret", echo.Port);
        var visiting = StartClient(_port, [_visitor.ToString()]);
        await visiting.WaitForTextAsync("connect to server error");
        Assert.False(await Ports.AnswersAsync(_visitor.Port));
        await ServerAsync(_port);
        await visiting.WaitForTextAsync(_visitor.Started);
        await OfferAsync(_port, [], secret);
        await User.EchoOnceAsync(_visitor.Port);
    }

    [Theory]
    [InlineData("visitor")]
    [InlineData("owner")]
    [InlineData("server")]
    public async Task Whoever_stops_lets_an_open_connection_finish_and_nobody_in(string which)
    {
        await using var echo = TcpService.Echo();
        var secret = new SecretProxy("secret", echo.Port);
        var server = await ServerAsync(_port);
        var owner = await OfferAsync(_port, [], secret);
        var visiting = await VisitAsync(_port, [], _visitor);
        using var open = await User.ConnectAsync(_visitor.Port);
        await open.EchoAsync();
        var stopping = which switch { "visitor" => visiting, "owner" => owner, _ => server };
        stopping.Terminate();
        if (which == "visitor") await UntilClosedAsync(_visitor.Port);
        else await Patience.UntilAsync(async () => !await User.CanEchoAsync(_visitor.Port), () => "the secret proxy still lets users in");
        await open.EchoAsync(100_000);
        Assert.True(stopping.IsRunning, $"it did not wait for its user: {stopping.Output}");
        open.CompleteWrites();
        Assert.Empty(await open.ReceiveToEndAsync());
        Assert.Equal(0, await stopping.WaitForExitAsync());
    }

    [Fact]
    public async Task A_wire_that_is_cut_costs_the_visitor_a_login()
    {
        await using var echo = TcpService.Echo();
        var secret = new SecretProxy("secret", echo.Port);
        await ServerAsync(_port);
        await OfferAsync(_port, [], secret);
        await using var wire = new FaultyWire(_port);
        var visiting = await VisitAsync(wire.Port, [], _visitor);
        for (int round = 1; round <= 3; round++)
        {
            await visiting.WaitForTextAsync("login to server success", round);
            await UntilWorkingAsync(_visitor.Port);
            wire.Cut();
        }
        Assert.Equal(1, visiting.Output.Count("start visitor success"));
    }

    [Fact]
    public async Task A_link_on_which_the_server_takes_no_more_connections_costs_a_login()
    {
        const byte GoAway = 3;
        int port = Ports.Next();
        await using var echo = TcpService.Echo();
        await ServerAsync(port);
        await OfferAsync(port, [], new SecretProxy("secret", echo.Port));
        await using var wire = new FaultyWire(port);
        var visitor = new Visitor("door", "secret", Ports.Next());
        var client = await VisitAsync(wire.Port, [Clear], visitor);
        await User.EchoOnceAsync(visitor.Port);
        await wire.SayAsync(RawClient.MuxHead(GoAway, 0, 0, 0));
        await Patience.UntilAsync(async () => !await User.CanEchoAsync(visitor.Port), () => "users are served on a link that has ended"); // the word is on its way
        await client.WaitForTextAsync("session lost: the server takes no more connections on this link");
        await UntilWorkingAsync(visitor.Port);
    }
}
