using System.Globalization;
using System.Text.Json;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Server plug-ins: a web service in another language hears of everything, changes it, or refuses it.</summary>
public sealed class HttpPluginTests : ReloadTest
{
    private RunningProgram? _plugin;
    private int _pluginPort;

    [Fact]
    public async Task A_login_is_the_plugins_to_judge()
    {
        await StartPluginAsync();
        var server = await StartAsync(Plugin("/token", "Login"));
        var stranger = Work.Run("frpc", "-c", Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {server.Port}\nmetadatas.token = \"12\"\n"));
        Assert.Equal(1, await stranger.WaitForExitAsync());
        Assert.Contains("login to the server failed: invalid meta token", stranger.Output.ToString(), StringComparison.Ordinal);
        var client = StartClient(server.Port, ["metadatas.token = \"123\"", "user = \"me\""]);
        await client.WaitForTextAsync("login to server success");

        var (path, id, content) = (await RequestsAsync(2))[1];
        Assert.Equal("/token?op=Login&version=0.1.0", path);
        Assert.Matches("^[0-9a-f]{16}$", id);
        Assert.Equal("me", content.GetProperty("user").GetString());
        Assert.StartsWith("127.0.0.1:", content.GetProperty("client_address").GetString(), StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Object, content.GetProperty("client_spec").ValueKind);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public async Task What_a_plugin_makes_of_login_and_proxy_counts(string wire)
    {
        await StartPluginAsync();
        await using var echo = TcpService.Echo();
        int other = Ports.Next();
        var proxy = new Proxy("moved", echo.Port, Ports.Next(), "metadatas.a = \"b\"");
        var server = await StartAsync(Plugin("/rename-user", "Login"), Plugin("/keep", "NewProxy"), Plugin($"/port/{other}", "NewProxy"));
        await ClientAsync(server.Port, [$"transport.wireProtocol = \"{wire}\"", "metadatas.x = \"y\""], proxy);
        await User.EchoOnceAsync(other);
        Assert.False(await Ports.AnswersAsync(proxy.RemotePort));

        var requests = await RequestsAsync(3);
        Assert.Equal(requests[1].Id, requests[2].Id);
        Assert.NotEqual(requests[0].Id, requests[1].Id);
        var content = requests[2].Content;
        var user = content.GetProperty("user");
        Assert.Equal(("renamed", "y"), (user.GetProperty("user").GetString(), user.GetProperty("metas").GetProperty("x").GetString()));
        Assert.Matches("^[0-9a-f]{16}$", user.GetProperty("run_id").GetString());
        Assert.Equal(("moved", "tcp", proxy.RemotePort), (content.GetProperty("proxy_name").GetString(), content.GetProperty("proxy_type").GetString(), content.GetProperty("remote_port").GetInt32()));
        Assert.Equal("b", content.GetProperty("metas").GetProperty("a").GetString());
    }

    [Fact]
    public async Task The_first_that_refuses_a_proxy_is_the_last_that_is_asked()
    {
        await StartPluginAsync();
        var server = await StartAsync(Plugin("/redirect", "NewProxy"), Plugin("/keep", "NewProxy"));
        var client = StartClient(server.Port, [], new Proxy("unwanted", 1, Ports.Next()));
        await client.WaitForTextAsync("[unwanted] start error: not today");
        Assert.Equal(["/redirect?op=NewProxy&version=0.1.0", "/reject?op=NewProxy&version=0.1.0"], (await RequestsAsync(2)).Take(2).Select(r => r.Path));
        Assert.Equal(0, _plugin!.Output.Count("/keep"));
    }

    [Theory]
    [InlineData("/500", "do http request error code: 500")]
    [InlineData("/garbage", "the answer cannot be read: ")]
    [InlineData("/blank", "the answer has neither \"unchange\" nor \"content\"")]
    [InlineData("/null", "the answer has neither \"unchange\" nor \"content\"")]
    [InlineData("/huge", "1048576")]
    public async Task A_plugin_that_talks_nonsense_refuses(string path, string cause)
    {
        await StartPluginAsync();
        await using var echo = TcpService.Echo();
        var before = new Proxy("before", echo.Port, Ports.Next());
        var server = await StartAsync();
        await ClientAsync(server.Port, [], before);
        await server.ReloadAsync(Plugin(path, "NewProxy"));
        var client = StartClient(server.Port, ["user = \"second\""], new Proxy("after", echo.Port, Ports.Next()));
        await client.WaitForTextAsync("[after] start error: send NewProxy request to plugin error");
        await server.Program.WaitForTextAsync("send NewProxy request to plugin [test] error: ");
        await server.Program.WaitForTextAsync(cause);
        await User.EchoOnceAsync(before.RemotePort);
    }

    [Fact]
    public async Task A_plugin_that_is_not_there_refuses()
    {
        var server = await StartAsync($"[[httpPlugins]]\nname = \"away\"\naddr = \"127.0.0.1:{Ports.Next()}\"\npath = \"/x\"\nops = [\"Login\"]");
        var client = Work.Run("frpc", "-c", Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {server.Port}\n"));
        Assert.Equal(1, await client.WaitForExitAsync());
        Assert.Contains("login to the server failed: send Login request to plugin error", client.Output.ToString(), StringComparison.Ordinal);
        await server.Program.WaitForTextAsync("send Login request to plugin [away] error: ");
    }

    [Fact]
    public async Task A_refusal_without_a_reason_is_a_refusal()
    {
        await StartPluginAsync();
        var server = await StartAsync(Plugin("/reject-without-reason", "Login"));
        var client = Work.Run("frpc", "-c", Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {server.Port}\n"));
        Assert.Equal(1, await client.WaitForExitAsync());
        Assert.Contains("login to the server failed: rejected by plugin [test]", client.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plugins_hear_of_proxies_that_are_closed()
    {
        await StartPluginAsync();
        await using var echo = TcpService.Echo();
        var (one, two) = (new Proxy("one", echo.Port, Ports.Next()), new Proxy("two", echo.Port, Ports.Next()));
        var server = await StartAsync(Plugin("/reject", "CloseProxy"), Plugin("/keep", "CloseProxy"));
        var first = await ClientAsync(server.Port, ["user = \"a\""], one);
        await ClientAsync(server.Port, ["user = \"b\""], two);
        await first.KillAsync();
        var requests = await RequestsAsync(2);
        Assert.Equal(["/reject?op=CloseProxy&version=0.1.0", "/keep?op=CloseProxy&version=0.1.0"], requests.Select(r => r.Path));
        Assert.All(requests, r => Assert.Equal(("a.one", "a"), (r.Content.GetProperty("proxy_name").GetString(), r.Content.GetProperty("user").GetProperty("user").GetString())));
        Assert.Equal(JsonValueKind.Null, requests[0].Content.GetProperty("user").GetProperty("metas").ValueKind);

        server.Program.Terminate();
        Assert.Equal("b.two", (await RequestsAsync(4))[3].Content.GetProperty("proxy_name").GetString());
        Assert.Equal(0, await server.Program.WaitForExitAsync());
    }

    [Fact]
    public async Task Plugins_judge_heartbeats_and_connections()
    {
        const string Scopes = "auth.additionalScopes = [\"HeartBeats\", \"NewWorkConns\"]";
        await StartPluginAsync();
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("watched", echo.Port, Ports.Next());
        var server = await StartAsync(Scopes, "log.level = \"debug\"", Plugin("/keep", "Ping", "NewWorkConn", "NewUserConn"));
        var client = await ClientAsync(server.Port, [Scopes, "transport.heartbeatInterval = 1"], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        await server.Program.WaitForTextAsync("receive heartbeat");
        await _plugin!.WaitForTextAsync("op=Ping");
        var requests = await RequestsAsync(3);
        var ping = requests.First(r => r.Path.Contains("op=Ping", StringComparison.Ordinal)).Content;
        Assert.NotEmpty(ping.GetProperty("privilege_key").GetString()!);
        var work = requests.First(r => r.Path.Contains("op=NewWorkConn", StringComparison.Ordinal)).Content;
        Assert.Equal(work.GetProperty("user").GetProperty("run_id").GetString(), work.GetProperty("run_id").GetString());
        Assert.NotEmpty(work.GetProperty("privilege_key").GetString()!);
        var user = requests.First(r => r.Path.Contains("op=NewUserConn", StringComparison.Ordinal)).Content;
        Assert.Equal(("watched", "tcp"), (user.GetProperty("proxy_name").GetString(), user.GetProperty("proxy_type").GetString()));
        Assert.StartsWith("127.0.0.1:", user.GetProperty("remote_addr").GetString(), StringComparison.Ordinal);

        await server.ReloadAsync(Scopes, Plugin("/reject", "NewUserConn"));
        using (var refused = await User.ConnectAsync(proxy.RemotePort)) Assert.Empty(await refused.ReceiveToEndAsync());
        await server.Program.WaitForTextAsync("was rejected: not today");
        await server.ReloadAsync(Scopes, Plugin("/reject", "Ping"));
        await client.WaitForTextAsync("not today");
        await client.WaitForTextAsync("login to server success", 2);
    }

    [Fact]
    public async Task A_plugin_behind_https_is_verified_when_that_is_asked_for()
    {
        var authority = new CertificateFolder(Work.Folder, "anybody");
        using (authority) await StartPluginAsync(authority.Issue("127.0.0.1").Both);
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("checked", echo.Port, Ports.Next());
        var lenient = await StartAsync(Plugin("/keep", "https://", "NewProxy"));
        await ClientAsync(lenient.Port, [], proxy);

        int port = Ports.Next();
        var strict = await ServerAsync(port, Plugin("/keep", "https://", "Login") + "\ntlsVerify = true");
        var client = Work.Run("frpc", "-c", Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {port}\n"));
        Assert.Equal(1, await client.WaitForExitAsync());
        Assert.Contains("send Login request to plugin error", client.Output.ToString(), StringComparison.Ordinal);
        await strict.WaitForTextAsync("send Login request to plugin [test] error: ");
    }

    [Fact]
    public async Task An_address_that_is_none_is_an_error_of_the_configuration()
    {
        var server = Work.Run("frps", "-c", Work.Write($"bindAddr = \"127.0.0.1\"\nbindPort = {Ports.Next()}\n[[httpPlugins]]\nname = \"odd\"\naddr = \"ftp://x\"\nops = [\"Login\"]"));
        Assert.Equal(1, await server.WaitForExitAsync());
        Assert.Contains("httpPlugins [odd]: ftp://x is not an http or https address", server.Output.ToString(), StringComparison.Ordinal);
    }

    private async Task StartPluginAsync(params string[] arguments)
    {
        string? python = ForeignPrograms.Find("python3");
        Assert.SkipWhen(python is null, "Python 3 is not installed");
        _plugin = Work.RunForeign(python!, [Path.Combine(AppContext.BaseDirectory, "Data", "plugin.py"), .. arguments]);
        await _plugin.WaitForTextAsync("\n");
        _pluginPort = int.Parse(_plugin.Output.ToString().Split('\n')[0]["listening ".Length..], CultureInfo.InvariantCulture);
    }

    private string Plugin(string path, params string[] operations)
    {
        string scheme = operations[0].EndsWith("://", StringComparison.Ordinal) ? operations[0] : "";
        var wanted = operations.Where(o => o != scheme).Select(o => $"\"{o}\"");
        return $"[[httpPlugins]]\nname = \"test\"\naddr = \"{scheme}127.0.0.1:{_pluginPort}\"\npath = \"{path}\"\nops = [{string.Join(',', wanted)}]";
    }

    private async Task<(string Path, string Id, JsonElement Content)[]> RequestsAsync(int atLeast)
    {
        await _plugin!.WaitForTextAsync("request ", atLeast);
        await _plugin.WaitForTextAsync("\n", atLeast + 1);
        return [.. from line in _plugin.Output.ToString().Split('\n') where line.StartsWith("request ", StringComparison.Ordinal) select Parse(line)];
    }

    private static (string, string, JsonElement) Parse(string line)
    {
        var parts = line.Split(' ', 5);
        Assert.Equal("application/json", parts[3]);
        using var body = JsonDocument.Parse(parts[4]);
        Assert.Equal("0.1.0", body.RootElement.GetProperty("version").GetString());
        Assert.Contains($"op={body.RootElement.GetProperty("op").GetString()}&", parts[1], StringComparison.Ordinal);
        return (parts[1], parts[2], body.RootElement.GetProperty("content").Clone());
    }
}
