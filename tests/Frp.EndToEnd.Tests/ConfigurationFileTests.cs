using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Configuration files in every format, templates, further files and secrets from elsewhere, as a user meets them.</summary>
public sealed class ConfigurationFileTests : TunnelTest
{
    private const string Notice = "WARNING: ini format is deprecated and the support will be removed in the future, please use yaml/json/toml format instead!\n";

    // The server's file and the client's, with places for the bind port, the service's port and the user's.
    public static TheoryData<string, string, string> Formats() => new()
    {
        { "yaml", "bindAddr: 127.0.0.1\nbindPort: {0}\n", ".c: &c\n  type: tcp\n  localIP: 127.0.0.1\nserverAddr: 127.0.0.1\nserverPort: {0}\nproxies:\n- <<: *c\n  name: p\n  localPort: {1}\n  remotePort: {2}\n" },
        { "json", "{{\"bindAddr\": \"127.0.0.1\", \"bindPort\": {0}}}", "{{\"serverAddr\": \"127.0.0.1\", \"serverPort\": {0}, \"proxies\": [{{\"name\": \"p\", \"type\": \"tcp\", \"localPort\": {1}, \"remotePort\": {2}}}]}}" },
        { "ini", "[common]\nbind_addr = 127.0.0.1\nbind_port = {0}\n", "[common]\nserver_addr = 127.0.0.1\nserver_port = {0}\n\n[p]\ntype = tcp\nlocal_port = {1}\nremote_port = {2}\n" },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task A_tunnel_works_whatever_the_format(string format, string serverText, string clientText)
    {
        await using var echo = TcpService.Echo();
        var (port, remote) = (Ports.Next(), Ports.Next());
        var server = Work.Run("frps", "-c", Work.Write(Filled(serverText, port)));
        await server.WaitForTextAsync(Started);
        var client = Work.Run("frpc", "-c", Work.Write(Filled(clientText, port, echo.Port, remote)));
        await client.WaitForTextAsync("[p] start proxy success");
        await User.EchoOnceAsync(remote);
        foreach (var program in Work.Programs)
            Assert.Equal(format == "ini", program.Output.ToString().StartsWith(Notice, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("frps", "[common]\nbind_port = 7000\n", "[common]\nbind_port = 70000\n")]
    [InlineData("frps", "bindPort: 7000\n", "bindPort: 70000\n")]
    [InlineData("frps", "{\"bindPort\": 7000}", "{\"bindPort\": 70000}")]
    [InlineData("frpc", "[common]\nprotocol = tcp\n", "[common]\nprotocol = invalid\n")]
    [InlineData("frpc", "transport: {protocol: tcp}\n", "transport: {protocol: invalid}\n")]
    public async Task Files_are_verified_whatever_the_format(string program, string good, string bad)
    {
        string file = Work.Write(good);
        var run = Work.Run(program, "verify", "-c", file);
        Assert.Equal(0, await run.WaitForExitAsync());
        Assert.Equal($"{program}: the configuration file {file} syntax is ok\n", run.Output.ToString());
        run = Work.Run(program, "verify", "-c", Work.Write(bad));
        Assert.Equal(1, await run.WaitForExitAsync());
        Assert.DoesNotContain("syntax is ok", run.Output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("auth.token = \"{{ .Envs.FRP_TOKEN }}\"\nbindAddr = \"127.0.0.1\"\nbindPort = ", "auth.token = \"{{ .Envs.FRP_TOKEN }}\"\nserverAddr = \"127.0.0.1\"\nserverPort = ", "")]
    [InlineData("[common]\ntoken = {{ .Envs.FRP_TOKEN }}\nbind_addr = 127.0.0.1\nbind_port = ", "[common]\ntoken = {{ .Envs.FRP_TOKEN }}\nserver_addr = 127.0.0.1\nserver_port = ", "ini")]
    public async Task A_token_may_come_from_the_environment(string server, string client, string format)
    {
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("p", echo.Port, Ports.Next());
        string section = format == "ini" ? $"\n[p]\nlocal_port = {proxy.LocalPort}\nremote_port = {proxy.RemotePort}\n" : proxy.ToString();
        int port = Ports.Next();
        var variables = new Dictionary<string, string> { ["FRP_TOKEN"] = "from elsewhere" };
        await Work.Run("frps", variables, "-c", Work.Write($"{server}{port}\n")).WaitForTextAsync(Started);
        await Work.Run("frpc", variables, "-c", Work.Write($"{client}{port}\n{section}")).WaitForTextAsync(proxy.Started);
        await User.EchoOnceAsync(proxy.RemotePort);
        var stranger = Work.Run("frpc", new Dictionary<string, string> { ["FRP_TOKEN"] = "x" }, "-c", Work.Write($"{client}{port}\n"));
        Assert.Equal(1, await stranger.WaitForExitAsync());
    }

    [Fact]
    public async Task A_loop_makes_proxies()
    {
        await using var echo = TcpService.Echo();
        await using var other = TcpService.Echo();
        int port = Ports.Next(), first = Ports.NextRange(2);
        await ServerAsync(port);
        string file = Work.Write($$$"""
            serverAddr = "127.0.0.1"
            serverPort = {{{port}}}
            webServer.port = {{{Ports.Next()}}}
            {{- range $_, $v := parseNumberRangePair "{{{echo.Port}}},{{{other.Port}}}" "{{{first}}}-{{{first + 1}}}" }}
            [[proxies]]
            name = "tcp-{{ $v.Second }}"
            type = "tcp"
            localPort = {{ $v.First }}
            remotePort = {{ $v.Second }}
            {{- end }}
            """);
        var client = Work.Run("frpc", "-c", file);
        await client.WaitForTextAsync($"[tcp-{first}] start proxy success");
        await client.WaitForTextAsync($"[tcp-{first + 1}] start proxy success");
        await User.EchoOnceAsync(first);
        await User.EchoOnceAsync(first + 1);
        var status = Work.Run("frpc", "status", "-c", file);
        Assert.Equal(0, await status.WaitForExitAsync());
        Assert.Matches($@"\ntcp-{first} +running +127\.0\.0\.1:{echo.Port} +127\.0\.0\.1:{first} *\ntcp-{first + 1} +running +127\.0\.0\.1:{other.Port} +127\.0\.0\.1:{first + 1} *\n", status.Output.ToString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Proxies_may_stand_in_further_files(bool isIni)
    {
        await using var echo = TcpService.Echo();
        int port = Ports.Next();
        await ServerAsync(port);
        var proxies = new[] { new Proxy("a", echo.Port, Ports.Next()), new Proxy("b", echo.Port, Ports.Next()) };
        var files = proxies.Select(p => Work.Write(isIni ? $"[{p.Name}]\nlocal_port = {p.LocalPort}\nremote_port = {p.RemotePort}\n" : p.ToString())).ToArray();
        var client = Work.Run("frpc", "-c", Work.Write(isIni
            ? $"[common]\nserver_addr = 127.0.0.1\nserver_port = {port}\nincludes = {string.Join(',', files)}\n"
            : $"serverAddr = \"127.0.0.1\"\nserverPort = {port}\nincludes = [\"{string.Join("\", \"", files)}\"]\n"));
        foreach (var proxy in proxies)
        {
            await client.WaitForTextAsync(proxy.Started);
            await User.EchoOnceAsync(proxy.RemotePort);
        }
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task A_token_may_come_from_a_file_or_a_program(bool server, bool client)
    {
        const string Token = "auth.token = \"a secret\"";
        string file = $"auth.tokenSource = {{type = \"file\", file.path = \"{Work.Write("a secret\n")}\"}}";
        string script = $"auth.tokenSource = {{type = \"exec\", exec = {{command = \"/bin/sh\", args = [\"{Work.Write("echo a $1\n")}\", \"secret\"]}}}}";
        await using var echo = TcpService.Echo();
        foreach (string source in (string[])[file, script])
        {
            int port = Ports.Next();
            var proxy = new Proxy("p", echo.Port, Ports.Next());
            await Work.Run("frps", "--allow-unsafe=TokenSourceExec", "-c", Work.Write($"bindAddr = \"127.0.0.1\"\nbindPort = {port}\n{(server ? source : Token)}\n")).WaitForTextAsync(Started);
            await Work.Run("frpc", "--allow-unsafe=TokenSourceExec", "-c", Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {port}\n{(client ? source : Token)}\n{proxy}")).WaitForTextAsync(proxy.Started);
            await User.EchoOnceAsync(proxy.RemotePort);
        }
    }

    [Fact]
    public async Task Tokens_of_different_files_do_not_fit()
    {
        int port = Ports.Next();
        await ServerAsync(port, Source("one"));
        var client = Work.Run("frpc", "-c", Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {port}\n{Source("two")}\n"));
        Assert.Equal(1, await client.WaitForExitAsync());
        Assert.Contains("token in login doesn't match token from configuration", client.Output.ToString(), StringComparison.Ordinal);

        string Source(string content) => $"auth.tokenSource = {{type = \"file\", file.path = \"{Work.Write(content)}\"}}";
    }

    [Fact]
    public async Task A_server_without_its_token_file_does_not_listen()
    {
        int port = Ports.Next();
        var server = Work.Run("frps", "-c", Work.Write($"bindAddr = \"127.0.0.1\"\nbindPort = {port}\nauth.tokenSource = {{type = \"file\", file.path = \"/nonexistent/token\"}}\n"));
        Assert.Equal(1, await server.WaitForExitAsync());
        Assert.Contains("failed to resolve auth.tokenSource: failed to read file /nonexistent/token: ", server.Output.ToString(), StringComparison.Ordinal);
        Assert.False(await Ports.AnswersAsync(port));
    }

    [Theory]
    [InlineData("frps", "verify")]
    [InlineData("frpc", "verify")]
    public async Task A_program_that_gives_a_token_must_be_allowed(string program, string command)
    {
        string file = Work.Write("auth.tokenSource = {type = \"exec\", exec.command = \"x\"}\n");
        var run = Work.Run(program, command, "-c", file);
        Assert.Equal(1, await run.WaitForExitAsync());
        Assert.Contains("unsafe feature \"TokenSourceExec\" is not enabled", run.Output.ToString(), StringComparison.Ordinal);
        run = Work.Run(program, command, "--allow-unsafe", "TokenSourceExec", "-c", file);
        Assert.Equal(0, await run.WaitForExitAsync());
    }

    [Fact]
    public async Task Seven_mistakes_are_seven_lines()
    {
        string file = Work.Write("serverPort: \"7000\"\nloginFailExt: yes\nlog: {level: loud}\ntransport:\n  protocol: udp\n  poolCount: 1.5\nproxies:\n- name: web\n  type: http\n  localPort: 99999\n");
        var run = Work.Run("frpc", "verify", "-c", file);
        Assert.Equal(1, await run.WaitForExitAsync());
        string[] lines = run.Output.ToString().TrimEnd('\n').Split('\n');
        Assert.Equal(7, lines.Length);
        Assert.All(lines, line => Assert.Matches($"^{file}:[0-9]+: ", line));
    }

    private static string Filled(string text, params object[] values) => string.Format(System.Globalization.CultureInfo.InvariantCulture, text, values);
}
