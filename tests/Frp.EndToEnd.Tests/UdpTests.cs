using System.Net;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Datagrams through the server's UDP ports.</summary>
public sealed class UdpTests : TunnelTest
{
    private readonly int _port = Ports.Next();
    private readonly int _remote = Ports.Next();

    public static IEnumerable<TheoryDataRow<string, bool, bool>> Modes() =>
        from wire in new[] { "v1", "v2" }
        from layers in new[] { true, false }
        from mux in new[] { true, false }
        select new TheoryDataRow<string, bool, bool>(wire, layers, mux);

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task Each_of_many_users_gets_what_is_theirs(string wire, bool layers, bool mux)
    {
        await using var echo = new UdpEcho();
        string[] carrier = mux ? [] : [NoMux];
        await ServerAsync(_port, [.. carrier, "proxyBindAddr = \"::\""]);
        await OfferAsync([.. carrier, $"transport.wireProtocol = \"{wire}\""], echo.Port, layers ? $"{Proxy.Encrypted}\n{Proxy.Compressed}" : "");
        foreach (int length in new[] { 1, 100, 1500 }) await UdpUser.EchoOnceAsync(_remote, length);
        await UdpUser.EchoOnceAsync(_remote, 100, IPAddress.IPv6Loopback);
        var users = Enumerable.Range(0, 500).Select(_ => new UdpUser(_remote)).ToList();
        for (int round = 0; round < 2; round++) await Task.WhenAll(users.Select(u => u.EchoAsync()));
        users.ForEach(u => u.Dispose());
    }

    [Fact]
    public async Task A_resolver_gets_its_answers()
    {
        int local = await Resolver.StartAsync(Work);
        await ServerAsync(_port);
        await OfferAsync([], local);
        await Resolver.AnswersAsync(Work, _remote);
    }

    [Fact]
    public async Task A_service_that_goes_and_comes_back_is_found_again()
    {
        var echo = new UdpEcho(Ports.Next());
        await ServerAsync(_port);
        await OfferAsync([], echo.Port);
        using var user = new UdpUser(_remote);
        await user.EchoAsync();
        await echo.DisposeAsync();
        await Assert.ThrowsAsync<TimeoutException>(() => user.EchoAsync(limit: TimeSpan.FromSeconds(2)));
        await using var again = new UdpEcho(echo.Port);
        await user.EchoAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_was_killed_comes_back_to_its_port(bool mux)
    {
        await using var echo = new UdpEcho();
        string[] carrier = mux ? [] : [NoMux];
        var server = await ServerAsync(_port, carrier);
        var client = await OfferAsync(carrier, echo.Port);
        using var user = new UdpUser(_remote);
        await user.EchoAsync();
        await client.KillAsync();
        await server.WaitForTextAsync("client exit success");
        await OfferAsync(carrier, echo.Port);
        await user.EchoAsync();
    }

    [Fact]
    public async Task A_server_that_was_killed_comes_back_with_its_port()
    {
        await using var echo = new UdpEcho();
        var server = await ServerAsync(_port);
        var client = await OfferAsync([], echo.Port);
        using var user = new UdpUser(_remote);
        await user.EchoAsync();
        await server.KillAsync();
        await ServerAsync(_port);
        await client.WaitForTextAsync("[dgram] start proxy success", times: 2);
        await user.EchoAsync();
    }

    [Fact]
    public async Task A_port_is_taken_once_and_tcp_and_udp_do_not_meet()
    {
        await using var echo = new UdpEcho();
        await using var tcp = TcpService.Echo();
        await ServerAsync(_port);
        var client = await OfferAsync([], echo.Port, $"\n[[proxies]]\nname = \"second\"\ntype = \"udp\"\nlocalPort = {echo.Port}\nremotePort = {_remote}", new Proxy("tcp", tcp.Port, _remote).ToString());
        await client.WaitForTextAsync($"[second] start error: acquire port {_remote} error: port already used");
        await client.WaitForTextAsync("[tcp] start proxy success");
        await User.EchoOnceAsync(_remote);
        await UdpUser.EchoOnceAsync(_remote);
    }

    [Fact]
    public async Task Stopping_a_client_does_not_wait_for_datagrams()
    {
        await using var echo = new UdpEcho();
        var server = await ServerAsync(_port);
        var client = await OfferAsync([], echo.Port);
        await UdpUser.EchoOnceAsync(_remote);
        client.Terminate();
        Assert.Equal(0, await client.WaitForExitAsync());
        Assert.DoesNotContain("connections were cut", client.Output.ToString(), StringComparison.Ordinal);
        await server.WaitForTextAsync("close proxy [dgram] success");
    }

    private async Task<RunningProgram> OfferAsync(string[] lines, int localPort, params string[] more)
    {
        var client = StartClient(_port, [.. lines, $"\n[[proxies]]\nname = \"dgram\"\ntype = \"udp\"\nlocalPort = {localPort}\nremotePort = {_remote}\n", .. more]);
        await client.WaitForTextAsync("[dgram] start proxy success");
        return client;
    }
}
