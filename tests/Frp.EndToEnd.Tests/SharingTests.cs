using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>A virtual host on the port where clients come in.</summary>
public sealed class SharingTests : HttpsTunnelTest
{
    private const string MarkedTls = "transport.tls.disableCustomTLSFirstByte = false";

    [Theory]
    [InlineData(Clear)]
    [InlineData(MarkedTls)]
    [InlineData(MarkedTls, "transport.protocol = \"websocket\"")]
    [InlineData("transport.protocol = \"websocket\"")] // inside of it no byte is anybody else's
    public async Task Clients_and_users_share_a_port(params string[] lines)
    {
        await using var echo = TcpService.Echo();
        int port = Ports.Next(), one = Ports.Next(), remote = Ports.Next();
        await NginxAsync(("one", one, ["a.test"]));
        await ServerAsync(port, $"vhostHTTPSPort = {port}");
        var tcp = new Proxy("tcp", echo.Port, remote);
        await ServeAsync(port, lines, Named("one", "https", one, Domains("a.test")), tcp.ToString());
        Assert.Equal("one a.test TLSv1.3", await GetAsync("a.test", port));
        Assert.Contains("unrecognized name", await HandshakeAsync(port, "-servername", "nobody.test"), StringComparison.Ordinal);
        await User.EchoOnceAsync(remote, 100_000);
    }

    [Theory]
    [InlineData(Clear)]
    [InlineData(MarkedTls, "transport.protocol = \"websocket\"")]
    public async Task Clear_text_users_share_it_too(params string[] lines)
    {
        await using var hello = TcpService.Start(async socket =>
        {
            await socket.ReceiveExactlyAsync("GET / HTTP/1.1\r\n".Length);
            await socket.SendAllAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"u8.ToArray());
            await socket.ReceiveToEndAsync();
        });
        int port = Ports.Next(), one = Ports.Next();
        await NginxAsync(("one", one, ["a.test"]));
        await ServerAsync(port, $"vhostHTTPPort = {port}", $"vhostHTTPSPort = {port}");
        await ServeAsync(port, lines, Named("clear", "http", hello.Port, Domains("a.test")), Named("tls", "https", one, Domains("a.test")));
        string[] resolve = ["--resolve", $"a.test:{port}:127.0.0.1"];
        Assert.Equal((0, "hello"), await CurlAsync([.. resolve, $"http://a.test:{port}/"]));
        Assert.Equal((0, "hello2"), await CurlAsync([.. resolve, "--http2-prior-knowledge", "-w", "%{http_version}", $"http://a.test:{port}/"]));
        Assert.Equal((0, "404"), await CurlAsync("-o", "/dev/null", "-w", "%{http_code}", $"http://127.0.0.1:{port}/"));
        Assert.Equal("one a.test TLSv1.3", await GetAsync("a.test", port));
    }

    [Fact]
    public async Task Plain_TLS_on_a_shared_port_is_the_users_alone()
    {
        await using var echo = TcpService.Echo();
        int port = Ports.Next();
        var server = await ServerAsync(port, $"vhostHTTPSPort = {port}");
        var proxy = new Proxy("tcp", echo.Port, Ports.Next());
        var refused = StartClient(port, ["user = \"plain\""], proxy);
        await refused.WaitForTextAsync("connect to server error");
        await ClientAsync(port, [MarkedTls], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        Assert.Equal(0, refused.Output.Count("start proxy success"));
        Assert.True(server.IsRunning);
    }

    [Fact]
    public async Task The_same_number_on_another_address_is_another_port()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "other systems have one loopback address");
        int port = Ports.Next(), one = Ports.Next();
        await NginxAsync(("one", one, ["a.test"]));
        await ServerAsync(port, $"vhostHTTPSPort = {port}", "proxyBindAddr = \"127.0.0.2\"");
        await ServeAsync(port, [], Named("one", "https", one, Domains("a.test"))); // plain TLS: nobody else's here
        Assert.Equal((0, "one a.test TLSv1.3"), await CurlAsync("--cacert", Authority.CaFile, "--resolve", $"a.test:{port}:127.0.0.2", $"https://a.test:{port}/"));
    }

    [Fact]
    public async Task Half_an_opening_on_a_shared_port_harms_nobody()
    {
        int port = Ports.Next(), one = Ports.Next();
        await NginxAsync(("one", one, ["a.test"]));
        await ServerAsync(port, $"vhostHTTPSPort = {port}");
        await ServeAsync(port, [Clear], Named("one", "https", one, Domains("a.test")));
        var users = new List<User>();
        foreach (byte[] opening in new byte[][] { [], [0x16], [0x16, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 0], [0x16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] })
        {
            users.Add(await User.ConnectAsync(port));
            await users[^1].SendAsync(opening);
        }
        Assert.Equal("one a.test TLSv1.3", await GetAsync("a.test", port));
        await users[^1].WaitForEndAsync(); // known to be no ClientHello
        foreach (var user in users) user.Dispose();
    }
}
