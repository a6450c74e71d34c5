using System.Net.Sockets;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Proxies that share an entrance: who gets the users, and what a member's death costs them.</summary>
public sealed class GroupTests : TunnelTest
{
    private const string Layers = $"{Proxy.Encrypted}\n{Proxy.Compressed}";

    private static string In(string group, string key = "secret") => $"loadBalancer.group = \"{group}\"\nloadBalancer.groupKey = \"{key}\"";

    [Fact]
    public async Task Members_of_two_clients_take_turns_and_a_member_that_leaves_harms_nobody()
    {
        await using var a = Greeter("A");
        await using var b = Greeter("B");
        int port = Ports.Next(), shared = Ports.Next();
        var server = await ServerAsync(port);
        var first = await ClientAsync(port, [], new Proxy("a", a.Port, shared, In("web")));
        await ClientAsync(port, [Clear], new Proxy("b", b.Port, shared, $"{In("web")}\n{Layers}"));
        var seen = await GreetingsAsync(shared, 10);
        Assert.Equal(5, seen.Count(s => s == "A"));
        Assert.Equal(5, seen.Count(s => s == "B"));

        using var open = await User.ConnectAsync(shared);
        Assert.Contains((await open.ReceiveAsync(1))[0], "AB"u8.ToArray());
        first.Terminate();
        await server.WaitForTextAsync("close proxy [a] success");
        Assert.Equal(["B", "B", "B", "B"], await GreetingsAsync(shared, 4));
        // The entrance closes behind the last one only.
        await ClientAsync(port, ["user = \"again\""], new Proxy("a", a.Port, shared, In("web")));
        Assert.Equal(2, (await GreetingsAsync(shared, 4)).Distinct().Count());
    }

    [Fact]
    public async Task Members_that_do_not_fit_are_refused_in_the_words_of_the_protocol()
    {
        await using var echo = TcpService.Echo();
        int port = Ports.Next(), shared = Ports.Next();
        await ServerAsync(port);
        await ClientAsync(port, ["user = \"one\""], new Proxy("first", echo.Port, shared, In("g")));
        var client = StartClient(port, ["user = \"two\""],
            new Proxy("key", echo.Port, shared, In("g", "wrong")), new Proxy("port", echo.Port, Ports.Next(), In("g")),
            new Proxy("any", echo.Port, 0, In("g")), new Proxy("none", echo.Port, shared), new Proxy("fits", echo.Port, shared, In("g")));
        await client.WaitForTextAsync("[key] start error: group auth failed");
        await client.WaitForTextAsync("[port] start error: group should have same remote port");
        await client.WaitForTextAsync("[any] start error: group should have same remote port");
        await client.WaitForTextAsync("[none] start error: port already used");
        await client.WaitForTextAsync("[fits] start proxy success");
        await User.EchoOnceAsync(shared);
    }

    [Fact]
    public async Task A_group_without_a_port_gets_one_and_each_member_counts_towards_its_clients_share()
    {
        await using var a = Greeter("A");
        await using var b = Greeter("B");
        int only = Ports.Next(), port = Ports.Next();
        await ServerAsync(port, $"allowPorts = [{{ single = {only} }}]", "maxPortsPerClient = 2");
        var client = StartClient(port, [], new Proxy("a", a.Port, 0, In("g")), new Proxy("b", b.Port, 0, In("g")), new Proxy("c", b.Port, 0, In("g")));
        await client.WaitForTextAsync("start proxy success", 2);
        await client.WaitForTextAsync("start error: exceed the max_ports_per_client");
        Assert.Equal(2, (await GreetingsAsync(only, 4)).Distinct().Count());
    }

    [Fact]
    public async Task A_user_goes_to_another_member_when_the_service_of_the_first_is_down()
    {
        await using var up = Greeter("U");
        int port = Ports.Next(), shared = Ports.Next();
        var server = await ServerAsync(port);
        await ClientAsync(port, [], new Proxy("down", Ports.Next(), shared, In("g")), new Proxy("up", up.Port, shared, In("g")));
        Assert.Equal(["U", "U", "U", "U"], await GreetingsAsync(shared, 4));
        const string HandedOver = "handed over to [up] of the same group";
        await server.WaitForTextAsync(HandedOver, 2); // the log is written behind what it tells of
        Assert.Equal(2, server.Output.Count(HandedOver));
    }

    [Fact]
    public async Task A_user_is_closed_when_no_member_can_serve_it()
    {
        int port = Ports.Next(), shared = Ports.Next();
        var server = await ServerAsync(port);
        var client = await ClientAsync(port, [], new Proxy("one", Ports.Next(), shared, In("g")), new Proxy("two", Ports.Next(), shared, $"{In("g")}\n{Layers}"));
        using var user = await User.ConnectAsync(shared);
        await user.WaitForEndAsync();
        // Each was tried, and none twice.
        await client.WaitForTextAsync("connect to local service", 2);
        await server.WaitForTextAsync("handed over to [");
        Assert.Equal(1, server.Output.Count("handed over to ["));
    }

    // kill -9 of one member of three, while users arrive. Users of two sorts must not notice: those who have not said anything yet, and
    // those who wait for the service to speak first. Whoever has a request under way to the dead member cannot be helped, because the
    // service may have acted on it; how many those are is printed.
    [Theory]
    [InlineData(true, "", "", 10)]
    [InlineData(true, Layers, "", 10)]
    [InlineData(false, "", Clear, 10)]
    [InlineData(false, "", "", 100)] // a handshake for each user: fifty a second are enough for the machine
    public async Task A_member_that_is_killed_costs_no_user_that_has_exchanged_nothing(bool mux, string layers, string lines, int tickMilliseconds)
    {
        const int Members = 3, PerTick = 5; // 500 users a second for 2.5 s
        int ticks = 2500 / tickMilliseconds, killAt = ticks * 2 / 5;
        await using var echo = TcpService.Echo();
        await using var greeter = Greeter("G");
        int port = Ports.Next(), asking = Ports.Next(), greeting = Ports.Next();
        string[] carrier = mux ? [lines] : [NoMux, lines];
        await ServerAsync(port, mux ? "" : NoMux, "userConnTimeout = 50"); // a slow machine loses nobody either
        var clients = new List<RunningProgram>();
        for (int i = 0; i < Members; i++)
        {
            clients.Add(await ClientAsync(port, [.. carrier, $"user = \"m{i}\"", "transport.poolCount = 5"],
                new Proxy("asking", echo.Port, asking, $"{In("asking")}\n{layers}"), new Proxy("greeting", greeter.Port, greeting, $"{In("greeting")}\n{layers}")));
        }

        var killed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var users = new List<Task<(string Sort, string? Loss)>>();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(tickMilliseconds));
        Task killing = Task.CompletedTask;
        for (int tick = 0; tick < ticks; tick++)
        {
            await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            if (tick == killAt) killing = KillAsync();
            for (int i = 0; i < PerTick; i++)
            {
                users.Add(i switch
                {
                    0 => ServeAsync("silent", asking, killed.Task, user => user.EchoAsync()),
                    1 or 2 => ServeAsync("greeted", greeting, Task.CompletedTask, async user => Assert.Equal("G"u8.ToArray(), await user.ReceiveAsync(1))),
                    _ => ServeAsync("asking", asking, Task.CompletedTask, user => user.EchoAsync()),
                });
            }
        }
        await killing;
        var ends = await Task.WhenAll(users).Soon();
        foreach (var sort in ends.GroupBy(e => e.Sort))
        {
            var losses = sort.Where(e => e.Loss is not null).ToArray();
            TestContext.Current.TestOutputHelper?.WriteLine($"{sort.Key}: {losses.Length} of {sort.Count()} users lost {string.Join("; ", losses.Select(e => e.Loss).Distinct())}");
        }
        Assert.DoesNotContain(ends, e => e.Sort != "asking" && e.Loss is not null);

        async Task KillAsync()
        {
            await clients[0].KillAsync();
            killed.SetResult();
        }
    }

    private static async Task<(string Sort, string? Loss)> ServeAsync(string sort, int port, Task when, Func<User, Task> exchange)
    {
        try
        {
            using var user = await User.ConnectAsync(port);
            await when.Soon();
            await exchange(user);
            return (sort, null);
        }
        catch (Exception e) when (e is SocketException or EndOfStreamException)
        {
            return (sort, e.Message);
        }
    }

    private static TcpService Greeter(string greeting) => TcpService.Start(async socket =>
    {
        await socket.SendAllAsync(Encoding.ASCII.GetBytes(greeting));
        await socket.ReceiveToEndAsync();
    });

    private static async Task<List<string>> GreetingsAsync(int port, int count)
    {
        var seen = new List<string>();
        for (int i = 0; i < count; i++)
        {
            using var user = await User.ConnectAsync(port);
            seen.Add(Encoding.ASCII.GetString(await user.ReceiveAsync(1)));
        }
        return seen;
    }
}
