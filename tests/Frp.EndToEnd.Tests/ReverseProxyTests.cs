using System.Net.WebSockets;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>The plug-ins that pass requests on to an HTTP service, with curl as the user and nginx as the service.</summary>
public sealed class ReverseProxyTests : ClientPluginTest
{
    private const string Name = "site.test";

    private static readonly string[] Forwarded = ["-H", "X-Forwarded-For: 1.1.1.1", "-H", "X-Forwarded-Proto: gopher", "-H", "X-Forwarded-Host: other.test", "-H", "Forwarded: for=2.2.2.2"];

    private string Url => $"http://127.0.0.1:{UserPort}";

    private string TlsUrl => $"https://{Name}:{UserPort}";

    private string[] Resolving(string name = Name) => ["--resolve", $"{name}:{UserPort}:127.0.0.1"];

    private CertificateFolder NewAuthority() => new(Work.Folder, "authority");

    private static string Local(int port) => $"localAddr = \"127.0.0.1:{port}\"";

    private static string[] Fields(string head, string name) =>
        [.. head.Split("\r\n").Where(l => l.StartsWith(name + ": ", StringComparison.OrdinalIgnoreCase)).Select(l => l[(name.Length + 2)..])];

    [Fact]
    public async Task Http_to_http_changes_what_it_is_told_to_change()
    {
        await using var service = HttpService.Mirror();
        await StartAsync("http2http", [Local(service.Port), "hostHeaderRewrite = \"rewritten.test\"", "requestHeaders.set.X-Own = \"set\""]);
        var (code, head) = await CurlAsync([.. Forwarded, "-H", "X-Own: 1", "-H", "X-Kept: 2", "-H", "TE: gzip", $"{Url}/path?a=1&b"]);
        Assert.Equal(0, code);
        Assert.StartsWith("GET /path?a=1&b HTTP/1.1\r\n", head, StringComparison.Ordinal);
        Assert.Equal(["rewritten.test"], Fields(head, "Host"));
        Assert.Equal(["set"], Fields(head, "X-Own"));
        Assert.Equal(["2"], Fields(head, "X-Kept"));
        Assert.DoesNotContain("orwarded", head, StringComparison.Ordinal);
        Assert.Empty(Fields(head, "TE"));
        // Whoever takes us for a proxy is answered by the service all the same.
        (code, head) = await CurlAsync("-x", Url, $"http://{Name}/path");
        Assert.Equal(0, code);
        Assert.StartsWith("GET /path HTTP/1.1\r\n", head, StringComparison.Ordinal);
        Assert.Equal(["rewritten.test"], Fields(head, "Host"));
    }

    [Fact]
    public async Task Http_to_https_leaves_alone_who_the_user_is()
    {
        await using var mirror = HttpService.Mirror();
        using var authority = NewAuthority();
        var nginx = await NginxSite.StartAsync(Work, authority, Name, mirror.Port);
        await StartAsync("http2https", [Local(nginx.TlsPort)]);
        var (code, head) = await CurlAsync([.. Forwarded, $"{Url}/live/x"]);
        Assert.Equal(0, code);
        Assert.Equal(["1.1.1.1", "gopher", "other.test"], [.. Fields(head, "X-Forwarded-For"), .. Fields(head, "X-Forwarded-Proto"), .. Fields(head, "X-Forwarded-Host")]);
        Assert.Empty(Fields(head, "Forwarded"));
        (_, head) = await CurlAsync($"{Url}/live/x");
        Assert.DoesNotContain("orwarded", head, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "--http2", "2")]
    [InlineData("", "--http1.1", "1.1")]
    [InlineData("enableHTTP2 = false", "--http2", "1.1")]
    public async Task Tls_ends_at_the_client_and_the_service_learns_who_the_user_is(string option, string asked, string spoken)
    {
        await using var service = HttpService.Mirror();
        using var authority = NewAuthority();
        var issued = authority.Issue(Name);
        await StartAsync("https2http", [Local(service.Port), $"crtPath = \"{issued.Cert}\"", $"keyPath = \"{issued.Key}\"", option]);
        var (code, output) = await CurlAsync([.. Resolving(), .. Forwarded, asked, "--cacert", authority.CaFile, "-w", "\nspoken: %{http_version}\r\n", $"{TlsUrl}/path"]);
        Assert.Equal(0, code);
        Assert.StartsWith("GET /path HTTP/1.1\r\n", output, StringComparison.Ordinal);
        Assert.Equal([spoken], Fields(output.Replace("\nspoken", "\r\nspoken", StringComparison.Ordinal), "spoken"));
        Assert.Equal(["1.1.1.1, 127.0.0.1"], Fields(output, "X-Forwarded-For"));
        Assert.Equal(["https"], Fields(output, "X-Forwarded-Proto"));
        Assert.Equal([$"{Name}:{UserPort}"], Fields(output, "X-Forwarded-Host"));
        Assert.Equal([$"{Name}:{UserPort}"], Fields(output, "Host"));
    }

    [Fact]
    public async Task Https_to_https_brings_bodies_of_any_length_both_ways()
    {
        using var authority = NewAuthority();
        var nginx = await NginxSite.StartAsync(Work, authority, Name);
        await StartAsync("https2https", [Local(nginx.TlsPort)], $"{Proxy.Encrypted}\n{Proxy.Compressed}");
        string file = Path.Combine(Work.Folder, "body"), back = Path.Combine(Work.Folder, "back");
        await File.WriteAllBytesAsync(file, System.Security.Cryptography.RandomNumberGenerator.GetBytes(3_000_000), TestContext.Current.CancellationToken);
        foreach (string version in new[] { "--http1.1", "--http2" })
        {
            Assert.Equal((0, ""), await CurlAsync([.. Resolving(), "-k", version, "-f", "-T", file, $"{TlsUrl}/{version}"]));
            Assert.Equal((0, ""), await CurlAsync([.. Resolving(), "-k", version, "-f", "-o", back, $"{TlsUrl}/{version}"]));
            Assert.Equal(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken), await File.ReadAllBytesAsync(back, TestContext.Current.CancellationToken));
        }
        Assert.Equal((0, "404"), await CurlAsync([.. Resolving(), "-k", "-o", "/dev/null", "-w", "%{http_code}", $"{TlsUrl}/none"]));
    }

    [Fact]
    public async Task A_request_for_another_name_than_that_of_TLS_is_misdirected()
    {
        await using var service = HttpService.Saying("here");
        await StartAsync("https2http", [Local(service.Port)]);
        foreach (string version in new[] { "--http1.1", "--http2" })
        {
            Assert.Equal((0, "421"), await CurlAsync([.. Resolving(), "-k", version, "-H", "Host: other.test", "-w", "%{http_code}", TlsUrl]));
            Assert.Equal((0, "here"), await CurlAsync([.. Resolving(), "-k", version, "-H", "Host: SITE.test.", TlsUrl]));
            Assert.Equal((0, "here"), await CurlAsync("-k", version, "-H", "Host: other.test", $"https://127.0.0.1:{UserPort}/")); // names nobody in TLS
        }
        Assert.Equal(4, service.Heads.Count);
    }

    [Theory]
    [InlineData("http2http", "ws")]
    [InlineData("https2http", "wss")]
    public async Task A_WebSocket_goes_through(string type, string scheme)
    {
        await using var live = await LiveService.StartAsync();
        await StartAsync(type, [Local(live.Port)]);
        using var socket = new ClientWebSocket();
        socket.Options.RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null; // one of its own making
        await socket.ConnectAsync(new Uri($"{scheme}://127.0.0.1:{UserPort}/live/echo"), TestContext.Current.CancellationToken).Soon();
        byte[] sent = Encoding.ASCII.GetBytes(new string('t', 100_000)), buffer = new byte[sent.Length];
        var sending = socket.SendAsync(sent, WebSocketMessageType.Text, endOfMessage: true, TestContext.Current.CancellationToken);
        for (int count = 0; count < sent.Length;) count += (await socket.ReceiveAsync(buffer.AsMemory(count), TestContext.Current.CancellationToken).Soon()).Count;
        await sending.Soon();
        Assert.Equal(sent, buffer);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", TestContext.Current.CancellationToken).Soon();
        Assert.Equal(WebSocketState.Closed, socket.State);
    }

    [Theory]
    [InlineData("http2http")]
    [InlineData("http2https")]
    public async Task A_service_that_is_not_there_is_a_bad_gateway(string type)
    {
        int port = Ports.Next();
        var client = await StartAsync(type, [Local(port)]);
        for (int i = 1; i <= 2; i++)
        {
            Assert.Equal((0, "502"), await CurlAsync("-w", "%{http_code}", Url));
            await client.WaitForTextAsync($"connect to local service [127.0.0.1:{port}] error: ", times: i);
        }
    }

    [Theory]
    [InlineData("http2http", "no HTTP")]
    [InlineData("http2https", "TLS handshake")]
    public async Task A_service_that_speaks_something_else_is_a_bad_gateway(string type, string why)
    {
        await using var service = TcpService.Start(async socket =>
        {
            _ = await socket.ReceiveAsync(new byte[1024].AsMemory());
            await socket.SendAllAsync(Encoding.ASCII.GetBytes($"nonsense, {why}\r\n\r\n"));
        });
        var client = await StartAsync(type, [Local(service.Port)]);
        Assert.Equal((0, "502"), await CurlAsync("-w", "%{http_code}", Url));
        await client.WaitForTextAsync($"[p] {type}: request of [127.0.0.1] failed: Request: ");
    }

    [Fact]
    public async Task An_address_that_is_none_is_told()
    {
        var client = await StartAsync("http2http", ["localAddr = \"nonsense:x\""]);
        Assert.Equal((0, "502"), await CurlAsync("-w", "%{http_code}", Url));
        await client.WaitForTextAsync("localAddr [nonsense:x] is not host:port");
    }

    [Fact]
    public async Task Requests_share_connections_to_the_service()
    {
        using var authority = NewAuthority();
        var nginx = await NginxSite.StartAsync(Work, authority, Name);
        await File.WriteAllTextAsync(Path.Combine(nginx.Root, "a.txt"), "a", TestContext.Current.CancellationToken);
        await StartAsync("http2http", [Local(nginx.Port)]);
        for (int i = 0; i < 3; i++) Assert.Equal((0, "a"), await CurlAsync($"{Url}/a.txt"));
        await Patience.UntilAsync(() => nginx.Served == 3, () => "nginx has not written its log");
        Assert.Single((await File.ReadAllLinesAsync(nginx.LogFile, TestContext.Current.CancellationToken)).Select(l => l.Split(' ')[0]).Distinct());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_service_learns_that_the_user_has_left(bool byReset)
    {
        var asked = new TaskCompletionSource();
        await using var service = HttpService.Start(async (_, socket) =>
        {
            await HttpService.SendAsync(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            asked.TrySetResult();
            await socket.ReceiveToEndAsync(); // or to a reset
            return false;
        });
        await StartAsync("http2http", [Local(service.Port)]);
        using (var user = await User.ConnectAsync(UserPort))
        {
            await user.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            await asked.Task.Soon();
            if (byReset) user.Reset();
        }
        await Patience.UntilAsync(() => service.OpenCount == 0, () => "the service's connection is still open");
    }

    [Fact]
    public async Task A_request_under_way_is_answered_after_a_reload_that_takes_its_proxy_away()
    {
        var asked = new TaskCompletionSource();
        var answer = new TaskCompletionSource();
        await using var service = HttpService.Start(async (_, socket) =>
        {
            asked.TrySetResult();
            await answer.Task;
            return await HttpService.SendAsync(socket, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere");
        });
        await ServerAsync(ServerPort);
        string common = $"serverAddr = \"127.0.0.1\"\nserverPort = {ServerPort}\n";
        string file = Work.Write(common + WithPlugin("http2http", [Local(service.Port)]));
        var client = Work.Run("frpc", "-c", file);
        await client.WaitForTextAsync("[p] start proxy success");
        using var idle = await User.ConnectAsync(UserPort);
        await idle.SendAsync("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.Equal(200, (await HttpAnswer.ReceiveAsync(idle.Socket)).Status);
        using var user = await User.ConnectAsync(UserPort);
        await user.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        await asked.Task.Soon();
        await File.WriteAllTextAsync(file, common, TestContext.Current.CancellationToken);
        client.HangUp();
        await client.WaitForTextAsync("proxy removed: [p]");
        await idle.WaitForEndAsync();
        answer.SetResult();
        Assert.Equal("here", (await HttpAnswer.ReceiveAsync(user.Socket)).Body);
        await user.WaitForEndAsync();
        client.Terminate();
        Assert.Equal(0, await client.WaitForExitAsync());
    }
}
