using System.Net;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Reloads, directories and stores with files of every format. A file that says the same in another format changes nothing.</summary>
public sealed class FormatReloadTests : TunnelTest
{
    private static readonly HttpClient Http = new() { Timeout = Patience.Limit };

    private readonly int _port = Ports.Next();
    private readonly int _web = Ports.Next();

    [Fact]
    public async Task A_client_goes_on_when_its_file_is_written_in_another_format()
    {
        await using var echo = TcpService.Echo();
        var kept = new Proxy("kept", echo.Port, Ports.Next());
        await ServerAsync(_port);
        string file = Work.Write(Client("yaml", _web, kept));
        var client = Work.Run("frpc", "-c", file);
        await client.WaitForTextAsync(kept.Started);
        using var user = await User.ConnectAsync(kept.RemotePort);
        await user.EchoAsync();
        foreach (string format in (string[])["ini", "json", "toml", "yaml"])
        {
            var more = new Proxy(format, echo.Port, Ports.Next());
            File.WriteAllText(file, Client(format, _web, kept, more));
            await ReloadsAsync("frpc", file, "reload success\n");
            await client.WaitForTextAsync(more.Started);
            await User.EchoOnceAsync(more.RemotePort);
            await user.EchoAsync();
        }
        File.WriteAllText(file, Client("ini", _web, kept with { RemotePort = Ports.Next() }));
        await ReloadsAsync("frpc", file, "reload success\n");
        await client.WaitForTextAsync(kept.Started, 2);
        await user.EchoAsync();
        Assert.Equal(2, client.Output.Count(kept.Started));
        Assert.Equal(0, client.Output.Count("take effect after a restart"));
        Assert.Equal(5, client.Output.Count("success reload conf"));
    }

    [Fact]
    public async Task So_does_a_server()
    {
        await using var echo = TcpService.Echo();
        int allowed = Ports.Next(), added = Ports.Next();
        string file = Work.Write(Server("yaml", allowed));
        var server = Work.Run("frps", "-c", file);
        await server.WaitForTextAsync(Started);
        var client = await ClientAsync(_port, [], new Proxy("steady", echo.Port, allowed));
        using var user = await User.ConnectAsync(allowed);
        foreach (string format in (string[])["ini", "json", "toml", "yaml"])
        {
            // What needs a restart would be named.
            File.WriteAllText(file, Server(format, allowed));
            await ReloadsAsync("frps", file, "reload success\n");
        }
        Assert.Equal(0, server.Output.Count("success reload conf: allowPorts"));
        File.WriteAllText(file, Server("ini", allowed, added));
        await ReloadsAsync("frps", file, "reload success\n");
        await server.WaitForTextAsync("success reload conf: allowPorts");
        await ClientAsync(_port, ["user = \"other\""], new Proxy("late", echo.Port, added));
        await user.EchoAsync();
        Assert.Equal(1, client.Output.Count("login to server success"));

        // In this format, what is not right is passed over where the reference does so, and told where it is not.
        File.WriteAllText(file, Server("ini", allowed) + "log_level = loud\n");
        var bad = Work.Run("frps", "reload", "-c", file);
        Assert.Equal(1, await bad.WaitForExitAsync());
        Assert.Contains($"{file}:7: log.level: ", bad.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clients_of_a_directory_have_a_format_and_a_store_each()
    {
        await using var echo = TcpService.Echo();
        string folder = Path.Combine(Work.Folder, "conf");
        Directory.CreateDirectory(folder);
        var (names, ports) = ((string[])["yaml", "json", "toml", "ini"], Enumerable.Range(0, 4).Select(_ => Ports.Next()).ToArray());
        string PathOf(string format) => Path.Combine(folder, format);
        await ServerAsync(_port);
        for (int i = 0; i < names.Length; i++) File.WriteAllText(PathOf(names[i]), Client(names[i], ports[i], [new Proxy(names[i], echo.Port, Ports.Next())], store: $"../{names[i]}.store"));
        var client = Work.Run("frpc", "--config_dir", folder);
        await AllAsync("start proxy success", names);

        // INI has no word for a store.
        int[] remote = [.. names.Select(_ => Ports.Next())];
        for (int i = 0; i < names.Length; i++)
        {
            using var body = new StringContent($$$"""{"name":"{{{names[i]}}}-stored","type":"tcp","tcp":{"localPort":{{{echo.Port}}},"remotePort":{{{remote[i]}}}}}""", Encoding.UTF8);
            using var answer = await Http.PostAsync(new Uri($"http://127.0.0.1:{ports[i]}/api/store/proxies"), body, TestContext.Current.CancellationToken);
            Assert.Equal(names[i] == "ini" ? HttpStatusCode.NotFound : HttpStatusCode.OK, answer.StatusCode);
        }
        string[] stored = [.. names.Where(n => n != "ini").Select(n => $"{n}-stored")];
        await AllAsync("start proxy success", stored);

        // A reload of the file leaves the store alone, and one client's reload the others.
        foreach (string name in names) await ReloadsAsync("frpc", PathOf(name), "reload success\n");
        File.AppendAllText(PathOf("ini"), $"[more]\nlocal_port = {echo.Port}\nremote_port = {Ports.Next()}\n");
        await ReloadsAsync("frpc", PathOf("ini"), "reload success\n");
        await client.WaitForTextAsync("[more] start proxy success");
        Assert.Equal(names.Length + stored.Length + 1, client.Output.Count("start proxy success"));
        client.Terminate();
        Assert.Equal(0, await client.WaitForExitAsync());

        client = Work.Run("frpc", "--config_dir", folder);
        await AllAsync("start proxy success", [.. names, .. stored, "more"]);
        for (int i = 0; i < names.Length; i++)
            if (names[i] != "ini") await User.EchoOnceAsync(remote[i]);

        async Task AllAsync(string text, string[] all)
        {
            foreach (string name in all) await client.WaitForTextAsync($"[{name}] {text}");
        }
    }

    private async Task ReloadsAsync(string program, string file, string expected)
    {
        var run = Work.Run(program, "reload", "-c", file);
        int code = await run.WaitForExitAsync();
        Assert.Equal((expected, 0), (run.Output.ToString(), code));
    }

    private string Client(string format, int web, params Proxy[] proxies) => Client(format, web, proxies, store: null);

    private string Client(string format, int web, Proxy[] proxies, string? store) => format switch
    {
        "toml" => $"serverAddr = '127.0.0.1'\nserverPort = {_port}\nwebServer.port = {web}\n{(store is null ? "" : $"store.path = '{store}'\n")}{string.Concat<Proxy>(proxies)}",
        "yaml" => $"serverAddr: 127.0.0.1\nserverPort: {_port}\nwebServer: {{port: {web}}}\n{(store is null ? "" : $"store:\n  path: {store}\n")}proxies:\n"
            + string.Concat(proxies.Select(p => $"- name: {p.Name}\n  type: tcp\n  enabled: yes\n  localPort: {p.LocalPort}\n  remotePort: {p.RemotePort}\n")),
        "json" => $"{{\"serverAddr\": \"127.0.0.1\", \"serverPort\": {_port}, \"webServer\": {{\"port\": {web}}}, {(store is null ? "" : $"\"store\": {{\"path\": \"{store}\"}}, ")}\"proxies\": ["
            + string.Join(", ", proxies.Select(p => $"{{\"name\": \"{p.Name}\", \"type\": \"tcp\", \"localIP\": \"127.0.0.1\", \"localPort\": {p.LocalPort}, \"remotePort\": {p.RemotePort}, \"metadatas\": {{}}}}")) + "]}",
        _ => $"[common]\nserver_addr = 127.0.0.1\nserver_port = {_port}\nadmin_addr = 127.0.0.1\nadmin_port = {web}\n"
            + string.Concat(proxies.Select(p => $"[{p.Name}]\ntype = tcp\nlocal_port = {p.LocalPort}\nremote_port = {p.RemotePort}\nuse_compression = false\n")),
    };

    private string Server(string format, params int[] allowed) => format switch
    {
        "toml" => $"bindAddr = '127.0.0.1'\nbindPort = {_port}\nwebServer.port = {_web}\nallowPorts = [{string.Join(", ", allowed.Select(p => $"{{single = {p}}}"))}]\n",
        "yaml" => $"bindAddr: 127.0.0.1\nbindPort: {_port}\nwebServer: {{port: {_web}}}\nallowPorts:\n{string.Concat(allowed.Select(p => $"- single: {p}\n"))}",
        "json" => $"{{\"bindAddr\": \"127.0.0.1\", \"bindPort\": {_port}, \"webServer\": {{\"port\": {_web}}}, \"allowPorts\": [{string.Join(", ", allowed.Select(p => $"{{\"single\": {p}}}"))}]}}",
        _ => $"[common]\nbind_addr = 127.0.0.1\nbind_port = {_port}\ndashboard_addr = 127.0.0.1\ndashboard_port = {_web}\nallow_ports = {string.Join(',', allowed)}\n",
    };
}
