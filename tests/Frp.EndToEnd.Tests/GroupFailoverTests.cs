using System.Net.Sockets;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>kill -9 of one of three members of a group that users reach by name, while they arrive.</summary>
/// <remarks>
/// What must not be lost: users who have named their host and no more when the member dies, and whoever comes afterwards. Users whose
/// words were on their way to the dead member cannot be helped, because the service may have acted on them; how many those are is printed.
/// </remarks>
public sealed class GroupFailoverTests : HttpsTunnelTest
{
    private const int Members = 3, PerTick = 3; // 300 to 500 users a second
    private const int KillAt = 60, LateTicks = 80; // ticks before the kill, and behind it
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    [Theory]
    [InlineData("https", "")]
    [InlineData("https", $"{Proxy.Encrypted}\n{Proxy.Compressed}")]
    [InlineData("tcpmux", "")]
    [InlineData("tcpmux", $"{Proxy.Encrypted}\n{Proxy.Compressed}")]
    public async Task Users_who_have_exchanged_nothing_are_not_lost(string kind, string layers)
    {
        byte[] hello = kind == "https" ? HelloFor("a.test") : Encoding.ASCII.GetBytes("CONNECT a.test:1 HTTP/1.1\r\nHost: a.test:1\r\n\r\n");
        // The service of tcpmux users speaks first to some of them; that of TLS users never does.
        await using var asked = TcpService.Start(async socket =>
        {
            var first = await socket.ReceiveExactlyAsync(kind == "https" ? hello.Length : 1);
            await socket.SendAllAsync(first.AsMemory(0, 1));
            await socket.ReceiveToEndAsync();
        });
        await using var greeter = TcpService.Start(async socket =>
        {
            await socket.SendAllAsync("G"u8.ToArray());
            await socket.ReceiveToEndAsync();
        });
        int port = Ports.Next(), vhost = Ports.Next();
        var server = await ServerAsync(port, kind == "https" ? $"vhostHTTPSPort = {vhost}" : $"tcpmuxHTTPConnectPort = {vhost}", "userConnTimeout = 50"); // a slow machine loses nobody either
        string[] lines = ["loadBalancer.groupKey = \"k\"", kind == "https" ? "" : "multiplexer = \"httpconnect\"", layers];
        var clients = new List<RunningProgram>();
        for (int i = 0; i < Members; i++)
        {
            clients.Add(await ServeAsync(port, [$"user = \"m{i}\"", "transport.poolCount = 5"],
                Named("asked", kind, asked.Port, [Domains("a.test"), "loadBalancer.group = \"asked\"", .. lines]),
                Named("greeter", kind, greeter.Port, [Domains("g.test"), "loadBalancer.group = \"greeter\"", .. lines])));
        }

        var killed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var users = new List<Task<(string Sort, string? Loss)>>();
        using var timer = new PeriodicTimer(Tick);
        Task killing = Task.CompletedTask;
        for (int tick = 0, late = 0; late < LateTicks; tick++)
        {
            await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            if (tick == KillAt) killing = KillAsync();
            if (killing.IsFaulted) await killing;
            if (killed.Task.IsCompleted) late++;
            // All of those speak at once: they are fewer than the server lets wait for one name.
            if (tick < KillAt) users.Add(ArriveAsync("silent", SilentAsync));
            for (int i = 0; i < PerTick; i++) users.Add(ArriveAsync(killed.Task.IsCompleted ? "late" : "asking", AskAsync));
            if (kind == "tcpmux") users.Add(ArriveAsync("greeted", GreetedAsync));
        }
        await killing;
        var ends = await Task.WhenAll(users).Soon();
        foreach (var sort in ends.GroupBy(e => e.Sort))
        {
            var losses = sort.Where(e => e.Loss is not null).ToArray();
            TestContext.Current.TestOutputHelper?.WriteLine($"{sort.Key}: {losses.Length} of {sort.Count()} users lost {string.Join("; ", losses.Select(e => e.Loss).Distinct())}");
        }
        Assert.Equal(0, server.Output.Count("the proxy takes no more"));
        Assert.DoesNotContain(ends, e => e.Sort != "asking" && e.Loss is not null);

        async Task KillAsync()
        {
            await clients[0].KillAsync();
            killed.SetResult();
        }

        // Says where it wants to go before the member dies, and everything else afterwards. Of a TLS user that is a part of its first record.
        async Task SilentAsync(User user)
        {
            if (kind == "https")
            {
                await user.SendAsync(hello.AsMemory(0, 40));
                await killed.Task.Soon();
                await user.SendAsync(hello.AsMemory(40));
                Assert.Equal(hello[..1], await user.ReceiveAsync(1));
                return;
            }
            await ConnectAsync(user, hello);
            await killed.Task.Soon();
            await user.SendAsync("x");
            Assert.Equal("x"u8.ToArray(), await user.ReceiveAsync(1));
        }

        async Task AskAsync(User user)
        {
            if (kind == "https") await user.SendAsync(hello);
            else
            {
                await ConnectAsync(user, hello);
                await user.SendAsync("\u0016");
            }
            Assert.Equal([0x16], await user.ReceiveAsync(1));
        }

        async Task GreetedAsync(User user)
        {
            await ConnectAsync(user, Encoding.ASCII.GetBytes("CONNECT g.test:1 HTTP/1.1\r\nHost: g.test:1\r\n\r\n"));
            Assert.Equal("G"u8.ToArray(), await user.ReceiveAsync(1));
        }

        async Task<(string Sort, string? Loss)> ArriveAsync(string sort, Func<User, Task> exchange)
        {
            try
            {
                using var user = await User.ConnectAsync(vhost);
                await exchange(user);
                return (sort, null);
            }
            catch (Exception e) when (e is SocketException or EndOfStreamException)
            {
                return (sort, e.Message);
            }
        }
    }

    // GETs must not be lost at any time, and POSTs not when they come to a member that is dead already. A body cannot be taken back once it is
    // on its way into a request, so these have none.
    [Fact]
    public async Task Requests_go_to_a_member_that_lives()
    {
        await using var service = TcpService.Start(async socket =>
        {
            while (true)
            {
                await HttpService.ReceiveHeadAsync(socket);
                await HttpService.SendAsync(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            }
        });
        int port = Ports.Next(), vhost = Ports.Next();
        await ServerAsync(port, $"vhostHTTPPort = {vhost}", "userConnTimeout = 50");
        string[] lines = [Domains("site.test"), "loadBalancer.group = \"g\"", "loadBalancer.groupKey = \"k\""];
        var clients = new List<RunningProgram>();
        for (int i = 0; i < Members; i++) clients.Add(await ServeAsync(port, [$"user = \"m{i}\"", "transport.poolCount = 5"], Named("web", "http", service.Port, lines)));

        bool killed = false;
        var users = new List<Task<(string Sort, bool Served)>>();
        using var timer = new PeriodicTimer(Tick);
        Task killing = Task.CompletedTask;
        for (int tick = 0, late = 0; late < LateTicks; tick++)
        {
            await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            if (tick == KillAt) killing = KillAsync();
            if (killing.IsFaulted) await killing;
            if (Volatile.Read(ref killed)) late++;
            string post = late > 0 ? "late POST" : "POST";
            users.AddRange([AskAsync("GET", "GET / HTTP/1.1\r\nHost: site.test\r\n\r\n"), AskAsync(post, "POST / HTTP/1.1\r\nHost: site.test\r\nContent-Length: 0\r\n\r\n")]);
        }
        await killing;
        var ends = await Task.WhenAll(users).Soon();
        foreach (var sort in ends.GroupBy(e => e.Sort)) TestContext.Current.TestOutputHelper?.WriteLine($"{sort.Key}: {sort.Count(e => !e.Served)} of {sort.Count()} lost");
        Assert.DoesNotContain(ends, e => e.Sort != "POST" && !e.Served);

        async Task KillAsync()
        {
            await clients[0].KillAsync();
            Volatile.Write(ref killed, true);
        }

        async Task<(string Sort, bool Served)> AskAsync(string sort, string request)
        {
            using var user = await User.ConnectAsync(vhost);
            await user.SendAsync(request);
            return (sort, (await HttpAnswer.ReceiveAsync(user.Socket)).Status == 200);
        }
    }

    // Each is asked once, and whoever asks hears that there is nobody.
    [Fact]
    public async Task A_request_that_no_member_can_serve_is_told_so()
    {
        int port = Ports.Next(), vhost = Ports.Next();
        await using var up = HttpService.Saying("up");
        await ServerAsync(port, $"vhostHTTPPort = {vhost}");
        string[] group = [Domains("site.test"), "loadBalancer.group = \"g\"", "loadBalancer.groupKey = \"k\""];
        var client = await ServeAsync(port, [], Named("one", "http", Ports.Next(), group), Named("two", "http", Ports.Next(), group));
        Assert.Equal(404, await AskAsync("GET"));
        await client.WaitForTextAsync("connect to local service", 2);
        await ServeAsync(port, ["user = \"third\""], Named("three", "http", up.Port, group));
        for (int i = 0; i < 4; i++) Assert.Equal(200, await AskAsync("GET"));
        Assert.Equal(4, up.Heads.Count);

        async Task<int> AskAsync(string method)
        {
            using var user = await User.ConnectAsync(vhost);
            await user.SendAsync($"{method} / HTTP/1.1\r\nHost: site.test\r\n\r\n");
            return (await HttpAnswer.ReceiveAsync(user.Socket)).Status;
        }
    }

    private static async Task ConnectAsync(User user, byte[] request)
    {
        await user.SendAsync(request);
        Assert.Equal("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", await HttpService.ReceiveHeadAsync(user.Socket).Soon());
    }
}
