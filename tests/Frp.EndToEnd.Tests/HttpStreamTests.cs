using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>HTTP that lasts: upgrades, tunnels, event streams, other people's clients and servers, many users, the server's end.</summary>
public sealed class HttpStreamTests : HttpTest
{
    [Theory]
    [InlineData("GET", "websocket")]
    [InlineData("POST", "tcp")]
    public async Task An_upgrade_becomes_a_relay(string method, string protocol)
    {
        await using var service = HttpService.Start(async (head, socket) =>
        {
            if (!head.StartsWith($"{method} /ws HTTP/1.1\r\n", StringComparison.Ordinal) || !head.Contains($"\r\nUpgrade: {protocol}\r\n", StringComparison.Ordinal)) return false;
            await HttpService.SendAsync(socket, $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: {protocol}\r\nConnection: Upgrade\r\nX-B: 1\r\n\r\nfirst");
            var buffer = new byte[64 * 1024];
            while (await socket.ReceiveAsync(buffer.AsMemory()) is var count and > 0) await socket.SendAllAsync(buffer.AsMemory(0, count));
            return false;
        });
        await StartAsync([Web("web", service.Port, "site.test", "responseHeaders.set.x-r = \"set\"")]);
        using var user = await User.ConnectAsync(VhostPort);
        await user.SendAsync($"{method} /ws HTTP/1.1\r\nHost: site.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: {protocol}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        var answer = await HttpAnswer.ReceiveAsync(user.Socket);
        Assert.Equal((101, protocol, "set"), (answer.Status, answer.All("Upgrade")[0], answer.All("X-R")[0]));
        Assert.Equal("first", Encoding.Latin1.GetString(await user.ReceiveAsync(5)));
        await user.EchoAsync(1);
        await user.EchoAsync(1_000_000);
    }

    [Theory]
    [InlineData("")]
    [InlineData($"{Proxy.Encrypted}\n{Proxy.Compressed}")]
    public async Task Messages_of_a_WebSocket_come_back_whole_and_it_closes_in_order(string layers)
    {
        await using var live = await LiveService.StartAsync();
        await StartAsync([Web("live", live.Port, "127.0.0.1", layers)]);
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{VhostPort}/live/echo"), TestContext.Current.CancellationToken).Soon();
        var buffer = new byte[64 * 1024];
        foreach (var (type, length) in new[] { (WebSocketMessageType.Text, 5), (WebSocketMessageType.Binary, 1_000_000), (WebSocketMessageType.Text, 0) })
        {
            byte[] sent = type == WebSocketMessageType.Text ? Encoding.ASCII.GetBytes(new string('t', length)) : RandomNumberGenerator.GetBytes(length);
            var sending = socket.SendAsync(sent, type, endOfMessage: true, TestContext.Current.CancellationToken);
            using var got = new MemoryStream();
            WebSocketReceiveResult part;
            do
            {
                part = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken).Soon();
                got.Write(buffer, 0, part.Count);
            }
            while (!part.EndOfMessage);
            await sending.Soon();
            Assert.Equal(type, part.MessageType);
            Assert.Equal(sent, got.ToArray());
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", TestContext.Current.CancellationToken).Soon();
        Assert.Equal((WebSocketState.Closed, WebSocketCloseStatus.NormalClosure, "done"), (socket.State, socket.CloseStatus, socket.CloseStatusDescription));
    }

    [Fact]
    public async Task An_upgrade_to_something_else_is_no_answer()
    {
        await using var service = HttpService.Raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n");
        await StartAsync([Web("web", service.Port, "site.test")]);
        Assert.Equal(404, (await GetAsync("site.test", headers: "Connection: Upgrade\r\nUpgrade: websocket\r\n")).Status);
        Assert.Equal(404, (await GetAsync("site.test")).Status);
    }

    [Fact]
    public async Task Events_come_when_they_happen_and_headers_before_them()
    {
        var next = new SemaphoreSlim(0);
        await using var service = HttpService.Start(async (_, socket) =>
        {
            await HttpService.SendAsync(socket, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (int i = 0; i < 3; i++)
            {
                await next.WaitAsync(Patience.Limit);
                await HttpService.SendAsync(socket, $"9\r\ndata: {i}\n\n\r\n");
            }
            return await HttpService.SendAsync(socket, "0\r\n\r\n");
        });
        await StartAsync([Web("web", service.Port, "site.test")]);
        using var user = await User.ConnectAsync(VhostPort);
        await user.SendAsync("GET / HTTP/1.1\r\nHost: site.test\r\n\r\n");
        string head = await HttpService.ReceiveHeadAsync(user.Socket).Soon();
        Assert.Contains("text/event-stream", head, StringComparison.Ordinal);
        for (int i = 0; i < 3; i++)
        {
            next.Release();
            Assert.Equal($"9\r\ndata: {i}\n\n\r\n", Encoding.Latin1.GetString(await user.ReceiveAsync(14)));
        }
        Assert.Equal("0\r\n\r\n", Encoding.Latin1.GetString(await user.ReceiveAsync(5)));
    }

    [Fact]
    public async Task Curl_gets_a_tunnel_and_a_page_through_it()
    {
        await using var proxy = HttpService.Start(async (head, socket) =>
        {
            if (!head.StartsWith("CONNECT site.test:443 HTTP/1.1\r\n", StringComparison.Ordinal) || !head.Contains("Proxy-Authorization: Basic", StringComparison.Ordinal)) return false;
            await HttpService.SendAsync(socket, "HTTP/1.1 200 Connected\r\n\r\n");
            string inner = await HttpService.ReceiveHeadAsync(socket);
            await HttpService.SendAsync(socket, $"HTTP/1.1 200 OK\r\nContent-Length: {inner.Length}\r\nConnection: close\r\n\r\n{inner}");
            return false;
        });
        await StartAsync([Web("web", proxy.Port, "site.test", "httpUser = \"u\"", "httpPassword = \"p\"")]);
        string through = $"http://u:p@127.0.0.1:{VhostPort}";
        Assert.StartsWith("GET /in HTTP/1.1\r\nHost: site.test:443\r\n", await CurlAsync("-p", "-x", through, "http://site.test:443/in"), StringComparison.Ordinal);

        var unknown = await AskAsync("CONNECT nobody.test:443 HTTP/1.1\r\nHost: nobody.test:443\r\n\r\n");
        Assert.Equal((404, "text/html"), (unknown.Status, unknown.All("Content-Type")[0]));
        Assert.Equal(407, (await AskAsync("CONNECT site.test:443 HTTP/1.1\r\nHost: site.test:443\r\n\r\n")).Status);
        // In pieces, and with bytes that came too early.
        using var user = await User.ConnectAsync(VhostPort);
        foreach (string piece in (string[])["CONN", "ECT site.test:443 HTT", "P/1.1\r\nProxy-Authorization: Basic dTpw\r\n\r", "\nGET /early HTTP/1.1\r\n\r\n"]) await user.SendAsync(piece);
        Assert.Equal("HTTP/1.1 200 Connected\r\n\r\n", await HttpService.ReceiveHeadAsync(user.Socket).Soon());
        Assert.Equal("GET /early HTTP/1.1\r\n\r\n", (await HttpAnswer.ReceiveAsync(user.Socket)).Body);
    }

    [Fact]
    public async Task Curl_speaks_HTTP_2_and_does_without()
    {
        await using var mirror = HttpService.Mirror();
        await StartAsync([Web("web", mirror.Port, "site.test")]);
        string[] place = ["--resolve", $"site.test:{VhostPort}:127.0.0.1", $"http://site.test:{VhostPort}/x", "-w", "|%{http_version}"];
        string two = await CurlAsync(["--http2-prior-knowledge", .. place]);
        Assert.StartsWith("GET /x HTTP/1.1\r\n", two, StringComparison.Ordinal);
        Assert.Contains($"\r\nHost: site.test:{VhostPort}\r\n", two, StringComparison.Ordinal);
        Assert.EndsWith("|2", two, StringComparison.Ordinal);
        string one = await CurlAsync(["--http2", .. place]);
        Assert.DoesNotContain("Settings", one, StringComparison.OrdinalIgnoreCase);
        Assert.EndsWith("|1.1", one, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_gigabytes_go_up()
    {
        const long Length = 2L * 1024 * 1024 * 1024 + 1;
        await using var service = HttpService.Start(async (head, socket) =>
        {
            Assert.Contains($"Content-Length: {Length}\r\n", head, StringComparison.OrdinalIgnoreCase);
            var buffer = new byte[256 * 1024];
            long received = 0;
            // Each byte says where it belongs, in steps of a prime that no buffer's size divides.
            for (int count; received < Length; received += count)
            {
                count = await socket.ReceiveAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, Length - received))).AsTask().Soon();
                if (count == 0 || buffer[0] != (byte)(received % 251) || buffer[count - 1] != (byte)((received + count - 1) % 251)) return false;
            }
            return await HttpService.SendAsync(socket, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
        });
        await StartAsync([Web("web", service.Port, "site.test")]);
        using var user = await User.ConnectAsync(VhostPort);
        await user.SendAsync($"PUT /big HTTP/1.1\r\nHost: site.test\r\nContent-Length: {Length}\r\n\r\n");
        byte[] period = [.. Enumerable.Range(0, 251).Select(i => (byte)i)];
        byte[] piece = [.. Enumerable.Repeat(period, 4096).SelectMany(b => b)];
        for (long sent = 0; sent < Length;)
        {
            int count = (int)Math.Min(piece.Length, Length - sent);
            await user.Socket.SendAllAsync(piece.AsMemory(0, count)).Soon();
            sent += count;
        }
        Assert.Equal(201, (await HttpAnswer.ReceiveAsync(user.Socket)).Status);
    }

    [Fact]
    public async Task Users_who_are_gone_leave_nothing_behind()
    {
        await using var service = HttpService.Saying(new string('x', 1024));
        var (server, _) = await StartAsync([Web("web", service.Port, "site.test")]);
        await RoundAsync(50);
        int sockets = server.SocketCount;
        long memory = server.ResidentBytes;
        for (int i = 0; i < 4; i++) await RoundAsync(250);
        await Patience.UntilAsync(() => server.SocketCount <= sockets + 2, () => $"{server.SocketCount} sockets, {sockets} before");
        Assert.InRange(server.ResidentBytes, 0, memory + 64_000_000);

        async Task RoundAsync(int users)
        {
            await Task.WhenAll(Enumerable.Range(0, users).Select(async i =>
            {
                using var user = await User.ConnectAsync(VhostPort);
                for (int n = 0; n < 3; n++)
                {
                    await user.SendAsync("GET / HTTP/1.1\r\nHost: site.test\r\n\r\n");
                    Assert.Equal(1024, (await HttpAnswer.ReceiveAsync(user.Socket)).Body.Length);
                }
                if (i % 3 == 0) user.Reset();
            }));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_user_who_leaves_takes_the_connection_to_the_service_along(bool answering)
    {
        await using var service = HttpService.Start(async (_, socket) =>
        {
            if (answering) await HttpService.SendAsync(socket, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun");
            await socket.ReceiveToEndAsync();
            return false;
        });
        await StartAsync([Web("web", service.Port, "site.test")]);
        using (var user = await User.ConnectAsync(VhostPort))
        {
            await user.SendAsync("GET / HTTP/1.1\r\nHost: site.test\r\n\r\n");
            if (answering) await HttpService.ReceiveHeadAsync(user.Socket).Soon();
            await Patience.UntilAsync(() => service.Heads.Count == 1, () => "the service was not asked");
        }
        await Patience.UntilAsync(() => service.OpenCount == 0, () => "the connection to the service is still open");
    }

    [Fact]
    public async Task A_service_that_does_not_read_stops_its_user_alone()
    {
        var leaving = new TaskCompletionSource();
        await using var service = HttpService.Start(async (head, socket) =>
        {
            if (head.StartsWith("GET", StringComparison.Ordinal)) return await HttpService.SendAsync(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            await leaving.Task.Soon();
            try
            {
                await socket.ReceiveToEndAsync();
            }
            catch (SocketException)
            {
                // A reset is an end too.
            }
            return false;
        });
        var (server, client) = await StartAsync([Web("web", service.Port, "site.test")]);
        Assert.Equal("ok", (await GetAsync("site.test")).Body);
        long memory = server.ResidentBytes + client.ResidentBytes;
        using (var user = await User.ConnectAsync(VhostPort))
        {
            await user.SendAsync("PUT / HTTP/1.1\r\nHost: site.test\r\nContent-Length: 200000000\r\n\r\n");
            var sending = user.Socket.SendAllAsync(new byte[200_000_000]);
            await Patience.UntilAsync(() => service.Heads.Count == 2, () => "the service was not asked");
            for (int i = 0; i < 20; i++) Assert.Equal("ok", (await GetAsync("site.test")).Body);
            Assert.False(sending.IsCompleted);
            Assert.InRange(server.ResidentBytes + client.ResidentBytes, 0, memory + 100_000_000);
            user.Reset();
            await Assert.ThrowsAnyAsync<Exception>(() => sending);
        }
        leaving.SetResult();
        await Patience.UntilAsync(() => service.OpenCount == 1, () => $"{service.OpenCount} connections to the service are open");
        Assert.Equal("ok", (await GetAsync("site.test")).Body);
    }

    [Fact]
    public async Task A_server_that_stops_lets_requests_finish()
    {
        var asked = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        await using var service = HttpService.Start(async (_, socket) =>
        {
            asked.TrySetResult();
            await go.Task;
            return await HttpService.SendAsync(socket, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
        });
        var (server, _) = await StartAsync([Web("web", service.Port, "site.test")]);
        using var idle = await User.ConnectAsync(VhostPort);
        await idle.SendAsync("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal(200, (await HttpAnswer.ReceiveAsync(idle.Socket)).Status);
        var late = GetAsync("site.test");
        await asked.Task.Soon();
        server.Terminate();
        await idle.WaitForEndAsync();
        go.SetResult();
        Assert.Equal("late", (await late).Body);
        Assert.Equal(0, await server.WaitForExitAsync());
    }
}
