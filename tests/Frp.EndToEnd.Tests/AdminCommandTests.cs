using System.Net.Sockets;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary><c>reload</c>, <c>status</c> and <c>stop</c>: what they ask, and what they make of the answer.</summary>
public sealed class AdminCommandTests : TunnelTest
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    private const string Authorization = "Authorization: Basic dTpwOng="; // u:p:x

    [Theory]
    [InlineData("frpc reload", "GET /api/reload?strictConfig=true HTTP/1.1", "reload success\n")]
    [InlineData("frpc reload --strict_config=false", "GET /api/reload HTTP/1.1", "reload success\n")]
    [InlineData("frps reload", "GET /api/reload?strictConfig=true HTTP/1.1", "reload success\n")]
    [InlineData("frpc stop", "POST /api/stop HTTP/1.1", "stop success\n")]
    public async Task A_command_asks_the_running_program(string command, string request, string expected)
    {
        await using var api = new FakeApi(Ok);
        var run = Run(command, $"webServer.addr = \"0.0.0.0\"\nwebServer.port = {api.Port}\nwebServer.user = \"u\"\nwebServer.password = \"p:x\"\n");
        Assert.Equal(0, await run.WaitForExitAsync());
        Assert.Equal(expected, run.Output.ToString());
        Assert.Empty(run.Errors.ToString());
        string[] head = Assert.Single(api.Requests).Split("\r\n");
        Assert.Equal(request, head[0]);
        Assert.Contains(Authorization, head);
        Assert.Contains($"Host: 127.0.0.1:{api.Port}", head);
    }

    [Fact]
    public async Task An_answer_in_chunks_is_read_whole()
    {
        string[] pieces = ["{\"udp\":[{\"name\":\"u\",\"status\":\"run", "ning\",\"err\":\"\"}],\"unheard-of\":[{\"name\":\"x\"}]}"];
        await using var api = new FakeApi("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + string.Concat(pieces.Select(p => $"{p.Length:x}\r\n{p}\r\n")) + "0\r\n\r\n");
        var run = Run("frpc status", $"webServer.port = {api.Port}\n");
        Assert.Equal(0, await run.WaitForExitAsync());
        const string Titles = "Name  Status   LocalAddr  Plugin  RemoteAddr  Error  ";
        Assert.Equal($"Proxy Status...\n\nUDP\n{Titles}\n{"u     running".PadRight(Titles.Length)}\n\n", run.Output.ToString());
        Assert.DoesNotContain("Authorization", Assert.Single(api.Requests), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("400 Bad Request", "{\"Code\":400,\"Msg\":\"invalid argument: one\\ntwo\"}", "api status code [400]: invalid argument: one\ntwo\n")]
    [InlineData("400 Bad Request", "{\"Code\":400,\"Msg\":\"\\ud800\"}", "api status code [400]\n")]
    [InlineData("401 Unauthorized", "Unauthorized\n", "api status code [401]\n")]
    [InlineData("301 Moved Permanently", "", "api status code [301]\n")]
    public async Task Another_answer_than_success_fails_the_command(string status, string body, string expected)
    {
        await using var api = new FakeApi($"HTTP/1.1 {status}\r\nLocation: /elsewhere\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        var run = Run("frpc reload", $"webServer.port = {api.Port}\n");
        Assert.Equal(1, await run.WaitForExitAsync());
        Assert.Equal(expected, run.Output.ToString());
        Assert.Empty(run.Errors.ToString());
    }

    [Fact]
    public async Task Nobody_there_and_nobody_answering()
    {
        int port = Ports.Next();
        var run = Run("frpc stop", $"webServer.port = {port}\n");
        Assert.Equal(1, await run.WaitForExitAsync());
        Assert.StartsWith($"POST http://127.0.0.1:{port}/api/stop: ", run.Output.ToString(), StringComparison.Ordinal);

        await using var api = new FakeApi(null);
        run = Run("frpc status --api-timeout 200ms", $"webServer.port = {api.Port}\n");
        Assert.Equal(1, await run.WaitForExitAsync());
        Assert.Equal($"GET http://127.0.0.1:{api.Port}/api/status: no answer within 0.2 s\n", run.Output.ToString());
    }

    [Theory]
    [InlineData("frps reload")]
    [InlineData("frpc stop")]
    public async Task A_file_without_a_web_server_says_nothing_about_where_to_ask(string command)
    {
        var run = Run(command, "");
        Assert.Equal(1, await run.WaitForExitAsync());
        Assert.Equal("web server port should be set if you want to use this feature\n", run.Output.ToString());
    }

    [Fact]
    public async Task A_real_client_shows_its_proxies_reloads_and_stops()
    {
        await using var echo = TcpService.Echo();
        Proxy first = new("ssh", echo.Port, Ports.Next()), second = new("added", echo.Port, Ports.Next());
        int port = Ports.Next();
        string common = $"serverAddr = \"127.0.0.1\"\nserverPort = {port}\nwebServer.port = {Ports.Next()}\nwebServer.user = \"admin\"\nwebServer.password = \"pw\"\n";
        var server = await ServerAsync(port);
        string file = Work.Write(common + first);
        var client = Work.Run("frpc", "-c", file);
        await client.WaitForTextAsync(first.Started);

        var status = await CommandAsync("status", file);
        Assert.Equal(
            "Proxy Status...\n\nTCP\n"
            + $"Name  Status   LocalAddr        Plugin  RemoteAddr       Error  \nssh   running  127.0.0.1:{echo.Port}          127.0.0.1:{first.RemotePort}         \n\n", status);

        File.WriteAllText(file, common + first + second);
        Assert.Equal("reload success\n", await CommandAsync("reload", file));
        await client.WaitForTextAsync(second.Started);
        Assert.Contains("added  running ", await CommandAsync("status", file), StringComparison.Ordinal);

        // What is wrong is found in the file before anybody is asked, if it cannot be read; else it is the client that says so.
        File.WriteAllText(file, common + first + first);
        var reload = Work.Run("frpc", "reload", "-c", file);
        Assert.Equal(1, await reload.WaitForExitAsync());
        Assert.StartsWith("api status code [400]: invalid argument: ", reload.Output.ToString(), StringComparison.Ordinal);
        Assert.Contains("proxy name [ssh] is duplicated", reload.Output.ToString(), StringComparison.Ordinal);
        await User.EchoOnceAsync(second.RemotePort);

        // Without a session there is nothing to show.
        await server.KillAsync();
        await client.WaitForTextAsync("connect to server error");
        Assert.Equal("Proxy Status...\n\n", await CommandAsync("status", file));

        // A file that would not run is good enough to find the client with.
        Assert.Equal("stop success\n", await CommandAsync("stop", file));
        Assert.Equal(0, await client.WaitForExitAsync());
    }

    [Fact]
    public async Task A_real_server_reloads_and_names_what_waits_for_a_restart()
    {
        int port = Ports.Next(), web = Ports.Next();
        string Config(string level, string more) => $"bindAddr = \"127.0.0.1\"\nbindPort = {port}\nwebServer.port = {web}\nlog.level = \"{level}\"\n{more}\n";
        string file = Work.Write(Config("info", ""));
        var server = Work.Run("frps", "-c", file);
        await server.WaitForTextAsync(Started);
        File.WriteAllText(file, Config("debug", ""));
        Assert.Equal("reload success\n", await CommandAsync("reload", file, "frps"));
        File.WriteAllText(file, Config("debug", "subDomainHost = \"a.test\""));
        Assert.Equal("reload success\nchanged, but only a restart applies it: subDomainHost\n", await CommandAsync("reload", file, "frps"));
        File.WriteAllText(file, Config("loud", ""));
        var bad = Work.Run("frps", "reload", "-c", file);
        Assert.Equal(1, await bad.WaitForExitAsync());
        Assert.StartsWith("api status code [400]: invalid argument: ", bad.Output.ToString(), StringComparison.Ordinal);
        Assert.Contains("invalid log level", bad.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_with_https_is_asked_by_https_and_known_by_its_certificate()
    {
        using var certificates = new CertificateFolder(Work.Folder, "authority");
        var (cert, key, _) = certificates.Issue("admin.test");
        var (other, _, _) = certificates.Issue("other.test");
        string Config(int port, string certificate) => $"serverAddr = \"127.0.0.1\"\nserverPort = {Ports.Next()}\nloginFailExit = false\nwebServer.port = {port}\nwebServer.tls.certFile = \"{certificate}\"\nwebServer.tls.keyFile = \"{key}\"\n";
        int admin = Ports.Next();
        string file = Work.Write(Config(admin, cert));
        var client = Work.Run("frpc", "-c", file);
        await client.WaitForTextAsync("admin server listen on");
        Assert.Equal("Proxy Status...\n\n", await CommandAsync("status", file));
        var mistaken = Work.Run("frpc", "status", "-c", Work.Write(Config(admin, other)));
        Assert.Equal(1, await mistaken.WaitForExitAsync());
        Assert.StartsWith($"GET https://127.0.0.1:{admin}/api/status: ", mistaken.Output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_server_whose_certificate_was_renewed_in_its_place_is_known_and_reads_it(bool authorityInFile)
    {
        using var certificates = new CertificateFolder(Work.Folder, "authority");
        string cert = Renew(), key = Path.ChangeExtension(cert, ".key");
        int web = Ports.Next();
        string file = Work.Write($"bindAddr = \"127.0.0.1\"\nbindPort = {Ports.Next()}\nwebServer.port = {web}\nwebServer.tls.certFile = \"{cert}\"\nwebServer.tls.keyFile = \"{key}\"\n");
        var server = Work.Run("frps", "-c", file);
        await server.WaitForTextAsync(Started);
        string first = await ShownAsync();
        Renew(); // which the server may see by itself before the command comes, or after it: to the user that is the same
        var reload = Work.Run("frps", authorityInFile ? new() : new Dictionary<string, string> { ["SSL_CERT_FILE"] = certificates.CaFile }, "reload", "-c", file);
        Assert.Equal(0, await reload.WaitForExitAsync());
        Assert.Equal("reload success\n", reload.Output.ToString());
        Assert.NotEqual(first, await ShownAsync());
        Assert.Equal("reload success\n", await CommandAsync("reload", file, "frps"));

        string Renew()
        {
            string renewed = certificates.Issue("admin.test").Cert;
            if (authorityInFile) File.AppendAllText(renewed, File.ReadAllText(certificates.CaFile));
            return renewed;
        }

        async Task<string> ShownAsync()
        {
            string shown = "";
            using var handler = new SocketsHttpHandler();
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => (shown = certificate!.GetSerialNumberString()).Length > 0;
            using var http = new HttpClient(handler) { Timeout = Patience.Limit };
            await http.GetStringAsync(new Uri($"https://127.0.0.1:{web}/healthz"), TestContext.Current.CancellationToken);
            return shown;
        }
    }

    private async Task<string> CommandAsync(string command, string file, string program = "frpc")
    {
        var run = Work.Run(program, command, "-c", file);
        Assert.True(await run.WaitForExitAsync() == 0, run.Output.ToString());
        return run.Output.ToString();
    }

    private RunningProgram Run(string command, string config)
    {
        string[] words = command.Split(' ');
        return Work.Run(words[0], [.. words[1..], "-c", Work.Write(config)]);
    }

    /// <summary>Answers every request with the same bytes, or not at all.</summary>
    private sealed class FakeApi : IAsyncDisposable
    {
        private readonly TcpService _service;
        private readonly string? _answer;

        internal FakeApi(string? answer)
        {
            _answer = answer;
            _service = TcpService.Start(AnswerAsync);
        }

        internal int Port => _service.Port;

        internal List<string> Requests { get; } = [];

        public ValueTask DisposeAsync() => _service.DisposeAsync();

        private async Task AnswerAsync(Socket socket)
        {
            var head = new StringBuilder();
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal)) head.Append((char)(await socket.ReceiveExactlyAsync(1))[0]);
            lock (Requests) Requests.Add(head.ToString());
            if (_answer is not null) await socket.SendAllAsync(Encoding.Latin1.GetBytes(_answer));
            await socket.ReceiveToEndAsync();
        }
    }
}
