using System.Net.Sockets;
using System.Security.Cryptography;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Every kind of proxy side by side, with each layer, in both framings.</summary>
public sealed class KindTests : HttpsTunnelTest
{
    private static readonly string[] Variants = ["", Proxy.Encrypted, Proxy.Compressed, $"{Proxy.Encrypted}\n{Proxy.Compressed}"];

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public async Task Every_kind_works_with_every_layer(string wire)
    {
        int port = Ports.Next(), http = Ports.Next(), https = Ports.Next(), mux = Ports.Next(), echoPort = Ports.Next(), webPort = Ports.Next();
        await using var datagrams = new UdpEcho();
        await ServerAsync(port, $"vhostHTTPPort = {http}", $"vhostHTTPSPort = {https}", $"tcpmuxHTTPConnectPort = {mux}");
        int[] tcp = new int[4], udp = new int[4], stcp = new int[4], sudp = new int[4];
        List<string> proxies = [], visitors = [];
        for (int i = 0; i < Variants.Length; i++)
        {
            (tcp[i], udp[i], stcp[i], sudp[i]) = (Ports.Next(), Ports.Next(), Ports.Next(), Ports.Next());
            string layers = Variants[i], domains = Domains($"{i}.test", $"also{i}.test");
            proxies.AddRange(
            [
                Named($"tcp{i}", "tcp", echoPort, $"remotePort = {tcp[i]}", layers), Named($"udp{i}", "udp", datagrams.Port, $"remotePort = {udp[i]}", layers),
                Named($"http{i}", "http", webPort, domains, layers), Named($"https{i}", "https", echoPort, domains, layers),
                Named($"mux{i}", "tcpmux", echoPort, "multiplexer = \"httpconnect\"", domains, layers),
                Named($"stcp{i}", "stcp", echoPort, "secretKey = \"k\"", layers), Named($"sudp{i}", "sudp", datagrams.Port, "secretKey = \"k\"", layers),
            ]);
            foreach (var (kind, door) in new[] { ("stcp", stcp[i]), ("sudp", sudp[i]) })
            {
                visitors.Add($"\n[[visitors]]\nname = \"to-{kind}{i}\"\ntype = \"{kind}\"\nserverName = \"{kind}{i}\"\nsecretKey = \"k\"\nbindPort = {door}\n{layers}\n");
            }
        }
        string[] framing = [$"transport.wireProtocol = \"{wire}\""];
        await ServeAsync(port, framing, [.. proxies]);
        var visiting = StartClient(port, [.. framing, .. visitors]);
        await visiting.WaitForTextAsync("start visitor success", visitors.Count);

        // The services may come last.
        await using var echo = TcpService.Echo(echoPort);
        await using var web = TcpService.Start(async socket =>
        {
            await HttpService.ReceiveHeadAsync(socket);
            await HttpService.SendAsync(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        }, webPort);
        for (int i = 0; i < Variants.Length; i++)
        {
            await User.EchoOnceAsync(tcp[i], 100_000);
            await User.EchoOnceAsync(stcp[i], 100_000);
            foreach (string host in (string[])[$"{i}.test", $"also{i}.test"])
            {
                using var asking = await User.ConnectAsync(http);
                await asking.SendAsync($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
                Assert.Equal("ok", (await HttpAnswer.ReceiveAsync(asking.Socket)).Body);
                using var shaking = await User.ConnectAsync(https);
                byte[] hello = HelloFor(host);
                await shaking.SendAsync(hello);
                Assert.Equal(hello, await shaking.ReceiveAsync(hello.Length));
                await shaking.EchoAsync(100_000);
                using var connecting = await User.ConnectAsync(mux);
                await connecting.SendAsync($"CONNECT {host}:1 HTTP/1.1\r\nHost: {host}:1\r\n\r\n");
                await HttpService.ReceiveHeadAsync(connecting.Socket).Soon();
                await connecting.EchoAsync(100_000);
            }
            foreach (int way in (int[])[udp[i], sudp[i]])
            {
                foreach (int length in (int[])[1, 1400]) await UdpUser.EchoOnceAsync(way, length);
            }
        }
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("https")]
    [InlineData("tcpmux")]
    [InlineData("stcp")]
    public async Task A_service_that_is_down_or_resets_or_does_not_read_harms_its_users_alone(string kind)
    {
        int port = Ports.Next(), shared = Ports.Next();
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var echo = TcpService.Echo();
        await using var resetting = TcpService.Start(async socket =>
        {
            await socket.ReceiveExactlyAsync(1);
            socket.LingerState = new LingerOption(enable: true, 0);
        });
        await using var deaf = TcpService.Start(async _ => await seen.Task.Soon());
        byte[] babble = [0, 255, .. RandomNumberGenerator.GetBytes(5000)];
        await using var babbling = TcpService.Start(async socket =>
        {
            await socket.SendAllAsync(babble);
            await socket.ReceiveToEndAsync();
        });
        var services = new Dictionary<string, int> { ["echo"] = echo.Port, ["down"] = Ports.Next(), ["resetting"] = resetting.Port, ["deaf"] = deaf.Port, ["babbling"] = babbling.Port };
        var doors = services.Keys.ToDictionary(name => name, _ => kind is "tcp" or "stcp" ? Ports.Next() : shared);
        var server = await ServerAsync(port, kind switch { "https" => $"vhostHTTPSPort = {shared}", "tcpmux" => $"tcpmuxHTTPConnectPort = {shared}", _ => "" });
        var client = await ServeAsync(port, [], [.. services.Select(s => Named(s.Key, kind, s.Value, kind switch
        {
            "tcp" => $"remotePort = {doors[s.Key]}",
            "stcp" => "secretKey = \"k\"",
            "https" => Domains($"{s.Key}.test"),
            _ => $"{Domains($"{s.Key}.test")}\nmultiplexer = \"httpconnect\"",
        }))]);
        if (kind == "stcp")
        {
            var visiting = StartClient(port, [.. services.Keys.Select(s => $"\n[[visitors]]\nname = \"to-{s}\"\ntype = \"stcp\"\nserverName = \"{s}\"\nsecretKey = \"k\"\nbindPort = {doors[s]}\n")]);
            await visiting.WaitForTextAsync("start visitor success", services.Count);
        }

        for (int round = 0; round < 2; round++)
        {
            using (var user = await ArriveAsync("down")) await user.WaitForEndAsync();
            await client.WaitForTextAsync("connect to local service", round + 1);
            using (var user = await ArriveAsync("resetting"))
            {
                await SayAsync(user, "resetting");
                var e = await Assert.ThrowsAsync<SocketException>(() => user.ReceiveToEndAsync());
                Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
            }
            using (var user = await ArriveAsync("babbling"))
            {
                await SayAsync(user, "babbling");
                Assert.Equal(babble, await user.ReceiveAsync(babble.Length));
            }
            await WorksAsync();
        }

        // What a service does not read stops its user, and nobody else; and it is not kept by the megabyte.
        using (var user = await ArriveAsync("deaf"))
        {
            long memory = server.ResidentBytes + client.ResidentBytes;
            await SayAsync(user, "deaf");
            var sending = user.Socket.SendAllAsync(new byte[200_000_000]);
            await Patience.UntilAsync(() => deaf.OpenCount == 1, () => "the deaf service has no user");
            for (int i = 0; i < 10; i++) await WorksAsync();
            Assert.False(sending.IsCompleted);
            Assert.InRange(server.ResidentBytes + client.ResidentBytes, 0, memory + 100_000_000);
            user.Reset();
            await Assert.ThrowsAnyAsync<Exception>(() => sending);
        }
        seen.SetResult();
        await Patience.UntilAsync(() => deaf.OpenCount == 0 && echo.OpenCount == 0, () => "connections to services are still open");
        await WorksAsync();

        async Task<User> ArriveAsync(string service)
        {
            var user = await User.ConnectAsync(doors[service]);
            if (kind == "tcpmux")
            {
                await user.SendAsync($"CONNECT {service}.test:1 HTTP/1.1\r\nHost: {service}.test:1\r\n\r\n");
                await HttpService.ReceiveHeadAsync(user.Socket).Soon();
            }
            if (kind == "https" && service is "down") await SayAsync(user, service);
            return user;
        }

        Task SayAsync(User user, string service) => kind == "https" ? user.SendAsync(HelloFor($"{service}.test")) : user.SendAsync("x");

        async Task WorksAsync()
        {
            using var user = await ArriveAsync("echo");
            if (kind == "https")
            {
                byte[] hello = HelloFor("echo.test");
                await user.SendAsync(hello);
                Assert.Equal(hello, await user.ReceiveAsync(hello.Length));
            }
            await user.EchoAsync(10_000);
        }
    }
}
