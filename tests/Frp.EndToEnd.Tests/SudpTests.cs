using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Datagrams between visitors and secret proxies.</summary>
public sealed class SudpTests : TunnelTest
{
    private readonly int _port = Ports.Next();
    private readonly int _door = Ports.Next();

    [Theory]
    [InlineData("v1", "v1", false)]
    [InlineData("v2", "v2", true)]
    [InlineData("v1", "v2", true)]
    [InlineData("v2", "v1", false)]
    public async Task Framings_and_layers_of_the_two_legs_are_their_own(string proxyWire, string visitorWire, bool layers)
    {
        await using var echo = new UdpEcho();
        await ServerAsync(_port);
        string[] mine = layers ? [Proxy.Encrypted] : [], theirs = layers ? [Proxy.Compressed] : [Proxy.Encrypted, Proxy.Compressed];
        await OfferAsync(echo.Port, proxyWire, mine);
        await VisitAsync(visitorWire, theirs);
        foreach (int length in new[] { 1, 100, 1500 }) await UdpUser.EchoOnceAsync(_door, length);
        var users = Enumerable.Range(0, 100).Select(_ => new UdpUser(_door)).ToList();
        for (int round = 0; round < 3; round++) await Task.WhenAll(users.Select(u => u.EchoAsync()));
        users.ForEach(u => u.Dispose());
    }

    [Theory]
    [InlineData("v1", "v1", false)]
    [InlineData("v2", "v1", true)]
    public async Task A_resolver_gets_its_answers(string proxyWire, string visitorWire, bool layers)
    {
        int local = await Resolver.StartAsync(Work);
        await ServerAsync(_port);
        string[] lines = layers ? [Proxy.Encrypted, Proxy.Compressed] : [];
        await OfferAsync(local, proxyWire, lines);
        await VisitAsync(visitorWire, lines);
        await Resolver.AnswersAsync(Work, _door);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public async Task A_door_is_open_before_there_is_anything_behind_it_and_after(string visitorWire)
    {
        await using var echo = new UdpEcho();
        var server = await ServerAsync(_port);
        var visiting = await VisitAsync(visitorWire);
        using var user = new UdpUser(_door);
        var asking = user.EchoAsync();
        await visiting.WaitForTextAsync("start new visitor connection error: custom listener for [secret] doesn't exist");
        var owner = await OfferAsync(echo.Port, "v1");
        await asking;
        await owner.KillAsync();
        await server.WaitForTextAsync("client exit success");
        var again = user.EchoAsync();
        await OfferAsync(echo.Port, "v2");
        await again;
        Assert.Equal(1, visiting.Output.Count("start visitor success"));
    }

    [Fact]
    public async Task A_wrong_key_gets_nothing()
    {
        await using var echo = new UdpEcho();
        await ServerAsync(_port);
        await OfferAsync(echo.Port, "v1");
        var visiting = await VisitAsync("v1", ["secretKey = \"guessed\""]);
        using var user = new UdpUser(_door);
        await Assert.ThrowsAsync<TimeoutException>(() => user.EchoAsync(limit: TimeSpan.FromSeconds(2)));
        await visiting.WaitForTextAsync("visitor connection of [secret] auth failed");
        await visiting.WaitForTextAsync("the secret proxy cannot be reached");
    }

    [Theory]
    [InlineData("visitor", "visitor")]
    [InlineData("*", "anybody")]
    [InlineData("friend", null)]
    [InlineData("", null)]
    public async Task The_list_of_users_decides_who_may_come(string allowed, string? visitor)
    {
        await using var echo = new UdpEcho();
        await ServerAsync(_port);
        string list = allowed.Length == 0 ? "" : $"allowUsers = [\"{allowed}\"]";
        var owner = StartClient(_port, [$"user = \"owner\"\n[[proxies]]\nname = \"secret\"\ntype = \"sudp\"\nsecretKey = \"between us\"\nlocalPort = {echo.Port}\n{list}"]);
        await owner.WaitForTextAsync("[secret] start proxy success");
        var client = StartClient(_port, [$"user = \"{visitor ?? "stranger"}\"\n[[visitors]]\nname = \"door\"\ntype = \"sudp\"\nserverUser = \"owner\"\nserverName = \"secret\"\nsecretKey = \"between us\"\nbindPort = {_door}"]);
        await client.WaitForTextAsync("[door] start visitor success");
        using var user = new UdpUser(_door);
        if (visitor is not null)
        {
            await user.EchoAsync();
            return;
        }
        await Assert.ThrowsAsync<TimeoutException>(() => user.EchoAsync().WaitAsync(TimeSpan.FromSeconds(2)));
        await client.WaitForTextAsync("start new visitor connection error: visitor connection of [owner.secret] user [stranger] not allowed");
    }

    [Fact]
    public async Task Both_clients_stop_without_waiting_for_datagrams()
    {
        await using var echo = new UdpEcho();
        await ServerAsync(_port);
        var owner = await OfferAsync(echo.Port, "v1");
        var visiting = await VisitAsync("v1");
        await UdpUser.EchoOnceAsync(_door);
        foreach (var client in new[] { owner, visiting })
        {
            client.Terminate();
            Assert.Equal(0, await client.WaitForExitAsync());
            Assert.DoesNotContain("connections were cut", client.Output.ToString(), StringComparison.Ordinal);
        }
    }

    private async Task<RunningProgram> OfferAsync(int localPort, string wire, params string[] lines)
    {
        var client = StartClient(_port, [$"transport.wireProtocol = \"{wire}\"", $"\n[[proxies]]\nname = \"secret\"\ntype = \"sudp\"\nsecretKey = \"between us\"\nlocalPort = {localPort}", .. lines]);
        await client.WaitForTextAsync("[secret] start proxy success");
        return client;
    }

    private async Task<RunningProgram> VisitAsync(string wire, params string[] lines)
    {
        string key = lines.Any(l => l.StartsWith("secretKey", StringComparison.Ordinal)) ? "" : "secretKey = \"between us\"";
        var client = StartClient(_port, [$"transport.wireProtocol = \"{wire}\"", $"\n[[visitors]]\nname = \"door\"\ntype = \"sudp\"\nserverName = \"secret\"\nbindPort = {_door}", key, .. lines]);
        await client.WaitForTextAsync("[door] start visitor success");
        return client;
    }
}
