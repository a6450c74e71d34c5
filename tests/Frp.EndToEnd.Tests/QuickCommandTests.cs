using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Clients without a configuration file: one proxy, or visitor, on the command line.</summary>
public sealed class QuickCommandTests : HttpTest
{
    private readonly int _port = Ports.Next();

    [Fact]
    public async Task A_tcp_proxy()
    {
        await using var echo = TcpService.Echo();
        int remote = Ports.Next();
        await ServeAsync("-t", "123");
        var client = Run("tcp", "-t", "123", "-u", "test", "-l", $"{echo.Port}", "-r", $"{remote}", "-n", "tcp_test", "-c", "ignored");
        await client.WaitForTextAsync("[tcp_test] start proxy success");
        await User.EchoOnceAsync(remote);
        Assert.DoesNotContain("config file", client.Output.ToString(), StringComparison.Ordinal);
        client.Terminate();
        Assert.Equal(0, await client.WaitForExitAsync());
    }

    [Fact]
    public async Task A_udp_proxy()
    {
        await using var echo = new UdpEcho();
        int remote = Ports.Next();
        await ServeAsync("--token=123");
        var client = Run("udp", "--token", "123", "--user", "test", "--local_port", $"{echo.Port}", "--remote-port", $"{remote}", "--proxy_name", "udp_test");
        await client.WaitForTextAsync("[udp_test] start proxy success");
        using var user = new UdpUser(remote);
        await user.EchoAsync();
    }

    [Theory]
    [InlineData("--vhost-http-port", "--custom-domain")]
    [InlineData("--vhost_http_port", "--custom_domain")]
    public async Task An_http_proxy(string portFlag, string domainFlag)
    {
        await using var web = HttpService.Saying("hello");
        await ServeAsync(portFlag, $"{VhostPort}");
        var client = Run("http", "-n", "web", "-l", $"{web.Port}", domainFlag, "a.test,b.test", "--locations", "/x");
        await client.WaitForTextAsync("[web] start proxy success");
        Assert.Equal("hello", (await GetAsync("a.test", "/x")).Body);
        Assert.Equal("hello", (await GetAsync("b.test", "/x/y")).Body);
        Assert.Equal(404, (await GetAsync("a.test")).Status);
    }

    [Fact]
    public async Task A_secret_proxy_and_its_visitor()
    {
        await using var echo = TcpService.Echo();
        int door = Ports.Next();
        await ServeAsync();
        var client = Run("stcp", "-n", "secret", "--sk", "k", "-l", $"{echo.Port}", "--ue", "--uc", "-u", "alice", "--allow_users", "\"*\"");
        await client.WaitForTextAsync("[secret] start proxy success");
        // The client's flags may stand before the visitor's command.
        var visitor = Work.Run("frpc", "stcp", "-s", "127.0.0.1", "-P", $"{_port}", "visitor", "-n", "v", "--sk", "k", "--ue", "--uc", "--server_name", "secret", "--server-user", "alice", "--bind_port", $"{door}");
        await visitor.WaitForTextAsync("start visitor success");
        await User.EchoOnceAsync(door);
    }

    [Theory]
    [InlineData("tcp -n x -l 1 --protocol pigeon", "invalid transport.protocol, optional values are [tcp kcp quic websocket wss]\n")]
    [InlineData("tcp -l -1 --log_level loud", "invalid log level, optional values are [trace debug info warn error]\nname should not be empty\nlocalPort: localPort: port number -1 must be in the range 0..65535\n")]
    [InlineData("tcpmux -n x -l 1 -d a.x", "not support multiplexer: \n")]
    [InlineData("sudp visitor --server_name s", "name is required\nbind port is required\n")]
    public async Task Mistakes_are_told_without_a_prefix(string commandLine, string expected)
    {
        var run = Work.Run("frpc", commandLine.Split(' '));
        Assert.Equal(1, await run.WaitForExitAsync());
        Assert.Equal(expected, run.Output.ToString());
        Assert.Empty(run.Errors.ToString());
    }

    private async Task ServeAsync(params string[] flags) => await Work.Run("frps", ["-p", $"{_port}", "--bind_addr", "127.0.0.1", "--proxy_bind_addr", "127.0.0.1", .. flags]).WaitForTextAsync(Started);

    private RunningProgram Run(string kind, params string[] flags) => Work.Run("frpc", [kind, "-s", "127.0.0.1", "-P", $"{_port}", .. flags]);
}
