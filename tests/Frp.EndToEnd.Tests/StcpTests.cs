using System.Security.Cryptography;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Secret proxies for byte streams: what works through a visitor, and who is sent away.</summary>
public sealed class StcpTests : SecretTunnelTest
{
    private static readonly string[] Layers = ["", Proxy.Encrypted, $"{Proxy.Encrypted}\n{Proxy.Compressed}"];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_mix_of_layers_and_framings_works(bool mux)
    {
        await using var echo = TcpService.Echo();
        int port = Ports.Next();
        string carrier = mux ? "" : NoMux;
        string[] wires = ["v1", "v2"];
        await ServerAsync(port, carrier);
        var proxies = wires.ToDictionary(w => w, w => Layers.Select((l, i) => new SecretProxy($"{w}-{i}", echo.Port, l)).ToArray());
        foreach (string wire in wires)
        {
            var client = StartClient(port, [carrier, $"transport.wireProtocol = \"{wire}\"", string.Concat<SecretProxy>(proxies[wire])]);
            foreach (var proxy in proxies[wire]) await client.WaitForTextAsync(proxy.Started);
        }
        foreach (string wire in wires)
        {
            var visitors = proxies.Values.SelectMany(p => p).SelectMany(p => Layers.Select((l, i) => new Visitor($"to-{p.Name}-{i}", p.Name, Ports.Next(), l))).ToArray();
            await VisitAsync(port, [carrier, $"transport.wireProtocol = \"{wire}\""], visitors);
            foreach (var visitor in visitors) await User.EchoOnceAsync(visitor.Port, 200_000);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData($"{Proxy.Encrypted}\n{Proxy.Compressed}")]
    public async Task Redis_works(string layers)
    {
        string? server = ForeignPrograms.Find("redis-server"), cli = ForeignPrograms.Find("redis-cli"), benchmark = ForeignPrograms.Find("redis-benchmark");
        Assert.SkipWhen(server is null || cli is null || benchmark is null, "Redis is not installed");
        int port = Ports.Next(), redisPort = Ports.Next();
        var redis = Work.RunForeign(server!, "--port", $"{redisPort}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", Work.Folder);
        await redis.WaitForTextAsync("eady to accept connections");
        await ServerAsync(port);
        var proxy = new SecretProxy("redis", redisPort, layers);
        var visitor = new Visitor("door", "redis", Ports.Next(), layers);
        await OfferAsync(port, [], proxy);
        await VisitAsync(port, [], visitor);

        // Bare commands, a large value there and back, and 50 connections that pipeline.
        Assert.Equal("PONG\n", await AskAsync("PING"));
        string value = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(60_000));
        Assert.Equal("OK\n", await AskAsync("SET", "large", value));
        Assert.Equal(value + "\n", await AskAsync("GET", "large"));
        var load = Work.RunForeign(benchmark!, "-p", $"{visitor.Port}", "-q", "-n", "5000", "-c", "50", "-P", "8", "-r", "1000", "-t", "incr,lpush");
        Assert.Equal(0, await load.WaitForExitAsync());
        Assert.DoesNotContain("rror", load.Output.ToString(), StringComparison.Ordinal);
        Assert.Equal("5000\n", await AskAsync("LLEN", "mylist"));

        async Task<string> AskAsync(params string[] command)
        {
            var asking = Work.RunForeign(cli!, ["-p", $"{visitor.Port}", .. command]);
            Assert.Equal(0, await asking.WaitForExitAsync());
            return asking.Output.ToString();
        }
    }

    [Fact]
    public async Task The_list_of_users_decides_who_may_come()
    {
        await using var echo = TcpService.Echo();
        int port = Ports.Next();
        var server = await ServerAsync(port);
        await OfferAsync(port, ["user = \"owner\""], new SecretProxy("mine", echo.Port), new SecretProxy("ours", echo.Port, "allowUsers = [\"friend\", \"other\"]"), new SecretProxy("everyones", echo.Port, "allowUsers = [\"*\"]"));
        await OfferAsync(port, [], new SecretProxy("nobodys", echo.Port));
        (string User, string Proxies)[] expected = [("owner", "mine everyones"), ("friend", "ours everyones"), ("stranger", "everyones"), ("", "everyones nobodys")];
        foreach (var (user, open) in expected)
        {
            var visitors = new[] { "mine", "ours", "everyones" }.Select(p => new Visitor($"to-{p}", p, Ports.Next(), "serverUser = \"owner\"")).ToList();
            if (user.Length == 0) visitors.Add(new Visitor("to-nobodys", "nobodys", Ports.Next()));
            var client = await VisitAsync(port, [$"user = \"{user}\""], [.. visitors]);
            foreach (var visitor in visitors)
            {
                if (open.Split(' ').Contains(visitor.Target))
                {
                    await User.EchoOnceAsync(visitor.Port);
                    continue;
                }
                await RefusedAsync(visitor);
                string text = $"visitor connection of [owner.{visitor.Target}] user [{user}] not allowed";
                await client.WaitForTextAsync($"[to-{visitor.Target}] start new visitor connection error: {text}");
                await server.WaitForTextAsync(text);
            }
        }
    }

    [Fact]
    public async Task A_wrong_key_and_an_unknown_name_are_refused_and_the_door_stays_open()
    {
        await using var echo = TcpService.Echo();
        int port = Ports.Next();
        await ServerAsync(port);
        Visitor right = new("right", "secret", Ports.Next()), wrong = new("wrong", "secret", Ports.Next(), Key: "guessed"), lost = new("lost", "nowhere", Ports.Next());
        var client = await VisitAsync(port, [], right, wrong, lost);

        // The visitor was there first.
        await RefusedAsync(right);
        await client.WaitForTextAsync("[right] start new visitor connection error: custom listener for [secret] doesn't exist");
        await OfferAsync(port, [], new SecretProxy("secret", echo.Port));
        await User.EchoOnceAsync(right.Port);
        await RefusedAsync(wrong);
        await client.WaitForTextAsync("[wrong] start new visitor connection error: visitor connection of [secret] auth failed");
        await RefusedAsync(lost);
        await client.WaitForTextAsync("[lost] start new visitor connection error: custom listener for [nowhere] doesn't exist");
        await RefusedAsync(wrong);
        await User.EchoOnceAsync(right.Port);
    }

    [Fact]
    public async Task Two_hundred_users_at_once_are_served()
    {
        await using var echo = TcpService.Echo();
        int port = Ports.Next();
        var server = await ServerAsync(port);
        var visitor = new Visitor("door", "secret", Ports.Next());
        await OfferAsync(port, [], new SecretProxy("secret", echo.Port));
        await VisitAsync(port, [], visitor);
        var users = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => User.ConnectAsync(visitor.Port)));
        await Task.WhenAll(users.Select(u => u.EchoAsync(20_000)));
        Assert.Equal(200, echo.OpenCount);
        await server.WaitForTextAsync("get a user connection", 200); // the log is written behind what it tells of
        Assert.Equal(200, server.Output.Count("get a user connection"));
        foreach (var user in users) user.Dispose();
        await Patience.UntilAsync(() => echo.OpenCount == 0, () => $"{echo.OpenCount} connections are still open");
        await User.EchoOnceAsync(visitor.Port);
    }

    [Fact]
    public async Task A_busy_port_of_a_visitor_is_said_and_others_work()
    {
        await using var echo = TcpService.Echo();
        await using var squatter = TcpService.Echo();
        int port = Ports.Next();
        await ServerAsync(port);
        await OfferAsync(port, [], new SecretProxy("secret", echo.Port));
        var free = new Visitor("free", "secret", Ports.Next());
        var client = StartClient(port, [$"{new Visitor("busy", "secret", squatter.Port)}{free}"]);
        await client.WaitForTextAsync($"[busy] start error: listen tcp 127.0.0.1:{squatter.Port}: ");
        await client.WaitForTextAsync(free.Started);
        await User.EchoOnceAsync(free.Port);
        Assert.Equal(0, client.Output.Count("[busy] start visitor success"));
    }

    [Fact]
    public async Task The_terse_server_says_no_more_than_no()
    {
        int port = Ports.Next();
        var server = await ServerAsync(port, "detailedErrorsToClient = false");
        var visitor = new Visitor("door", "nowhere", Ports.Next());
        var client = await VisitAsync(port, [], visitor);
        await RefusedAsync(visitor);
        await client.WaitForTextAsync("[door] start new visitor connection error: register visitor conn error");
        Assert.Equal(0, client.Output.Count("doesn't exist"));
        await server.WaitForTextAsync("custom listener for [nowhere] doesn't exist");
    }

    [Fact]
    public async Task Visitors_without_session_and_with_a_false_one()
    {
        await using var echo = TcpService.Echo();
        int port = Ports.Next();
        var server = await ServerAsync(port, NoMux);
        await OfferAsync(port, [NoMux, Clear], new SecretProxy("nobodys", echo.Port), new SecretProxy("closed", echo.Port, "allowUsers = [\"friend\"]"));

        // Before 0.50 clients did not say whose they were; and nobody is offered what he did not ask for.
        using (var user = await User.ConnectAsync(port))
        {
            byte[] opening = [.. VisitorMessage("nobodys", runId: ""), .. "with payload"u8];
            await user.SendAsync(opening);
            var (type, body) = await RawClient.ReceiveAnswerAsync(user);
            Assert.Equal(('3', """{"proxy_name":"nobodys"}"""), (type, body.GetRawText()));
            Assert.Equal("with payload", Encoding.ASCII.GetString(await user.ReceiveAsync(12)));
        }
        Assert.Equal("visitor connection of [closed] user [] not allowed", await RefusalAsync(VisitorMessage("closed", "")));
        Assert.Equal("no client control found for run id [made up]", await RefusalAsync(VisitorMessage("nobodys", "made up")));

        // An answer that cannot be written ends the connection, and only that.
        using (var user = await User.ConnectAsync(port))
        {
            await user.SendAsync(VisitorMessage(new string('n', 9000), ""));
            await user.WaitForEndAsync();
        }
        await server.WaitForTextAsync("the name that a visitor asks for is too long");
        Assert.Equal(0, server.Output.Count("fault in"));
        using var last = await User.ConnectAsync(port);
        await last.SendAsync(VisitorMessage("nobodys", ""));
        await RawClient.ReceiveAnswerAsync(last);
        await last.EchoAsync();

        async Task<string> RefusalAsync(byte[] message)
        {
            using var user = await User.ConnectAsync(port);
            await user.SendAsync(message);
            var (_, body) = await RawClient.ReceiveAnswerAsync(user);
            await user.WaitForEndAsync();
            return body.GetProperty("error").GetString()!;
        }
    }

    private static byte[] VisitorMessage(string target, string runId) =>
        RawClient.Message('v', $$"""{"run_id":"{{runId}}","proxy_name":"{{target}}","sign_key":"{{RawClient.ProofOf(SecretProxy.DefaultKey, 1234)}}","timestamp":1234}""");
}
