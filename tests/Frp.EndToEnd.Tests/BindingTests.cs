using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Proofs that are bound to TLS, and clocks that are wrong.</summary>
public sealed class BindingTests : SecretTunnelTest
{
    private const string Bound = "auth.tlsBinding = true";
    private const string Token = "auth.token = \"shared\"";
    private const string Scopes = "auth.additionalScopes = [\"HeartBeats\", \"NewWorkConns\"]";
    private const string Wrong = "token in login doesn't match token from configuration";

    [Theory]
    [InlineData("v1", "tcp", "")]
    [InlineData("v2", "tcp", "")]
    [InlineData("v1", "tcp", NoMux)]
    [InlineData("v2", "websocket", "")]
    [InlineData("v1", "websocket", NoMux)]
    public async Task Everything_works_with_bound_proofs(string wire, string protocol, string mux)
    {
        int port = Ports.Next();
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("bound", echo.Port, Ports.Next());
        var visitor = new Visitor("door", "secret", Ports.Next());
        string[] common = [Token, Bound, Scopes, mux];
        string[] way = [.. common, $"transport.wireProtocol = \"{wire}\"", $"transport.protocol = \"{protocol}\""];
        await ServerAsync(port, common);
        var client = await ClientAsync(port, [.. way, "transport.heartbeatInterval = 1", "log.level = \"debug\""], proxy);
        await OfferAsync(port, way, new SecretProxy("secret", echo.Port));
        await VisitAsync(port, way, visitor);
        foreach (int door in (int[])[proxy.RemotePort, proxy.RemotePort, proxy.RemotePort, visitor.Port]) await User.EchoOnceAsync(door);
        await client.WaitForTextAsync("receive heartbeat from server", 2);
        Assert.Equal(0, client.Output.Count("doesn't match"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_poses_as_the_server_gets_nothing_that_the_server_would_take(bool bound)
    {
        string? haproxy = ForeignPrograms.Find("haproxy");
        Assert.SkipWhen(haproxy is null, "haproxy is not installed");
        int port = Ports.Next(), front = Ports.Next();
        using var authority = new CertificateFolder(Work.Folder, "impostor");
        File.WriteAllText(Path.Combine(Work.Folder, "haproxy.cfg"), $"""
            defaults
              mode tcp
              timeout connect 10s
              timeout client 60s
              timeout server 60s
            frontend front
              bind 127.0.0.1:{front} ssl crt {authority.Issue("127.0.0.1").Both}
              default_backend back
            backend back
              server frps 127.0.0.1:{port} ssl verify none

            """);
        string[] common = bound ? [Token, Bound] : [Token];
        var server = await ServerAsync(port, common);
        var impostor = Work.RunForeign(haproxy!, "-db", "-f", Path.Combine(Work.Folder, "haproxy.cfg"));
        await Patience.UntilAsync(() => Ports.AnswersAsync(front), () => $"haproxy does not listen: {impostor.Output}");
        var client = StartClient(front, common);
        await client.WaitForTextAsync(bound ? Wrong : "login to server success"); // which is why one may want it
        if (bound) await server.WaitForTextAsync(Wrong + " (or the client has seen another certificate than this server's)");
    }

    [Theory]
    [InlineData("", Bound, " (auth.tlsBinding is set in the client, and not here)")]
    [InlineData(Bound, "", " (auth.tlsBinding is set here, and not in the client)")]
    public async Task Both_must_ask_for_it(string ofServer, string ofClient, string why)
    {
        int port = Ports.Next();
        await ServerAsync(port, Token, ofServer);
        await StartClient(port, [Token, ofClient]).WaitForTextAsync($"connect to server error: {Wrong}{why}");
    }

    [Fact]
    public async Task It_needs_TLS()
    {
        var client = StartClient(Ports.Next(), [Bound, Clear]);
        Assert.Equal(1, await client.WaitForExitAsync());
        Assert.Contains("auth.tlsBinding needs TLS to the server, which transport.tls.enable = false takes away", client.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_clock_is_told_of_or_refused()
    {
        long anHourAgo = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - 3600;
        int lax = Ports.Next(), strict = Ports.Next();
        var one = await ServerAsync(lax, Token, NoMux);
        await ServerAsync(strict, Token, NoMux, "auth.maxClockSkew = 600");
        Assert.Equal("", await LoginAsync(lax, anHourAgo));
        await one.WaitForTextAsync("] is 360"); // seconds, and perhaps one or two that the test took
        Assert.Contains("s behind this server's clock, and auth.maxClockSkew allows 600 s", await LoginAsync(strict, anHourAgo), StringComparison.Ordinal);
        Assert.Equal("", await LoginAsync(strict, anHourAgo + 3600));

        static async Task<string> LoginAsync(int port, long time)
        {
            using var user = await User.ConnectAsync(port);
            await user.SendAsync(RawClient.Login("shared", time: time));
            return (await RawClient.ReceiveAnswerAsync(user)).Body.TryGetProperty("error", out var error) ? error.GetString()! : "";
        }
    }
}
