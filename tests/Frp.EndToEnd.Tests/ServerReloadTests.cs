using System.Net;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Each key that a running server takes over is seen to act, and nobody is dropped for it.</summary>
public sealed class ServerReloadTests : ReloadTest
{
    [Fact]
    public async Task Ports_that_are_allowed_no_longer_stay_with_who_has_them()
    {
        await using var echo = TcpService.Echo();
        var (held, wanted) = (new Proxy("held", echo.Port, Ports.Next()), new Proxy("wanted", echo.Port, Ports.Next()));
        var server = await StartAsync(Single(held.RemotePort, wanted.RemotePort));
        var client = await ClientAsync(server.Port, [], held);
        using var user = await User.ConnectAsync(held.RemotePort);
        await user.EchoAsync();

        await server.ReloadAsync(Single(1));
        await server.Program.WaitForTextAsync("success reload conf: allowPorts");
        await user.EchoAsync();
        await User.EchoOnceAsync(held.RemotePort);
        var second = StartClient(server.Port, ["user = \"other\""], wanted);
        await second.WaitForTextAsync("[wanted] start error: port not allowed");
        Assert.Equal(1, client.Output.Count("login to server success"));
    }

    [Fact]
    public async Task Sessions_keep_the_token_that_they_logged_in_with()
    {
        const string Scopes = "auth.additionalScopes = [\"HeartBeats\", \"NewWorkConns\"]";
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("old", echo.Port, Ports.Next(), Proxy.Encrypted);
        var server = await StartAsync("auth.token = \"old\"", Scopes, "log.level = \"debug\"");
        var client = await ClientAsync(server.Port, ["auth.token = \"old\"", Scopes, "transport.heartbeatInterval = 1"], proxy);
        using var user = await User.ConnectAsync(proxy.RemotePort);
        await user.EchoAsync();

        await server.ReloadAsync("auth.token = \"new\"", Scopes, "log.level = \"debug\"");
        await user.EchoAsync();
        for (int i = 0; i < 3; i++) await User.EchoOnceAsync(proxy.RemotePort); // on work connections that come now, and are encrypted
        await server.Program.WaitForTextAsync("receive heartbeat", server.Program.Output.Count("receive heartbeat") + 2);
        Assert.Equal(1, client.Output.Count("login to server success"));

        var late = Work.Run("frpc", "-c", Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {server.Port}\nauth.token = \"old\"\n"));
        Assert.Equal(1, await late.WaitForExitAsync());
        Assert.Contains("token in login doesn't match", late.Output.ToString(), StringComparison.Ordinal);
        var fresh = new Proxy("new", echo.Port, Ports.Next(), Proxy.Encrypted);
        await ClientAsync(server.Port, ["auth.token = \"new\"", Scopes], fresh);
        await User.EchoOnceAsync(fresh.RemotePort);
    }

    [Fact]
    public async Task The_source_of_the_token_is_asked_again()
    {
        string source = Work.Write("old\n"), line = $"auth.tokenSource = {{ type = \"file\", file = {{ path = \"{source}\" }} }}";
        await using var echo = TcpService.Echo();
        var server = await StartAsync(line);
        await ClientAsync(server.Port, ["auth.token = \"old\""], new Proxy("old", echo.Port, Ports.Next()));
        await File.WriteAllTextAsync(source, "new\n", TestContext.Current.CancellationToken);
        await server.ReloadAsync(line);
        await ClientAsync(server.Port, ["auth.token = \"new\""], new Proxy("new", echo.Port, Ports.Next()));

        File.Delete(source);
        var (status, body) = await server.TryReloadAsync(line);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("failed to resolve auth.tokenSource: ", body, StringComparison.Ordinal);
        await ClientAsync(server.Port, ["auth.token = \"new\""], new Proxy("newer", echo.Port, Ports.Next()));
    }

    [Fact]
    public async Task Clients_see_the_new_certificate_and_nobody_a_broken_one()
    {
        string? openssl = ForeignPrograms.Find("openssl");
        Assert.SkipWhen(openssl is null, "openssl is not installed");
        using var authority = new CertificateFolder(Work.Folder, "authority");
        var (cert, key, _) = authority.Issue("one.example");
        var (otherCert, otherKey, _) = authority.Issue("two.example");
        string[] lines = [$"transport.tls.certFile = \"{cert}\"", $"transport.tls.keyFile = \"{key}\""];
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("steady", echo.Port, Ports.Next());
        var server = await StartAsync(lines);
        var client = await ClientAsync(server.Port, [$"transport.tls.trustedCaFile = \"{authority.CaFile}\"", "transport.tls.serverName = \"one.example\""], proxy);
        using var user = await User.ConnectAsync(proxy.RemotePort);
        await user.EchoAsync();
        Assert.Equal("one.example", await ShownAsync());

        // The same names, another content.
        File.Copy(otherCert, cert, overwrite: true);
        var (status, body) = await server.TryReloadAsync([.. lines, Single(1)]);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains($"failed to load certificate \\\"{cert}\\\" with private key \\\"{key}\\\"", body, StringComparison.Ordinal);
        Assert.Equal("one.example", await ShownAsync());
        var late = new Proxy("late", echo.Port, Ports.Next());
        await ClientAsync(server.Port, ["user = \"late\""], late); // allowPorts was not taken over either
        Assert.Equal(0, server.Program.Output.Count("success reload conf"));

        File.Copy(otherKey, key, overwrite: true);
        await server.ReloadAsync(lines);
        Assert.Equal("two.example", await ShownAsync());
        await user.EchoAsync();
        await User.EchoOnceAsync(proxy.RemotePort);
        Assert.Equal(1, client.Output.Count("login to server success"));

        async Task<string> ShownAsync()
        {
            var run = Work.RunForeign(openssl!, "s_client", "-connect", $"127.0.0.1:{server.Port}");
            await run.WaitForExitAsync();
            string subject = run.Output.ToString().Split('\n').First(line => line.StartsWith("subject=", StringComparison.Ordinal));
            return subject[(subject.LastIndexOf('=') + 1)..].Trim();
        }
    }

    [Fact]
    public async Task Certificates_of_clients_are_demanded_from_then_on()
    {
        using var authority = new CertificateFolder(Work.Folder, "authority");
        var (cert, key, _) = authority.Issue("frpc.example");
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("steady", echo.Port, Ports.Next());
        var server = await StartAsync();
        await ClientAsync(server.Port, [], proxy);
        using var user = await User.ConnectAsync(proxy.RemotePort);
        await server.ReloadAsync($"transport.tls.trustedCaFile = \"{authority.CaFile}\"");
        await user.EchoAsync();
        StartClient(server.Port, ["user = \"stranger\""]);
        await server.Program.WaitForTextAsync("client certificate refused: no certificate was presented");
        StartClient(server.Port, ["user = \"clear\"", Clear]);
        await server.Program.WaitForTextAsync("clear text refused: TLS is required");
        var known = new Proxy("known", echo.Port, Ports.Next());
        await ClientAsync(server.Port, ["user = \"known\"", $"transport.tls.certFile = \"{cert}\"", $"transport.tls.keyFile = \"{key}\""], known);
        await server.ReloadAsync();
        await ClientAsync(server.Port, ["user = \"clear2\"", Clear], new Proxy("clear", echo.Port, Ports.Next()));
    }

    [Fact]
    public async Task The_log_says_more_or_less()
    {
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("talk", echo.Port, Ports.Next());
        var server = await StartAsync();
        await ClientAsync(server.Port, [], proxy);
        // The users stay, so that what is said at their end is not said at another level than they came at.
        using var first = await UserAsync();
        Assert.Equal(0, server.Program.Output.Count("[D] "));
        await server.ReloadAsync("log.level = \"debug\"");
        using (var second = await UserAsync())
        {
            second.CompleteWrites();
            await second.ReceiveToEndAsync();
            await server.Program.WaitForTextAsync("[D] [server/proxy:4] ");
        }
        await server.ReloadAsync("log.level = \"error\"");
        using var third = await UserAsync();
        await server.ReloadAsync("log.level = \"info\"");
        await server.Program.WaitForTextAsync("success reload conf: log.level", 2); // the second of three would have been below the level
        Assert.Equal(2, server.Program.Output.Count("get a user connection"));
        Assert.Equal(1, server.Program.Output.Count("[D] [server/proxy:4] "));

        async Task<User> UserAsync()
        {
            var user = await User.ConnectAsync(proxy.RemotePort);
            await user.EchoAsync();
            return user;
        }
    }

    [Fact]
    public async Task A_transfer_does_not_notice_fifty_reloads()
    {
        await using var service = TcpService.Transfers();
        var proxy = new Proxy("bulk", service.Port, Ports.Next(), Proxy.Encrypted);
        var server = await StartAsync("auth.token = \"0\"");
        var client = await ClientAsync(server.Port, ["auth.token = \"0\""], proxy);
        using var user = await User.ConnectAsync(proxy.RemotePort);
        var transfer = user.TransferAsync(32 << 20, 32 << 20);
        for (int i = 1; i <= 50; i++)
        {
            await server.ReloadAsync($"auth.token = \"{i}\"", i % 2 == 0 ? Single(1) : "transport.tls.force = true", $"userConnTimeout = {i + 10}");
        }
        Assert.True(await transfer.Soon());
        using var again = await User.ConnectAsync(proxy.RemotePort);
        Assert.True(await again.TransferAsync(1000, 1000).Soon());
        Assert.Equal(1, client.Output.Count("login to server success"));
        await server.Program.WaitForTextAsync("success reload conf: ", 50); // the log is written behind what it tells of
        Assert.Equal(50, server.Program.Output.Count("success reload conf: "));
    }

    [Fact]
    public async Task Limits_hold_for_what_begins_from_then_on()
    {
        await using var echo = TcpService.Echo();
        Proxy[] before = [new("a", echo.Port, Ports.Next()), new("b", echo.Port, Ports.Next())];
        var server = await StartAsync();
        await ClientAsync(server.Port, ["transport.poolCount = 4"], before);
        await HoldsAsync("4 idle work connections");
        await server.ReloadAsync("maxPortsPerClient = 1", "transport.maxPoolCount = 2", "detailedErrorsToClient = false");
        foreach (var proxy in before) await User.EchoOnceAsync(proxy.RemotePort);
        await HoldsAsync("4 idle work connections");
        var client = StartClient(server.Port, ["user = \"other\"", "transport.poolCount = 4"], new Proxy("c", echo.Port, Ports.Next()), new Proxy("d", echo.Port, Ports.Next()));
        await server.Program.WaitForTextAsync("error: exceed the max_ports_per_client");
        await client.WaitForTextAsync("start proxy success");
        await client.WaitForTextAsync("start error: new proxy [other.");
        await HoldsAsync("2 sessions, 3 proxies, 6 idle work connections");

        Task HoldsAsync(string state) => Patience.UntilAsync(async () =>
        {
            using var answer = await GetAsync(server.WebPort, "/debug/pprof/goroutine?debug=2");
            return (await answer.Content.ReadAsStringAsync()).Contains(state, StringComparison.Ordinal);
        }, () => $"the server does not hold {state}");
    }

    [Fact]
    public async Task A_timeout_is_a_new_session_s_or_a_new_user_s()
    {
        var server = await StartAsync(NoMux, "userConnTimeout = 600", "transport.heartbeatTimeout = 600");
        using var patient = await LoginAsync();
        await server.ReloadAsync(NoMux, "userConnTimeout = 600", "transport.heartbeatTimeout = 1");
        using var hasty = await LoginAsync();
        await hasty.WaitForEndAsync();
        await server.Program.WaitForTextAsync("heartbeat timeout");
        Assert.False(patient.Socket.Poll(0, System.Net.Sockets.SelectMode.SelectRead));

        // A client whose way to the server is blocked yields no work connections, and has none in stock.
        const string Long = "transport.heartbeatTimeout = 600", NoStock = "transport.maxPoolCount = -1";
        await server.ReloadAsync(NoMux, Long, NoStock, "userConnTimeout = 600");
        await using var echo = TcpService.Echo();
        await using var wire = new FaultyWire(server.Port);
        var proxy = new Proxy("stuck", echo.Port, Ports.Next());
        await ClientAsync(wire.Port, [NoMux], proxy);
        wire.Swallow(newOnes: true);
        await server.ReloadAsync(NoMux, Long, NoStock, "userConnTimeout = 1");
        using var user = await User.ConnectAsync(proxy.RemotePort);
        await user.WaitForEndAsync();
        await server.Program.WaitForTextAsync("timeout trying to get work connection");

        async Task<User> LoginAsync()
        {
            var client = await User.ConnectAsync(server.Port);
            await client.SendAsync(RawClient.Login(""));
            await RawClient.ReceiveAnswerAsync(client);
            return client;
        }
    }
}
