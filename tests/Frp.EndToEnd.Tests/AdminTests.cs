using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>A client that is asked, changed and stopped over its admin API while it serves.</summary>
public sealed class AdminTests : TunnelTest
{
    private readonly int _port = Ports.Next();
    private readonly int _admin = Ports.Next();
    private readonly TcpService _echo = TcpService.Echo();

    private string Admin => $"webServer.port = {_admin}";

    [Fact]
    public async Task A_configuration_is_replaced_and_reloaded()
    {
        Proxy[] proxies = [.. Enumerable.Range(1, 3).Select(i => new Proxy($"p{i}", _echo.Port, Ports.Next()))];
        int moved = Ports.Next();
        await ServerAsync(_port);
        var client = await ClientAsync(_port, [Admin], proxies);
        using var user = await User.ConnectAsync(proxies[0].RemotePort);
        await user.EchoAsync();
        string text = await AskAsync("GET", "/api/config");
        Assert.Contains("p3", text, StringComparison.Ordinal);
        await AskAsync("PUT", "/api/config", text.Replace($"{proxies[1]}", $"{proxies[1] with { RemotePort = moved }}", StringComparison.Ordinal).Replace($"{proxies[2]}", "", StringComparison.Ordinal));
        await AskAsync("GET", "/api/reload?strictConfig=true");
        await client.WaitForTextAsync("[p2] start proxy success", 2);
        await User.EchoOnceAsync(proxies[0].RemotePort);
        await User.EchoOnceAsync(moved);
        await UntilClosedAsync(proxies[1].RemotePort);
        await UntilClosedAsync(proxies[2].RemotePort);
        await user.EchoAsync(100_000);
        Assert.Contains("proxy removed: [p2 p3]", client.Output.ToString(), StringComparison.Ordinal);
        await client.WaitForTextAsync("success reload conf");
        Assert.Equal(1, client.Output.Count("[p1] start proxy success"));

        // What will not do changes nothing, and says why.
        await AskAsync("PUT", "/api/config", text + "\n[[proxies]]\nname = \"p1\"\ntype = \"tcp\"");
        Assert.Contains("proxy name [p1] is duplicated", await AskAsync("GET", "/api/reload", expected: 400), StringComparison.Ordinal);
        await User.EchoOnceAsync(moved);
    }

    [Fact]
    public async Task A_stop_takes_the_proxies_away_and_ends_the_program()
    {
        var proxy = new Proxy("p", _echo.Port, Ports.Next());
        await ServerAsync(_port);
        var client = await ClientAsync(_port, [Admin], proxy);
        using var user = await User.ConnectAsync(proxy.RemotePort);
        await user.EchoAsync();
        await AskAsync("POST", "/api/stop");
        await UntilClosedAsync(proxy.RemotePort);
        await UntilClosedAsync(_admin);
        await user.EchoAsync(); // who is there may finish
        user.CompleteWrites();
        Assert.Empty(await user.ReceiveToEndAsync());
        Assert.Equal(0, await client.WaitForExitAsync());
        Assert.Contains("] stopped", client.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stored_proxies_come_change_and_go_and_are_there_after_a_restart()
    {
        int first = Ports.Next(), second = Ports.Next();
        await ServerAsync(_port);
        string file = Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {_port}\n{Admin}\n[store]\npath = \"data/store.json\"\n");
        string Entry(int port) => $$$"""{"name":"kept","type":"tcp","tcp":{"localPort":{{{_echo.Port}}},"remotePort":{{{port}}}}}""";
        var client = Work.Run("frpc", "-c", file);
        await client.WaitForTextAsync("login to server success");
        await AskAsync("POST", "/api/store/proxies", Entry(first));
        await UntilWorkingAsync(first);
        await AskAsync("PUT", "/api/store/proxies/kept", Entry(second));
        await UntilWorkingAsync(second);
        await UntilClosedAsync(first);
        Assert.Contains("\"source\":\"store\"", await AskAsync("GET", "/api/status"), StringComparison.Ordinal);
        Assert.Contains("\"kept\"", await AskAsync("GET", "/api/store/proxies"), StringComparison.Ordinal);
        // A reload of the file leaves the store alone.
        await AskAsync("GET", "/api/reload");
        await UntilWorkingAsync(second);

        await client.KillAsync();
        Assert.True(File.Exists(Path.Combine(Work.Folder, "data", "store.json")));
        client = Work.Run("frpc", "-c", file);
        await client.WaitForTextAsync("[kept] start proxy success");
        await User.EchoOnceAsync(second);
        await AskAsync("DELETE", "/api/store/proxies/kept");
        await UntilClosedAsync(second);
        Assert.Equal("{}\n", await AskAsync("GET", "/api/status"));
        await AskAsync("GET", "/api/store/proxies/kept", expected: 404);
    }

    [Fact]
    public async Task The_store_goes_before_the_file_and_start_before_both()
    {
        Proxy file = new("a", _echo.Port, Ports.Next()), other = new("b", _echo.Port, Ports.Next());
        int stored = Ports.Next();
        await ServerAsync(_port);
        var client = await ClientAsync(_port, [Admin, "store.path = \"store.json\"", "start = [\"a\"]"], file);
        string Entry(string name, int port, string more = "") => $$$"""{"name":"{{{name}}}","type":"tcp","tcp":{"localPort":{{{_echo.Port}}},"remotePort":{{{port}}}{{{more}}}}}""";
        await AskAsync("POST", "/api/store/proxies", Entry("a", stored));
        await UntilWorkingAsync(stored);
        await UntilClosedAsync(file.RemotePort);
        await AskAsync("PUT", "/api/store/proxies/a", Entry("a", stored, ",\"enabled\":false"));
        await UntilWorkingAsync(file.RemotePort);
        await UntilClosedAsync(stored);
        await AskAsync("POST", "/api/store/proxies", Entry("b", other.RemotePort));
        Assert.False(await Ports.AnswersAsync(other.RemotePort));
        Assert.Equal(0, client.Output.Count("[b] "));
        Assert.DoesNotContain("\"source\"", await AskAsync("GET", "/api/status"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_visitor_comes_and_goes_over_the_api()
    {
        await ServerAsync(_port);
        await ClientAsync(_port, [$"{new SecretProxy("secret", _echo.Port)}"]);
        var client = StartClient(_port, [Admin, "store.path = \"store.json\""]);
        await client.WaitForTextAsync("login to server success");
        int port = Ports.Next();
        await AskAsync("POST", "/api/store/visitors", $$$"""{"name":"v","type":"stcp","stcp":{"serverName":"secret","secretKey":"{{{SecretProxy.DefaultKey}}}","bindPort":{{{port}}}}}""");
        await UntilWorkingAsync(port);
        await AskAsync("DELETE", "/api/store/visitors/v");
        await UntilClosedAsync(port);
        await client.WaitForTextAsync("visitor removed: [v]");
    }

    [Fact]
    public async Task The_status_says_where_proxies_are_and_why_they_are_not()
    {
        await using var udp = new UdpEcho();
        var taken = TcpService.Echo();
        string[] proxies =
        [
            "[[proxies]]\nname = \"random\"\ntype = \"tcp\"\nlocalPort = " + _echo.Port,
            "[[proxies]]\nname = \"datagrams\"\ntype = \"udp\"\nlocalPort = " + udp.Port,
            "[[proxies]]\nname = \"taken\"\ntype = \"tcp\"\nlocalPort = 1\nremotePort = " + taken.Port,
        ];
        await ServerAsync(_port);
        var client = StartClient(_port, [Admin, "webServer.user = \"admin\"", "webServer.password = \"pw\"", "user = \"me\"", .. proxies]);
        foreach (string text in (string[])["[random] start proxy success", "[datagrams] start proxy success", "[taken] start error: "]) await client.WaitForTextAsync(text);
        await AskAsync("GET", "/api/status", expected: 401);
        using var status = JsonDocument.Parse(await AskAsync("GET", "/api/status", credentials: "admin:pw"));
        Assert.Equal(["tcp", "udp"], status.RootElement.EnumerateObject().Select(p => p.Name));
        var (random, refused) = (status.RootElement.GetProperty("tcp")[0], status.RootElement.GetProperty("tcp")[1]);
        Assert.Equal(("random", "running", ""), (Text(random, "name"), Text(random, "status"), Text(random, "err")));
        await User.EchoOnceAsync(PortOf(random));
        await UdpUser.EchoOnceAsync(PortOf(status.RootElement.GetProperty("udp")[0]));
        Assert.Equal(
            """{"name":"taken","type":"tcp","status":"start error","err":"port unavailable","local_addr":"127.0.0.1:1","plugin":"","remote_addr":""}""",
            refused.GetRawText());
        await taken.DisposeAsync();

        static string Text(JsonElement proxy, string key) => proxy.GetProperty(key).GetString()!;
        static int PortOf(JsonElement proxy) => int.Parse(Text(proxy, "remote_addr").Replace("127.0.0.1:", "", StringComparison.Ordinal), System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task The_api_is_there_before_the_server_is_and_gone_with_a_first_login_that_fails()
    {
        var client = StartClient(_port, [Admin]);
        await client.WaitForTextAsync($"admin server listen on 127.0.0.1:{_admin}");
        Assert.Equal("", await AskAsync("GET", "/healthz"));
        Assert.Equal("{}\n", await AskAsync("GET", "/api/status"));
        await client.KillAsync();
        string file = Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {_port}\n{Admin}\n");
        Assert.Equal(1, await Work.Run("frpc", "-c", file).WaitForExitAsync());
        await Ports.UntilFreeAsync(_admin);
        // A port that is taken ends the program before it logs in.
        await using var squatter = TcpService.Echo(_admin);
        var refused = Work.Run("frpc", "-c", file);
        Assert.Equal(1, await refused.WaitForExitAsync());
        Assert.Contains($"listen tcp 127.0.0.1:{_admin}: ", refused.Output.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, refused.Output.Count("try to connect to server"));
    }

    [Fact]
    public async Task A_store_that_is_half_written_stops_the_start_and_stays_as_it_is()
    {
        string store = Path.Combine(Work.Folder, "store.json");
        await File.WriteAllTextAsync(store, "{\"proxies\":[{\"name\":\"a\",", TestContext.Current.CancellationToken);
        string file = Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {_port}\nstore.path = \"store.json\"\n");
        var client = Work.Run("frpc", "-c", file);
        Assert.Equal(1, await client.WaitForExitAsync());
        Assert.Contains("failed to create store source: failed to load existing data: failed to parse JSON", client.Output.ToString(), StringComparison.Ordinal);
        Assert.Equal("{\"proxies\":[{\"name\":\"a\",", await File.ReadAllTextAsync(store, TestContext.Current.CancellationToken));
    }

    private async Task<string> AskAsync(string method, string path, string? body = null, int expected = 200, string? credentials = null)
    {
        using var http = new HttpClient { Timeout = Patience.Limit };
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri($"http://127.0.0.1:{_admin}{path}"));
        if (credentials is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials)));
        if (body is not null) request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        string answer = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(expected == (int)response.StatusCode, $"{method} {path}: {response.StatusCode} {answer}");
        return answer;
    }
}
