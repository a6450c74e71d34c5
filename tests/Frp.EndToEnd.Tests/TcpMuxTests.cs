using System.Net;
using System.Net.Sockets;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Byte streams by the host name of a CONNECT.</summary>
public sealed class TcpMuxTests : HttpsTunnelTest
{
    private const string Mux = "multiplexer = \"httpconnect\"";
    private const string Codes = "%{http_connect} %{http_code}";

    [Theory]
    [InlineData("")]
    [InlineData($"{Proxy.Encrypted}\n{Proxy.Compressed}")]
    public async Task Users_get_through_by_CONNECT(string layers)
    {
        int port = Ports.Next(), mux = Ports.Next(), one = Ports.Next(), two = Ports.Next();
        await NginxAsync(("one", one, ["a.test"]), ("two", two, ["b.test", "x.wild.test", "web.sub.test"]));
        await ServerAsync(port, $"tcpmuxHTTPConnectPort = {mux}", "subDomainHost = \"sub.test\"");
        await ServeAsync(port, [], Named("one", "tcpmux", one, Mux, Domains("a.test"), layers), Named("two", "tcpmux", two, Mux, Domains("b.test", "*.wild.test"), "subdomain = \"web\"", layers));
        foreach (var (host, service) in new[] { ("a.test", "one"), ("b.test", "two"), ("x.wild.test", "two"), ("web.sub.test", "two") })
        {
            Assert.Equal((0, $"{service} {host} TLSv1.3"), await CurlAsync("--cacert", Authority.CaFile, "-x", $"http://127.0.0.1:{mux}", $"https://{host}/"));
        }
        var (code, codes) = await CurlAsync("-o", "/dev/null", "-w", Codes, "-x", $"http://127.0.0.1:{mux}", "https://nobody.test/");
        Assert.NotEqual(0, code);
        Assert.Contains("404 000", codes, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("u:p", "200 200")]
    [InlineData("u:wrong", "200 407")] // the answer to the CONNECT comes before the look at the credentials
    [InlineData("p:u", "200 407")]
    [InlineData("", "200 407")]
    public async Task Credentials_are_asked_for(string credentials, string expected)
    {
        await using var service = TcpService.Start(HelloAsync);
        int port = Ports.Next(), mux = Ports.Next();
        await StartAsync(port, mux, [], Named("auth", "tcpmux", service.Port, Mux, Domains("a.test"), "httpUser = \"u\"", "httpPassword = \"p\""));
        string[] show = credentials.Length == 0 ? [] : ["--proxy-user", credentials];
        Assert.Equal((0, expected), await CurlAsync(["-p", "-o", "/dev/null", "-w", Codes, "-x", $"http://127.0.0.1:{mux}", "http://a.test/", .. show]));
    }

    [Fact]
    public async Task Users_are_routed_by_their_name()
    {
        await using var one = TcpService.Start(socket => AnswerAsync(socket, "one"));
        await using var two = TcpService.Start(socket => AnswerAsync(socket, "two"));
        await using var other = TcpService.Start(socket => AnswerAsync(socket, "other"));
        int port = Ports.Next(), mux = Ports.Next();
        await StartAsync(port, mux, [], Named("one", "tcpmux", one.Port, Mux, Domains("a.test"), "routeByHTTPUser = \"user1\""),
            Named("two", "tcpmux", two.Port, Mux, Domains("a.test"), "routeByHTTPUser = \"user2\""), Named("other", "tcpmux", other.Port, Mux, Domains("a.test")));
        foreach (var (user, expected) in new[] { ("user1:", "one"), ("user2:", "two"), ("user3:", "other"), ("USER1:", "other") })
        {
            Assert.Equal((0, expected), await CurlAsync("-p", "--proxy-user", user, "-x", $"http://127.0.0.1:{mux}", "http://a.test/"));
        }
        Assert.Equal((0, "other"), await CurlAsync("-p", "-x", $"http://127.0.0.1:{mux}", "http://a.test/"));
    }

    [Fact]
    public async Task The_request_itself_can_be_passed_on_to_a_service_that_speaks_CONNECT()
    {
        int one = Ports.Next(), port = Ports.Next(), mux = Ports.Next();
        await NginxAsync(("one", one, ["a.test"]));
        var heads = new List<string>();
        await using var proxy = TcpService.Start(socket => ProxyAsync(socket, one, heads));
        await StartAsync(port, mux, ["tcpmuxPassthrough = true"],
            Named("open", "tcpmux", proxy.Port, Mux, Domains("a.test")), Named("auth", "tcpmux", proxy.Port, Mux, Domains("auth.test"), "httpUser = \"u\"", "httpPassword = \"p\""));
        Assert.Equal((0, "one a.test TLSv1.3"), await CurlAsync("--cacert", Authority.CaFile, "--proxy-header", "X-Seen: by the service", "-x", $"http://127.0.0.1:{mux}", "https://a.test:1234/"));
        string head = Assert.Single(heads);
        Assert.StartsWith("CONNECT a.test:1234 HTTP/1.1\r\nHost: a.test:1234\r\n", head, StringComparison.Ordinal);
        Assert.Contains("X-Seen: by the service\r\n", head, StringComparison.Ordinal);
        var (_, refused) = await CurlAsync("-k", "-o", "/dev/null", "-w", Codes, "-x", $"http://127.0.0.1:{mux}", "https://auth.test/");
        Assert.Contains("407 000", refused, StringComparison.Ordinal);
        Assert.Equal((0, "200 200"), await CurlAsync("-k", "-o", "/dev/null", "-w", Codes, "--proxy-user", "u:p", "-x", $"http://127.0.0.1:{mux}", "https://auth.test/"));
        Assert.Contains("Proxy-Authorization: Basic dTpw\r\n", heads[^1], StringComparison.Ordinal);
        Assert.Equal(2, heads.Count);
    }

    [Fact]
    public async Task Streams_are_byte_streams_whatever_they_carry()
    {
        await using var echo = TcpService.Echo();
        int port = Ports.Next(), mux = Ports.Next();
        await StartAsync(port, mux, [], Named("echo", "tcpmux", echo.Port, Mux, Domains("a.test")));
        using var user = await User.ConnectAsync(mux);
        await user.SendAsync("CONNECT a.test:1 HTTP/1.0\r\n\r\n");
        Assert.Equal("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Encoding.ASCII.GetString(await user.ReceiveAsync(38)));
        await user.EchoAsync(1_000_000);
        user.CompleteWrites();
        Assert.Empty(await user.ReceiveToEndAsync());
    }

    private async Task StartAsync(int port, int mux, string[] lines, params string[] proxies)
    {
        Assert.SkipWhen(ForeignPrograms.Find("curl") is null, "curl is not installed");
        await ServerAsync(port, [$"tcpmuxHTTPConnectPort = {mux}", .. lines]);
        await ServeAsync(port, [], proxies);
    }

    private static Task HelloAsync(Socket socket) => AnswerAsync(socket, "hello");

    private static async Task AnswerAsync(Socket socket, string body)
    {
        await ReadHeadAsync(socket);
        await socket.SendAllAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"));
    }

    /// <summary>An HTTP proxy that knows one way only.</summary>
    private static async Task ProxyAsync(Socket socket, int target, List<string> heads)
    {
        string head = await ReadHeadAsync(socket);
        lock (heads) heads.Add(head);
        using var onwards = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await onwards.ConnectAsync(IPAddress.Loopback, target);
        await socket.SendAllAsync("HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray());
        await Task.WhenAny(PassAsync(socket, onwards), PassAsync(onwards, socket));
    }

    private static async Task PassAsync(Socket from, Socket to)
    {
        var buffer = new byte[16 * 1024];
        while (await from.ReceiveAsync(buffer.AsMemory()) is var count and > 0) await to.SendAllAsync(buffer.AsMemory(0, count));
    }

    private static async Task<string> ReadHeadAsync(Socket socket)
    {
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal)) head.Append((char)(await socket.ReceiveExactlyAsync(1))[0]);
        return head.ToString();
    }
}
