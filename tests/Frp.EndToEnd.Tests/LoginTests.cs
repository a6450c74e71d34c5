using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Who may come in, and what is said about it.</summary>
public sealed class LoginTests : TunnelTest
{
    private const string TokenRefused = "token in login doesn't match token from configuration";

    [Theory]
    [InlineData("v1", "")]
    [InlineData("v2", "")]
    [InlineData("v1", NoMux)]
    [InlineData("v2", NoMux)]
    public async Task A_wrong_token_ends_the_client(string wire, string carrier)
    {
        int port = Ports.Next();
        var server = await ServerAsync(port, "auth.token = \"right\"", carrier);
        var client = Work.Run("frpc", "-c", Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {port}\nauth.token = \"wrong\"\ntransport.wireProtocol = \"{wire}\"\n{carrier}\n"));
        Assert.Equal(1, await client.WaitForExitAsync());
        Assert.Contains($"login to the server failed: {TokenRefused}. With loginFailExit enabled, no additional retries will be attempted", client.Output.ToString(), StringComparison.Ordinal);
        Assert.Empty(client.Errors.ToString());
        await server.WaitForTextAsync($"register control error: {TokenRefused}");
    }

    [Fact]
    public async Task A_client_that_may_not_exit_tries_again()
    {
        int port = Ports.Next();
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("late", echo.Port, Ports.Next());
        var client = StartClient(port, [], proxy);
        await client.WaitForTextAsync("connect to server error: ");
        await ServerAsync(port);
        await client.WaitForTextAsync(proxy.Started);
        await User.EchoOnceAsync(proxy.RemotePort);
    }

    [Fact]
    public async Task A_server_that_is_not_there_ends_the_client()
    {
        var client = Work.Run("frpc", "-c", Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {Ports.Next()}\n"));
        Assert.Equal(1, await client.WaitForExitAsync());
        Assert.Contains("login to the server failed: ", client.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Details_can_be_kept_from_clients()
    {
        int port = Ports.Next();
        var server = await ServerAsync(port, "auth.token = \"right\"", "detailedErrorsToClient = false", "allowPorts = [{ single = 1 }]");
        var stranger = Work.Run("frpc", "-c", Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {port}\nauth.token = \"wrong\"\n"));
        Assert.Equal(1, await stranger.WaitForExitAsync());
        Assert.Contains("login to the server failed: register control error. With", stranger.Output.ToString(), StringComparison.Ordinal);
        await server.WaitForTextAsync($"register control error: {TokenRefused}");
        var client = StartClient(port, ["auth.token = \"right\""], new Proxy("closed", 1, Ports.Next()));
        await client.WaitForTextAsync("[closed] start error: new proxy [closed] error");
        await server.WaitForTextAsync("new proxy [closed] type [tcp] error: port not allowed");
        Assert.Equal(0, client.Output.Count("not allowed"));
    }

    [Fact]
    public async Task A_login_with_the_run_ID_of_another_takes_its_place()
    {
        const string Secret = "secret";
        int port = Ports.Next();
        var server = await ServerAsync(port, NoMux, $"auth.token = \"{Secret}\"");
        using var first = await User.ConnectAsync(port);
        await first.SendAsync(RawClient.Login(Secret));
        string? runId = (await RawClient.ReceiveAnswerAsync(first)).Body.GetProperty("run_id").GetString();
        Assert.NotNull(runId);

        // A stranger without the token changes nothing.
        using var stranger = await User.ConnectAsync(port);
        await stranger.SendAsync(RawClient.Login("guess", runId));
        var (_, refusal) = await RawClient.ReceiveAnswerAsync(stranger);
        Assert.Equal(TokenRefused, refusal.GetProperty("error").GetString());
        Assert.Equal(0, server.Output.Count("replaced by client"));

        // The same client again: the old session has gone when the answer comes.
        using var second = await User.ConnectAsync(port);
        await second.SendAsync(RawClient.Login(Secret, runId));
        Assert.Equal(runId, (await RawClient.ReceiveAnswerAsync(second)).Body.GetProperty("run_id").GetString());
        await first.WaitForEndAsync();
        await server.WaitForTextAsync($"replaced by client [{runId}]");
        await server.WaitForTextAsync("client exit success");
    }

    [Theory]
    [InlineData("")]
    [InlineData(NoMux)]
    public async Task A_client_whose_place_was_taken_takes_it_back(string carrier)
    {
        const string Secret = "secret", Marker = "get run id [";
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("place", echo.Port, Ports.Next());
        int port = Ports.Next();
        var server = await ServerAsync(port, carrier, $"auth.token = \"{Secret}\"");
        var client = await ClientAsync(port, [carrier, $"auth.token = \"{Secret}\""], proxy);
        string output = client.Output.ToString(), runId = output[(output.IndexOf(Marker, StringComparison.Ordinal) + Marker.Length)..].Split(']')[0];
        using var newcomer = await User.ConnectAsync(port);
        await newcomer.SendAsync(carrier.Length > 0 ? RawClient.Login(Secret, runId) : RawClient.InStream(RawClient.Login(Secret, runId)));
        await server.WaitForTextAsync("close proxy [place] success");
        await client.WaitForTextAsync(proxy.Started, 2);
        await User.EchoOnceAsync(proxy.RemotePort);
        Assert.Equal(2, client.Output.Count($"login to server success, get run id [{runId}]"));
    }

    [Fact]
    public async Task What_a_peer_says_cannot_forge_the_log()
    {
        int port = Ports.Next();
        var server = await ServerAsync(port, NoMux);
        using var peer = await User.ConnectAsync(port);
        await peer.SendAsync(RawClient.Login("", hostname: "pc\n2026-01-01 00:00:00.000 [I] forged \u001b[2J\u0007\r\u0085\u202e end"));
        await RawClient.ReceiveAnswerAsync(peer);
        await server.WaitForTextAsync("client login info: ip [127.0.0.1");
        await server.WaitForTextAsync(" end"); // and the rest of what the peer said
        string line = Assert.Single(server.Output.ToString().Split('\n'), l => l.Contains("client login info", StringComparison.Ordinal));
        Assert.Contains("forged", line, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b[2J", line, StringComparison.Ordinal);
        string said = line[line.IndexOf("hostname", StringComparison.Ordinal)..line.IndexOf("forged", StringComparison.Ordinal)];
        Assert.DoesNotContain(said, c => char.IsControl(c));
        Assert.DoesNotContain(line[line.IndexOf("forged", StringComparison.Ordinal)..line.IndexOf(" end", StringComparison.Ordinal)], c => char.IsControl(c) || c is '\u202e');
    }

    [Theory]
    [InlineData("tcp", "")]
    [InlineData("tcp", NoMux)]
    [InlineData("websocket", "")]
    public async Task A_server_that_forces_TLS_refuses_clear_clients(string protocol, string carrier)
    {
        int port = Ports.Next();
        await using var echo = TcpService.Echo();
        var server = await ServerAsync(port, "transport.tls.force = true", carrier);
        var clear = Work.Run("frpc", "-c", Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {port}\ntransport.protocol = \"{protocol}\"\n{Clear}\n{carrier}\n"));
        Assert.Equal(1, await clear.WaitForExitAsync());
        await server.WaitForTextAsync("connection from [");
        Assert.Equal(0, server.Output.Count("client login info"));
        var proxy = new Proxy("safe", echo.Port, Ports.Next());
        await ClientAsync(port, [$"transport.protocol = \"{protocol}\"", carrier], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("websocket")]
    public async Task Certificates_decide_on_both_sides(string protocol)
    {
        using var authority = new CertificateFolder(Work.Folder, "authority");
        using var other = new CertificateFolder(Work.Folder, "other");
        var (serverCert, serverKey, _) = authority.Issue("frps.example");
        var (clientCert, clientKey, _) = authority.Issue("frpc.example");
        var (strangerCert, strangerKey, _) = other.Issue("frpc.example");
        int port = Ports.Next();
        await using var echo = TcpService.Echo();
        var server = await ServerAsync(port,
            $"transport.tls.certFile = \"{serverCert}\"", $"transport.tls.keyFile = \"{serverKey}\"", $"transport.tls.trustedCaFile = \"{authority.CaFile}\"");
        string Client(string cert, string key, string ca, string name) => $"""
            serverAddr = "127.0.0.1"
            serverPort = {port}
            transport.protocol = "{protocol}"
            transport.tls.certFile = "{cert}"
            transport.tls.keyFile = "{key}"
            transport.tls.trustedCaFile = "{ca}"
            transport.tls.serverName = "{name}"

            """;

        (string Config, RunningProgram? Judge, string Line)[] refused =
        [
            (Client(strangerCert, strangerKey, authority.CaFile, "frps.example"), server, "] refused: client certificate refused: certificate signed by unknown authority"),
            (Client("", "", authority.CaFile, "frps.example"), server, "] refused: client certificate refused: no certificate was presented"),
            (Client(clientCert, clientKey, other.CaFile, "frps.example"), null, "connect to server error: server certificate refused: certificate signed by unknown authority"),
            (Client(clientCert, clientKey, authority.CaFile, "elsewhere.example"), null, "connect to server error: server certificate refused: "),
        ];
        foreach (var (config, judge, line) in refused)
        {
            var client = Work.Run("frpc", "-c", Work.Write(config));
            Assert.Equal(1, await client.WaitForExitAsync());
            Assert.Contains("login to the server failed: ", client.Output.ToString(), StringComparison.Ordinal);
            await (judge ?? client).WaitForTextAsync(line);
        }
        Assert.Equal(0, server.Output.Count("client login info"));

        var proxy = new Proxy("known", echo.Port, Ports.Next());
        var accepted = Work.Run("frpc", "-c", Work.Write(Client(clientCert, clientKey, authority.CaFile, "frps.example") + proxy));
        await accepted.WaitForTextAsync(proxy.Started);
        await User.EchoOnceAsync(proxy.RemotePort);
    }
}
