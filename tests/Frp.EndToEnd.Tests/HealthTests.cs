using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Proxies that come and go with their services.</summary>
public sealed class HealthTests : TunnelTest
{
    // Services that are down say so at once; one that is up may be slow on a busy machine.
    private const string Check = "healthCheck.intervalSeconds = 1\nhealthCheck.timeoutSeconds = 30\nhealthCheck.type = ";
    private const string InGroup = "loadBalancer.group = \"g\"\nloadBalancer.groupKey = \"k\"";

    [Fact]
    public async Task A_member_of_a_group_gets_no_user_from_the_moment_its_service_is_said_to_be_down()
    {
        int port = Ports.Next(), shared = Ports.Next(), second = Ports.Next();
        await ServerAsync(port);
        await using var a = Greeter("A");
        var b = Greeter("B", second);
        var client = await ClientAsync(port, [], new Proxy("a", a.Port, shared, $"{InGroup}\n{Check}\"tcp\""), new Proxy("b", second, shared, $"{InGroup}\n{Check}\"tcp\""));
        Assert.Equal("AB", await SeenAsync(shared));
        for (int round = 1; round <= 2; round++)
        {
            await b.DisposeAsync();
            await client.WaitForTextAsync("[b] health check failed", round);
            Assert.Equal("A", await SeenAsync(shared));
            b = Greeter("B", second);
            await client.WaitForTextAsync("[b] start proxy success", round + 1);
            Assert.Equal("AB", await SeenAsync(shared));
        }
        Assert.Equal(0, client.Output.Count("[a] health check failed"));
        await b.DisposeAsync();
    }

    [Theory]
    [InlineData("200 OK", "500 Internal Server Error")]
    [InlineData("204 No Content", "404 Not Found")]
    public async Task A_port_is_open_while_its_service_answers_well(string good, string bad)
    {
        string status = bad;
        await using var web = TcpService.Start(async socket =>
        {
            var head = new StringBuilder();
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal)) head.Append(Encoding.ASCII.GetString(await socket.ReceiveExactlyAsync(1)));
            bool isCheck = head.ToString().StartsWith("GET /healthz HTTP/1.1\r\nHost: ", StringComparison.Ordinal);
            await socket.SendAllAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {(isCheck ? Volatile.Read(ref status) : "418 Not a check")}\r\n\r\n"));
        });
        int port = Ports.Next();
        var server = await ServerAsync(port);
        var proxy = new Proxy("web", web.Port, Ports.Next(), $"{Check}\"http\"\nhealthCheck.path = \"/healthz\"");
        await using var wire = new FaultyWire(port);
        var client = StartClient(wire.Port, [], proxy);
        await client.WaitForTextAsync("[web] do one health check failed: health check got status", 2);
        Assert.Equal(0, server.Output.Count("new proxy [web]"));
        Volatile.Write(ref status, good);
        await client.WaitForTextAsync(proxy.Started);
        Assert.True(await Ports.AnswersAsync(proxy.RemotePort));
        // What is known about the service survives the session.
        wire.Cut();
        await client.WaitForTextAsync(proxy.Started, 2);
        Assert.Equal(1, client.Output.Count("[web] health check success"));
        Volatile.Write(ref status, bad);
        await client.WaitForTextAsync("[web] health check failed");
        await UntilClosedAsync(proxy.RemotePort);
        client.Terminate();
        Assert.Equal(0, await client.WaitForExitAsync());
    }

    [Fact]
    public async Task Requests_go_to_the_healthy_members_of_a_group_in_turn()
    {
        int port = Ports.Next(), vhost = Ports.Next(), second = Ports.Next();
        await ServerAsync(port, $"vhostHTTPPort = {vhost}");
        await using var a = Web("A");
        var b = Web("B", second);
        string Member(string name, int localPort) =>
            $"\n[[proxies]]\nname = \"{name}\"\ntype = \"http\"\nlocalPort = {localPort}\ncustomDomains = [\"site.test\"]\n{InGroup}\n{Check}\"http\"\nhealthCheck.path = \"/healthz\"\n";
        var client = StartClient(port, [Member("a", a.Port), Member("b", second)]);
        foreach (string name in (string[])["a", "b"]) await client.WaitForTextAsync($"[{name}] start proxy success");
        string[] turns = [await AskAsync(), await AskAsync(), await AskAsync(), await AskAsync()];
        Assert.Equal((turns[0], turns[1]), (turns[2], turns[3]));
        Assert.NotEqual(turns[0], turns[1]);
        for (int round = 1; round <= 2; round++)
        {
            Assert.Equal(["A", "B"], (await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => AskAsync()))).Distinct().Order());
            await b.DisposeAsync();
            await client.WaitForTextAsync("[b] health check failed", round);
            Assert.Equal(["A"], (await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => AskAsync()))).Distinct());
            b = Web("B", second);
            await client.WaitForTextAsync("[b] start proxy success", round + 1);
        }
        await b.DisposeAsync();

        async Task<string> AskAsync()
        {
            using var user = await User.ConnectAsync(vhost);
            await user.SendAsync("GET / HTTP/1.1\r\nHost: site.test\r\n\r\n");
            return (await HttpAnswer.ReceiveAsync(user.Socket)).Body;
        }

        static TcpService Web(string name, int? port = null) => TcpService.Start(async socket =>
        {
            while (true)
            {
                string head = await HttpService.ReceiveHeadAsync(socket);
                await HttpService.SendAsync(socket, head.StartsWith("GET /healthz ", StringComparison.Ordinal) ? "HTTP/1.1 204 Well\r\n\r\n" : $"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{name}");
            }
        }, port);
    }

    private static TcpService Greeter(string greeting, int? port = null) => TcpService.Start(async socket =>
    {
        await socket.SendAllAsync(Encoding.ASCII.GetBytes(greeting));
        await socket.ReceiveToEndAsync();
    }, port);

    private static async Task<string> SeenAsync(int port)
    {
        var seen = new SortedSet<char>();
        for (int i = 0; i < 6; i++)
        {
            using var user = await User.ConnectAsync(port);
            seen.Add((char)(await user.ReceiveAsync(1))[0]);
        }
        return string.Concat(seen);
    }
}
