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
    private const int Ticks = 150, KillAt = 60;
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
        for (int tick = 0; tick < Ticks; tick++)
        {
            await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            if (tick == KillAt) killing = KillAsync();
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
        Assert.Contains(ends, e => e.Sort == "late");
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

    private static async Task ConnectAsync(User user, byte[] request)
    {
        await user.SendAsync(request);
        Assert.Equal("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", await HttpService.ReceiveHeadAsync(user.Socket).Soon());
    }
}
