using System.Net.Sockets;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>What a request and its answer look like behind the tunnel.</summary>
public sealed class HttpForwardingTests : HttpTest
{
    [Theory]
    [InlineData("")]
    [InlineData($"{Proxy.Encrypted}\n{Proxy.Compressed}")]
    public async Task Headers_pass_but_those_of_one_hop(string layers)
    {
        await using var mirror = HttpService.Mirror();
        await StartAsync([Web("web", mirror.Port, "site.test", layers)]);
        var answer = await GetAsync("site.test:8080", "/a/../%2Fb//c?ok=1&bad=%zz&s=1;2&z=3",
            "X-Forwarded-For: 2.2.2.2\r\nX-Forwarded-For: 3.3.3.3\r\nX-Forwarded-Proto: https\r\nForwarded: for=1\r\nConnection: X-Hop, other\r\nX-Hop: 1\r\n" +
            "Keep-Alive: 5\r\nProxy-Authorization: Basic eDp5\r\nTE: trailers, deflate\r\nUpgrade: foo\r\nX-Own: \u00e9\u00ff\r\nCookie: a=b\r\nContent-Type: text/odd\r\n");
        string[] lines = [.. answer.Body.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];
        Assert.Equal(
        [
            "Content-Length: 0", "Content-Type: text/odd", "Cookie: a=b", "GET /a/../%2Fb//c?ok=1&z=3 HTTP/1.1", "Host: site.test:8080", "TE: trailers",
            "X-Forwarded-For: 2.2.2.2, 3.3.3.3, 127.0.0.1", "X-Forwarded-Host: site.test:8080", "X-Forwarded-Proto: http", "X-Own: \u00e9\u00ff",
        ], lines);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    public async Task A_request_that_says_nothing_gains_its_users_address_and_no_more(string method)
    {
        await using var mirror = HttpService.Mirror();
        await StartAsync([Web("web", mirror.Port, "site.test")]);
        string seen = (await AskAsync($"{method} / HTTP/1.1\r\nHost: site.test\r\n\r\n")).Body;
        Assert.Equal([$"{method} / HTTP/1.1", "Host: site.test", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: site.test", "X-Forwarded-Proto: http"],
            seen.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("keep-alive, X-Hop, X-Two")]
    [InlineData("X-Hop , Keep-Alive,X-Two")]
    [InlineData("close, X-Hop, X-Two")]
    [InlineData("x-hop,X-TWO,CLOSE")]
    [InlineData("TE, X-Hop, X-Two, X-Forwarded-For")]
    [InlineData("Upgrade, X-Hop, X-Two", true)]
    [InlineData("keep-alive, Upgrade, X-Hop, X-Two", true)]
    [InlineData("X-Hop\r\nConnection: X-Two, close")]
    [InlineData("close\r\nConnection: X-Hop, X-Two")]
    public async Task Fields_that_the_user_names_for_this_hop_stay_behind(string connection, bool upgrades = false)
    {
        await using var mirror = HttpService.Start((head, socket) => HttpService.SendAsync(socket, upgrades
            ? $"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\nX-Seen: {head.Replace("\r\n", "|", StringComparison.Ordinal)}\r\n\r\n"
            : $"HTTP/1.1 200 OK\r\nContent-Length: {head.Length}\r\n\r\n{head}"));
        await StartAsync([Web("web", mirror.Port, "site.test")]);
        using var user = await User.ConnectAsync(VhostPort);
        string request = $"GET / HTTP/1.1\r\nHost: site.test\r\nX-Hop: 1\r\nX-Two: 2\r\nX-Own: 3\r\nX-Forwarded-For: 4.4.4.4\r\nConnection: {connection}\r\n{(upgrades ? "Upgrade: other\r\n" : "")}\r\n";
        // What a connection has had once, the parser takes a short way with.
        int times = upgrades || connection.Contains("close", StringComparison.OrdinalIgnoreCase) ? 1 : 2;
        for (int i = 0; i < times; i++)
        {
            await user.SendAsync(request);
            var answer = await HttpAnswer.ReceiveAsync(user.Socket);
            string seen = answer.Head + answer.Body;
            Assert.Equal(upgrades ? 101 : 200, answer.Status);
            Assert.DoesNotContain("X-Hop", seen, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("X-Two", seen, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("X-Own: 3", seen, StringComparison.Ordinal);
            Assert.Equal(connection.Contains("X-Forwarded-For", StringComparison.Ordinal), seen.Contains("X-Forwarded-For: 127.0.0.1", StringComparison.Ordinal));
        }
        if (connection.Contains("close", StringComparison.OrdinalIgnoreCase)) Assert.Empty(await user.ReceiveToEndAsync());
    }

    [Fact]
    public async Task Headers_are_set_and_none_begins_a_line_of_its_own()
    {
        await using var service = HttpService.Start((head, socket) =>
            HttpService.SendAsync(socket, $"HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nX-R: theirs\r\nServer: be\u00e9\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: {head.Length}\r\n\r\n{head}"));
        await StartAsync([Web("web", service.Port, "site.test",
            "hostHeaderRewrite = \"dev.local:81\"",
            "requestHeaders.set.x-from = \"frp\"", "requestHeaders.set.host = \"no\"", "requestHeaders.set.x-evil = \"1\\r\\nX-Injected: 1\"",
            "responseHeaders.set.x-r = \"mine\"", "responseHeaders.set.x-evil = \"1\\r\\n\\r\\n<html>\"", "responseHeaders.set.\"bad name\" = \"1\"", "responseHeaders.set.content-length = \"1\"")]);
        var answer = await GetAsync("site.test", headers: "X-From: user\r\n");
        Assert.Contains("\r\nHost: dev.local:81\r\n", answer.Body, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Forwarded-Host: site.test\r\n", answer.Body, StringComparison.Ordinal);
        Assert.Contains("\r\nx-from: frp\r\n", answer.Body, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("user", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("\nX-Injected", answer.Body, StringComparison.Ordinal);
        Assert.Equal(["mine"], answer.All("x-r"));
        Assert.Equal(["1", "2"], answer.All("x-a"));
        Assert.Equal(["a=1", "b=2"], answer.All("set-cookie"));
        Assert.Equal(["be\u00e9"], answer.All("server"));
        Assert.Equal(["1    <html>"], answer.All("x-evil"));
        Assert.Empty(answer.All("bad name"));
    }

    [Fact]
    public async Task Large_heads_pass_and_larger_ones_are_refused()
    {
        await using var mirror = HttpService.Mirror();
        await StartAsync([Web("web", mirror.Port, "site.test")]);
        var many = await GetAsync("site.test", headers: string.Concat(Enumerable.Range(0, 150).Select(i => $"X-{i}: {i}\r\n")));
        Assert.Contains("\r\nX-149: 149\r\n", many.Body, StringComparison.Ordinal);
        string path = "/" + new string('p', 60_000);
        Assert.StartsWith($"GET {path} ", (await GetAsync("site.test", path)).Body, StringComparison.Ordinal);
        Assert.Contains(new string('a', 1_000_000), (await GetAsync("site.test", headers: $"X-Big: {new string('a', 1_000_000)}\r\n")).Body, StringComparison.Ordinal);
        Assert.Equal(431, await StatusOfLargeAsync());

        // The server may stop reading before everything is sent.
        async Task<int> StatusOfLargeAsync()
        {
            using var user = await User.ConnectAsync(VhostPort);
            var sending = user.SendAsync($"GET / HTTP/1.1\r\nHost: site.test\r\nX-Big: {new string('a', 1_050_000)}");
            int status = (await HttpAnswer.ReceiveAsync(user.Socket)).Status;
            if (await Record.ExceptionAsync(() => sending) is { } e) Assert.IsType<SocketException>(e);
            return status;
        }
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400)]
    [InlineData("\u0001garbage here\r\n\r\n", 400)]
    [InlineData("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400)]
    [InlineData("CONNECT nonsense\r\n\r\n", 400)]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 200)]
    public async Task What_is_no_request_is_refused(string request, int status)
    {
        await StartAsync([]);
        Assert.Equal(status, (await AskAsync(request)).Status);
    }

    [Fact]
    public async Task Answers_without_body_in_chunks_and_with_trailers_keep_their_form()
    {
        await using var service = HttpService.Start((head, socket) => HttpService.SendAsync(socket, head.Split(' ')[1] switch
        {
            "/304" => "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
            "/204" => "HTTP/1.1 204 No Content\r\n\r\n",
            "/chunked" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "/trailer" => "HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-T: tv\r\n\r\n",
            "/hints" => "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            _ => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + (head.StartsWith("HEAD", StringComparison.Ordinal) ? "" : "hi"),
        }));
        await StartAsync([Web("web", service.Port, "site.test")]);
        var notModified = await GetAsync("site.test", "/304");
        Assert.Equal((304, "\"x\""), (notModified.Status, notModified.All("ETag")[0]));
        Assert.Equal(204, (await GetAsync("site.test", "/204")).Status);
        var head = await AskAsync("HEAD / HTTP/1.1\r\nHost: site.test\r\n\r\n");
        Assert.Equal((200, "2"), (head.Status, head.All("Content-Length")[0]));
        Assert.Equal("5\r\nhello\r\n0\r\n\r\n", (await GetAsync("site.test", "/chunked")).Body);
        Assert.Equal("2\r\nab\r\n0\r\nX-T: tv\r\n\r\n", (await GetAsync("site.test", "/trailer")).Body);
        Assert.Equal("ok", (await GetAsync("site.test", "/hints")).Body);

        using var user = await User.ConnectAsync(VhostPort);
        await user.SendAsync("GET /304 HTTP/1.1\r\nHost: site.test\r\n\r\nGET /trailer HTTP/1.1\r\nHost: site.test\r\n\r\nGET / HTTP/1.0\r\nHost: site.test\r\n\r\n");
        Assert.Equal(304, (await HttpAnswer.ReceiveAsync(user.Socket)).Status);
        Assert.EndsWith("X-T: tv\r\n\r\n", (await HttpAnswer.ReceiveAsync(user.Socket)).Body, StringComparison.Ordinal);
        Assert.Equal("hi", (await HttpAnswer.ReceiveAsync(user.Socket)).Body);
        Assert.Empty(await user.ReceiveToEndAsync());
    }

    [Fact]
    public async Task A_body_waits_for_the_service_to_want_it()
    {
        await using var service = HttpService.Start(async (head, socket) =>
        {
            if (head.StartsWith("PUT /no", StringComparison.Ordinal)) return await HttpService.SendAsync(socket, "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
            await HttpService.SendAsync(socket, "HTTP/1.1 100 Continue\r\n\r\n");
            return await HttpService.SendAsync(socket, $"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{Encoding.Latin1.GetString(await socket.ReceiveExactlyAsync(4))}");
        });
        await StartAsync([Web("web", service.Port, "site.test")]);
        using var user = await User.ConnectAsync(VhostPort);
        await user.SendAsync("PUT / HTTP/1.1\r\nHost: site.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
        Assert.Equal(100, (await HttpAnswer.ReceiveAsync(user.Socket)).Status);
        await user.SendAsync("body");
        Assert.Equal("body", (await HttpAnswer.ReceiveAsync(user.Socket)).Body);
        // A short body is sent rather than the connection given up; a long one is not.
        Assert.Equal(417, (await AskAsync("PUT /no HTTP/1.1\r\nHost: site.test\r\nContent-Length: 4096\r\nExpect: 100-continue\r\n\r\n")).Status);
    }

    [Fact]
    public async Task A_request_that_kills_its_service_is_not_repeated()
    {
        await using var service = HttpService.Start(async (head, socket) => head.StartsWith("GET / ", StringComparison.Ordinal) && await HttpService.SendAsync(socket, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
        await StartAsync([Web("web", service.Port, "site.test")]);
        Assert.Equal(404, (await GetAsync("site.test", "/deadly")).Status);
        Assert.Equal(404, (await AskAsync("POST / HTTP/1.1\r\nHost: site.test\r\nContent-Length: 0\r\n\r\n")).Status);
        Assert.Equal(200, (await GetAsync("site.test")).Status);
        Assert.Equal(404, (await AskAsync("POST / HTTP/1.1\r\nHost: site.test\r\nContent-Length: 0\r\n\r\n")).Status);
        Assert.Equal(4, service.Heads.Count);
    }

    [Fact]
    public async Task An_answer_that_breaks_off_is_seen_to_break_off()
    {
        await using var service = HttpService.Raw("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nonly this", thenClose: true);
        await StartAsync([Web("web", service.Port, "site.test")]);
        await Assert.ThrowsAnyAsync<Exception>(() => GetAsync("site.test"));
        Assert.Equal(404, (await GetAsync("unknown.test")).Status);
    }

    [Fact]
    public async Task Connections_to_the_service_are_kept_and_go_with_the_proxy()
    {
        await using var service = HttpService.Saying("x");
        var (_, client) = await StartAsync([Web("web", service.Port, "site.test")]);
        for (int i = 0; i < 20; i++) Assert.Equal("x", (await GetAsync("site.test")).Body);
        Assert.Equal(1, service.OpenCount);
        await client.KillAsync();
        await Patience.UntilAsync(() => service.OpenCount == 0, () => "the connection to the service is still open");
    }
}
