using System.Net;
using System.Net.Sockets;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Plug-ins of the client in place of a local service.</summary>
public sealed class ClientPluginTests : ClientPluginTest
{
    [Theory]
    [InlineData("", "")]
    [InlineData("transport.useEncryption = true\ntransport.useCompression = true", "")]
    [InlineData("transport.proxyProtocolVersion = \"v1\"", "PROXY TCP4 127.0.0.1 127.0.0.1 ")]
    public async Task A_unix_socket_is_a_service(string more, string header)
    {
        string path = Path.Combine(Work.Folder, "s");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        await StartAsync("unix_domain_socket", [$"unixPath = \"{path}\""], more);
        using var user = await User.ConnectAsync(UserPort);
        await user.SendAsync("hello");
        using var service = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        string expected = header.Length == 0 ? "hello" : $"{header}{((IPEndPoint)user.Socket.LocalEndPoint!).Port} {UserPort}\r\nhello";
        Assert.Equal(expected, Encoding.ASCII.GetString(await service.ReceiveExactlyAsync(expected.Length).Soon()));
        await service.SendAllAsync("and good bye"u8.ToArray());
        service.Shutdown(SocketShutdown.Send);
        Assert.Equal("and good bye", Encoding.ASCII.GetString(await user.ReceiveToEndAsync()));
        user.CompleteWrites();
        Assert.Empty(await service.ReceiveToEndAsync().Soon());
    }

    [Fact]
    public async Task A_unix_socket_that_is_not_there_is_named_and_the_user_goes()
    {
        string path = Path.Combine(Work.Folder, "none");
        var client = await StartAsync("unix_domain_socket", [$"unixPath = \"{path}\""]);
        using var user = await User.ConnectAsync(UserPort);
        await user.WaitForEndAsync();
        await client.WaitForTextAsync($"[p] connect to unix socket [{path}] error: no such file or directory");
    }

    [Fact]
    public async Task Curl_goes_through_socks5()
    {
        await using var service = HttpService.Saying("here");
        await StartAsync("socks5", []);
        Assert.Equal((0, "here"), await CurlAsync("--socks5", $"127.0.0.1:{UserPort}", $"http://127.0.0.1:{service.Port}/"));
        Assert.Equal((0, "here"), await CurlAsync("--socks5-hostname", $"127.0.0.1:{UserPort}", $"http://localhost:{service.Port}/"));
        var (code, output) = await CurlAsync("--socks5", $"127.0.0.1:{UserPort}", $"http://127.0.0.1:{Ports.Next()}/");
        Assert.Equal(97, code); // CURLE_PROXY
        Assert.Contains("(5)", output, StringComparison.Ordinal); // connection refused
    }

    [Fact]
    public async Task Socks5_asks_for_user_and_password()
    {
        await using var service = HttpService.Saying("here");
        var client = await StartAsync("socks5", ["username = \"u\"", "password = \"p\""]);
        string url = $"http://127.0.0.1:{service.Port}/";
        Assert.Equal((0, "here"), await CurlAsync("-x", $"socks5://u:p@127.0.0.1:{UserPort}", url));
        Assert.Equal(97, (await CurlAsync("-x", $"socks5://u:wrong@127.0.0.1:{UserPort}", url)).Code);
        await client.WaitForTextAsync("socks5: user [127.0.0.1] was not connected: wrong user or password");
        Assert.Equal(97, (await CurlAsync("-x", $"socks5://127.0.0.1:{UserPort}", url)).Code);
        await client.WaitForTextAsync("socks5: user [127.0.0.1] was not connected: no acceptable method of authentication");
        Assert.Equal(0, (await CurlAsync("-x", $"socks5://u:p@127.0.0.1:{UserPort}", url)).Code);
    }

    [Fact]
    public async Task Curl_goes_through_an_http_proxy()
    {
        await using var service = HttpService.Mirror();
        await StartAsync("http_proxy", []);
        string proxy = $"http://127.0.0.1:{UserPort}", place = $"127.0.0.1:{service.Port}";
        var (code, head) = await CurlAsync("-x", proxy, "-H", "TE: gzip", "-H", "Connection: X-Own", "-H", "X-Own: 1", "-H", "X-Kept: 2", $"http://{place}/path?query");
        Assert.Equal(0, code);
        Assert.StartsWith($"GET /path?query HTTP/1.1\r\nHost: {place}\r\n", head, StringComparison.Ordinal);
        Assert.EndsWith("\r\nX-Kept: 2\r\nConnection: close\r\n\r\n", head, StringComparison.Ordinal);
        foreach (string field in new[] { "Proxy-Connection", "TE:", "X-Own" }) Assert.DoesNotContain(field, head, StringComparison.OrdinalIgnoreCase);
        (code, head) = await CurlAsync("-x", proxy, "-p", $"http://{place}/in");
        Assert.Equal(0, code);
        Assert.StartsWith($"GET /in HTTP/1.1\r\nHost: {place}\r\n", head, StringComparison.Ordinal);
        Assert.Contains("User-Agent: curl/", head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_goes_through_an_http_proxy_as_it_is()
    {
        const int Length = 3_000_000;
        string file = Path.Combine(Work.Folder, "body");
        await File.WriteAllBytesAsync(file, new byte[Length], TestContext.Current.CancellationToken);
        await using var service = TcpService.Start(async socket =>
        {
            int received = 0;
            var buffer = new byte[65536];
            while (received < Length && await socket.ReceiveAsync(buffer) is var count and > 0) received += count;
            await socket.SendAllAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{received >= Length}"));
        });
        await StartAsync("http_proxy", []);
        Assert.Equal((0, "True"), await CurlAsync("-x", $"http://127.0.0.1:{UserPort}", "-H", "Expect:", "--data-binary", $"@{file}", $"http://127.0.0.1:{service.Port}/"));
    }

    [Fact]
    public async Task An_http_proxy_asks_for_user_and_password()
    {
        await using var service = HttpService.Saying("here");
        await StartAsync("http_proxy", ["httpUser = \"u\"", "httpPassword = \"p\""]);
        string place = $"127.0.0.1:{UserPort}", url = $"http://127.0.0.1:{service.Port}/";
        Assert.Equal((0, "here"), await CurlAsync("-x", $"http://u:p@{place}", url));
        Assert.Equal((0, "here"), await CurlAsync("-x", $"http://u:p@{place}", "-p", url));
        foreach (string credentials in new[] { "", "u:wrong@" })
        {
            Assert.Equal((0, "407 Basic"), await CurlAsync("-x", $"http://{credentials}{place}", "-o", "/dev/null", "-w", "%{http_code} %header{proxy-authenticate}", url));
            Assert.NotEqual(0, (await CurlAsync("-x", $"http://{credentials}{place}", "-p", url)).Code);
        }
        Assert.Equal(2, service.Heads.Count); // of the first two
    }

    [Theory]
    [InlineData("CONNECT 127.0.0.1:{dead} HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ")]
    [InlineData("CONNECT somewhere HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ")]
    [InlineData("CONNECT ::1:80 HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ")]
    [InlineData("GET http://127.0.0.1:{dead}/ HTTP/1.1\r\n\r\n", "HTTP/1.1 500 ")]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 ")]
    [InlineData("GET ftp://x/ HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ")]
    [InlineData("nonsense\r\n\r\n", "HTTP/1.1 400 ")]
    [InlineData("GET http://x/ HTTP/1.1\r\nno field\r\n\r\n", "HTTP/1.1 400 ")]
    public async Task An_http_proxy_refuses_what_cannot_be(string request, string answer)
    {
        await StartAsync("http_proxy", []);
        using var user = await User.ConnectAsync(UserPort);
        await user.SendAsync(request.Replace("{dead}", Ports.Next().ToString(null, null), StringComparison.Ordinal));
        Assert.StartsWith(answer, Encoding.ASCII.GetString(await user.ReceiveToEndAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tls_ends_at_the_client()
    {
        await using var service = HttpService.Saying("here");
        using var authority = new CertificateFolder(Work.Folder, "authority");
        var issued = authority.Issue("127.0.0.1");
        await StartAsync("tls2raw", [$"localAddr = \"127.0.0.1:{service.Port}\"", $"crtPath = \"{issued.Cert}\"", $"keyPath = \"{issued.Key}\""]);
        Assert.Equal((0, "here"), await CurlAsync("--cacert", authority.CaFile, $"https://127.0.0.1:{UserPort}/"));
        using var user = await User.ConnectAsync(UserPort); // speaks no TLS
        await user.SendAsync("GET / HTTP/1.1\r\n\r\n");
        await user.WaitForEndAsync();
        Assert.Equal((0, "here"), await CurlAsync("--cacert", authority.CaFile, $"https://127.0.0.1:{UserPort}/"));
        Assert.Single(service.Heads.Distinct());
    }

    [Fact]
    public async Task Tls_ends_at_the_client_with_a_certificate_of_its_own_making()
    {
        await using var service = HttpService.Saying("here");
        await StartAsync("tls2raw", [$"localAddr = \"127.0.0.1:{service.Port}\""]);
        Assert.Equal((0, "here"), await CurlAsync("-k", $"https://127.0.0.1:{UserPort}/"));
    }

    [Theory]
    [InlineData("virtual_net", "", "plugin [virtual_net] is not supported by this release of the client yet")]
    [InlineData("https2http", "localAddr = \"127.0.0.1:1\"\ncrtPath = \"/nowhere.crt\"\nkeyPath = \"/nowhere.key\"", "/nowhere.crt")]
    [InlineData("tls2raw", "localAddr = \"127.0.0.1:1\"\ncrtPath = \"/nowhere.crt\"\nkeyPath = \"/nowhere.key\"", "/nowhere.crt")]
    public async Task A_plugin_that_cannot_be_is_a_start_error(string type, string options, string cause)
    {
        await ServerAsync(ServerPort);
        await using var echo = TcpService.Echo();
        var good = new Proxy("good", echo.Port, Ports.Next());
        var bad = new Proxy("bad", 1, UserPort, $"[proxies.plugin]\ntype = \"{type}\"\n{options}");
        var client = StartClient(ServerPort, [], bad, good);
        await client.WaitForTextAsync(good.Started);
        await client.WaitForTextAsync("[bad] start error: ");
        await client.WaitForTextAsync(cause);
        await User.EchoOnceAsync(good.RemotePort);
        Assert.False(await Ports.AnswersAsync(UserPort));
    }
}
