using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>The server's web server: who may come, what is there, and what a reload says.</summary>
public sealed class ServerWebTests : ReloadTest
{
    [Fact]
    public async Task Credentials_guard_it_beside_a_virtual_host_on_the_control_port()
    {
        var (port, webPort) = (Ports.Next(), Ports.Next());
        var server = await ServerAsync(port, $"vhostHTTPPort = {port}", $"webServer.port = {webPort}", "webServer.user = \"admin\"", "webServer.password = \"secret\"");
        await server.WaitForTextAsync($"dashboard listen on 127.0.0.1:{webPort}");
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri($"http://127.0.0.1:{webPort}") };
        foreach (var (path, status) in new[] { ("/healthz", 200), ("/", 401), ("/api/reload", 401), ("/static/", 401), ("/metrics", 404), ("/api/serverinfo", 404), ("/debug/pprof/", 404) })
        {
            using var answer = await client.GetAsync(path);
            Assert.Equal((path, status), (path, (int)answer.StatusCode));
            if (status == 200) Assert.Equal("", await answer.Content.ReadAsStringAsync());
        }
        Assert.Equal(0, server.Output.Count("http request: ["));
        client.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String("admin:secret"u8));
        using (var root = await client.GetAsync("/")) Assert.Equal((HttpStatusCode.MovedPermanently, "/static/"), (root.StatusCode, root.Headers.Location?.ToString()));
        using (var reload = await client.GetAsync("/api/reload")) Assert.Equal(HttpStatusCode.OK, reload.StatusCode);
        await server.WaitForTextAsync("http request: [/api/reload]");
        await server.WaitForTextAsync("http response [/api/reload]: code [200]");
        using var wrong = await client.PostAsync("/api/reload", null);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, wrong.StatusCode);
    }

    [Fact]
    public async Task What_only_a_restart_applies_is_named_and_stays()
    {
        await using var echo = TcpService.Echo();
        var server = await StartAsync();
        const string Notice = "changed, but only a restart applies it: proxyBindAddr, subDomainHost";
        for (int i = 1; i <= 2; i++) // the second time as well: it has not been applied yet
        {
            var (status, body) = await server.TryReloadAsync("proxyBindAddr = \"127.0.0.2\"", "subDomainHost = \"frp.test\"", "log.level = \"debug\"");
            Assert.Equal((HttpStatusCode.OK, Notice + "\n"), (status, body));
            await server.Program.WaitForTextAsync("[W] [server/service:11] " + Notice, i);
        }
        var proxy = new Proxy("here", echo.Port, Ports.Next());
        await ClientAsync(server.Port, [], proxy);
        await User.EchoOnceAsync(proxy.RemotePort); // on 127.0.0.1
    }

    [Fact]
    public async Task A_file_that_is_wrong_changes_nothing_and_every_mistake_is_told()
    {
        using var authority = new CertificateFolder(Work.Folder, "authority");
        await using var echo = TcpService.Echo();
        var server = await StartAsync();
        var (status, body) = await server.TryReloadAsync(Single(1), "nonsense = 1", "log.level = \"loud\"", "userConnTimeout = \"soon\"");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.StartsWith("{\"Code\":400,\"Msg\":\"invalid argument: ", body, StringComparison.Ordinal);
        foreach (string mistake in new[] { "nonsense", "invalid log level", "userConnTimeout" }) Assert.Contains(mistake, body, StringComparison.Ordinal);

        // Right in itself, but what it names is not: that is told at once too.
        (status, body) = await server.TryReloadAsync(Single(1), "transport.tls.trustedCaFile = \"nowhere.pem\"", "auth.tokenSource = { type = \"file\", file = { path = \"nobody\" } }");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("nowhere.pem", body, StringComparison.Ordinal);
        Assert.Contains("failed to resolve auth.tokenSource", body, StringComparison.Ordinal);

        var proxy = new Proxy("free", echo.Port, Ports.Next());
        await ClientAsync(server.Port, [], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        Assert.Equal(0, server.Program.Output.Count("success reload conf"));

        // Lenient, unknown keys are none of our business.
        await File.WriteAllTextAsync(server.File, ReloadingServer.Text(server.Port, server.WebPort, ["whatever = 1"]), TestContext.Current.CancellationToken);
        using var lenient = await GetAsync(server.WebPort, "/api/reload");
        Assert.Equal(HttpStatusCode.OK, lenient.StatusCode);
    }

    [Fact]
    public async Task A_server_without_a_file_says_so()
    {
        var (port, webPort) = (Ports.Next(), Ports.Next());
        var server = Work.Run("frps", "--bind_addr", "127.0.0.1", "-p", $"{port}", "--dashboard_addr", "127.0.0.1", "--dashboard_port", $"{webPort}", "--dashboard_user", "", "--dashboard_pwd", "");
        await server.WaitForTextAsync(Started);
        using var answer = await GetAsync(webPort, "/api/reload");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("{\"Code\":400,\"Msg\":\"invalid argument: frps has no config file path\"}\n", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Its_port_is_opened_before_the_token_is_asked_for()
    {
        await using var other = TcpService.Echo();
        string source = "auth.tokenSource = { type = \"file\", file = { path = \"nobody\" } }";
        var taken = Work.Run("frps", "-c", Work.Write(ReloadingServer.Text(Ports.Next(), other.Port, [source])));
        Assert.Equal(1, await taken.WaitForExitAsync());
        Assert.Contains($"listen tcp 127.0.0.1:{other.Port}: ", taken.Output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("tokenSource", taken.Output.ToString(), StringComparison.Ordinal);
        var (port, webPort) = (Ports.Next(), Ports.Next());
        var unresolved = Work.Run("frps", "-c", Work.Write(ReloadingServer.Text(port, webPort, [source])));
        Assert.Equal(1, await unresolved.WaitForExitAsync());
        Assert.Contains("failed to resolve auth.tokenSource: ", unresolved.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_certificate_can_be_exchanged()
    {
        using var authority = new CertificateFolder(Work.Folder, "authority");
        var (cert, key, _) = authority.Issue("one.example");
        var (otherCert, otherKey, _) = authority.Issue("two.example");
        string[] Lines(string c, string k) => [$"webServer.tls.certFile = \"{c}\"", $"webServer.tls.keyFile = \"{k}\""];
        var server = await StartAsync(Lines(cert, key));
        var (shown, status, _) = await ReloadAsync();
        Assert.Equal(("CN=one.example", HttpStatusCode.OK), (shown, status));
        await File.WriteAllTextAsync(server.File, ReloadingServer.Text(server.Port, server.WebPort, Lines(otherCert, key)), TestContext.Current.CancellationToken);
        (_, status, string body) = await ReloadAsync();
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("webServer.tls: failed to load certificate", body, StringComparison.Ordinal);
        await File.WriteAllTextAsync(server.File, ReloadingServer.Text(server.Port, server.WebPort, Lines(otherCert, otherKey)), TestContext.Current.CancellationToken);
        (shown, status, _) = await ReloadAsync();
        Assert.Equal(("CN=one.example", HttpStatusCode.OK), (shown, status));
        (shown, _, _) = await ReloadAsync();
        Assert.Equal("CN=two.example", shown);

        async Task<(string Subject, HttpStatusCode Status, string Body)> ReloadAsync()
        {
            string subject = "";
            using var client = new HttpClient(new SocketsHttpHandler
            {
                SslOptions = new SslClientAuthenticationOptions
                {
                    RemoteCertificateValidationCallback = (_, certificate, _, _) => (subject = new X509Certificate2(certificate!).Subject).Length > 0,
                },
            });
            using var answer = await client.GetAsync(new Uri($"https://127.0.0.1:{server.WebPort}/api/reload"));
            return (subject, answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }
    }
}
