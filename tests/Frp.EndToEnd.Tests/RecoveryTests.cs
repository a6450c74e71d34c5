using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>What goes down comes back.</summary>
public sealed class RecoveryTests : TunnelTest
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_server_that_was_killed_comes_back_with_its_tunnel(bool mux)
    {
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("back", echo.Port, Ports.Next());
        int port = Ports.Next();
        string carrier = mux ? "" : NoMux;
        var server = await ServerAsync(port, carrier);
        var client = await ClientAsync(port, [carrier], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        using var open = await User.ConnectAsync(proxy.RemotePort);
        await open.EchoAsync();
        await server.KillAsync();
        await open.WaitForEndAsync();
        Assert.False(await Ports.AnswersAsync(proxy.RemotePort));
        await ServerAsync(port, carrier);
        await client.WaitForTextAsync(proxy.Started, times: 2);
        await User.EchoOnceAsync(proxy.RemotePort);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_was_killed_frees_its_port_and_comes_back(bool mux)
    {
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("back", echo.Port, Ports.Next());
        int port = Ports.Next();
        string carrier = mux ? "" : NoMux;
        var server = await ServerAsync(port, carrier);
        var client = await ClientAsync(port, [carrier], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        await client.KillAsync();
        await server.WaitForTextAsync("client exit success");
        await UntilClosedAsync(proxy.RemotePort);
        await ClientAsync(port, [carrier], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_wire_that_is_cut_costs_a_login(bool mux)
    {
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("cut", echo.Port, Ports.Next());
        int port = Ports.Next();
        string carrier = mux ? "" : NoMux;
        await ServerAsync(port, carrier);
        await using var wire = new FaultyWire(port);
        var client = await ClientAsync(wire.Port, [carrier], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        for (int round = 2; round <= 4; round++)
        {
            wire.Cut();
            await client.WaitForTextAsync(proxy.Started, round);
            await User.EchoOnceAsync(proxy.RemotePort);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_wire_that_stalls_for_a_moment_costs_nothing(bool mux)
    {
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("stall", echo.Port, Ports.Next());
        int port = Ports.Next();
        string[] lines = mux ? ["transport.tcpMuxKeepaliveInterval = 1"] : [NoMux, "transport.heartbeatTimeout = 30"];
        await ServerAsync(port, lines);
        await using var wire = new FaultyWire(port);
        var client = await ClientAsync(wire.Port, [.. lines, mux ? "" : "transport.heartbeatInterval = 1"], proxy);
        using var user = await User.ConnectAsync(proxy.RemotePort);
        await user.EchoAsync();
        wire.Hold();
        var echoing = user.EchoAsync(100_000);
        // Long enough for a keepalive to be sent into the stall, and well within its patience.
        await Assert.ThrowsAsync<TimeoutException>(() => echoing.WaitAsync(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken));
        wire.Release();
        await echoing;
        await user.EchoAsync();
        Assert.Equal(1, client.Output.Count("login to server success"));
    }

    [Fact]
    public async Task A_link_on_which_the_server_takes_no_more_connections_costs_a_login()
    {
        const byte GoAway = 3;
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("leaving", echo.Port, Ports.Next());
        int port = Ports.Next();
        await ServerAsync(port);
        await using var wire = new FaultyWire(port);
        var client = await ClientAsync(wire.Port, [Clear], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        await wire.SayAsync(RawClient.MuxHead(GoAway, 0, 0, 0));
        // The next user, or the one behind him whose connection is asked for in advance.
        await Patience.UntilAsync(async () => !await User.CanEchoAsync(proxy.RemotePort) || client.Output.Count("login to server success") > 1, () => "the session goes on");
        await client.WaitForTextAsync("session lost: the server takes no more connections on this link");
        await client.WaitForTextAsync(proxy.Started, 2);
        await User.EchoOnceAsync(proxy.RemotePort);
    }

    [Fact]
    public async Task A_local_service_that_is_down_closes_the_user_and_the_next_one_works()
    {
        int local = Ports.Next();
        var proxy = new Proxy("down", local, Ports.Next());
        int port = Ports.Next();
        await ServerAsync(port);
        var client = await ClientAsync(port, [], proxy);
        using (var user = await User.ConnectAsync(proxy.RemotePort)) await user.WaitForEndAsync();
        await client.WaitForTextAsync($"connect to local service [127.0.0.1:{local}] error: ");
        await using var echo = TcpService.Echo(local);
        await User.EchoOnceAsync(proxy.RemotePort);
    }

    [Fact]
    public async Task A_port_that_the_server_chose_stays_over_new_logins()
    {
        const int Choice = 12;
        await using var echo = TcpService.Echo();
        int first = Ports.NextRange(Choice), port = Ports.Next();
        var proxy = new Proxy("any", echo.Port, 0);
        var server = await ServerAsync(port, $"allowPorts = [{{ start = {first}, end = {first + Choice - 1} }}]");
        await using var wire = new FaultyWire(port);
        var client = await ClientAsync(wire.Port, [], proxy);
        int chosen = await FindAsync();
        await User.EchoOnceAsync(chosen);
        for (int round = 2; round <= 4; round++)
        {
            wire.Cut();
            await client.WaitForTextAsync(proxy.Started, round);
            Assert.Equal(chosen, await FindAsync());
        }
        await client.KillAsync();
        await server.WaitForTextAsync("client exit success", 4);
        await ClientAsync(port, [], proxy);
        Assert.Equal(chosen, await FindAsync());

        async Task<int> FindAsync()
        {
            var open = new List<int>();
            for (int p = first; p < first + Choice; p++)
            {
                if (await Ports.AnswersAsync(p)) open.Add(p);
            }
            return Assert.Single(open);
        }
    }
}
