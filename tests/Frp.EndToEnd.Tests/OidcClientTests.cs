using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>How a client comes by its tokens, and what it does when it does not.</summary>
public sealed class OidcClientTests : OidcTest
{
    private const string NoToken = "couldn't generate OIDC token for login: ";

    [Theory]
    [InlineData("v1", "")]
    [InlineData("v2", "")]
    [InlineData("v1", NoMux)]
    [InlineData("v2", NoMux)]
    public async Task A_tunnel_works_with_every_message_proven(string wire, string carrier)
    {
        var issuer = await IssuerAsync();
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("proven", echo.Port, Ports.Next(), Proxy.Encrypted);
        int port = Ports.Next();
        var server = await ServerAsync(port, Trusting(issuer, Scopes, carrier, "log.level = \"debug\""));
        await ClientAsync(port, Asking(issuer, Scopes, carrier, $"transport.wireProtocol = \"{wire}\"", "transport.heartbeatInterval = 1",
            "auth.oidc.scope = \"tunnel all\"", "auth.oidc.additionalEndpointParams = { resource = \"https://x/?a=b&c\" }"), proxy);
        for (int i = 0; i < 3; i++) await User.EchoOnceAsync(proxy.RemotePort);
        await server.WaitForTextAsync("receive heartbeat", 2);
        string asked = Assert.Single(issuer.Program.Output.ToString().Split('\n'), line => line.StartsWith("POST", StringComparison.Ordinal)); // kept, and used by all
        Assert.Equal("POST /token basic audience=[frps] grant_type=[client_credentials] resource=[https://x/?a=b&c] scope=[tunnel all]", asked);
    }

    [Fact]
    public async Task Credentials_go_into_the_form_where_that_is_wanted_and_tokens_without_an_end_are_not_kept()
    {
        var issuer = await IssuerAsync();
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("form", echo.Port, Ports.Next());
        int port = Ports.Next();
        var server = await ServerAsync(port, Trusting(issuer, Scopes, "log.level = \"debug\""));
        await ClientAsync(port, Asking(issuer, Scopes, "transport.heartbeatInterval = 1", "auth.oidc.additionalEndpointParams = { x_style = \"form\", x_lifetime = \"\" }"), proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        await server.WaitForTextAsync("receive heartbeat", 2);
        Assert.Equal(1, issuer.Program.Output.Count("POST /token basic")); // tried once
        Assert.InRange(issuer.Program.Output.Count("POST /token form audience=[frps] client_id=[frpc] grant_type=[client_credentials] scope=[] "), 3, int.MaxValue);
    }

    [Fact]
    public async Task Wrong_credentials_end_the_client_and_show_nowhere()
    {
        const string Secret = "not-the-secret";
        var issuer = await IssuerAsync();
        int port = Ports.Next();
        await ServerAsync(port, Trusting(issuer));
        var client = Work.Run("frpc", "-c", Work.Write(
            $"serverAddr = \"127.0.0.1\"\nserverPort = {port}\nlog.level = \"trace\"\n{Oidc}\nauth.oidc.clientID = \"frpc\"\nauth.oidc.clientSecret = \"{Secret}\"\nauth.oidc.tokenEndpointURL = \"{issuer.Url}/token\"\n"));
        Assert.Equal(1, await client.WaitForExitAsync());
        Assert.Contains($"login to the server failed: {NoToken}the token endpoint answered 401: invalid_client, not by basic: ***; with the credentials in the form: the token endpoint answered 401", client.Output.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, client.Output.Count(Secret));
        Assert.Equal(1, issuer.Program.Output.Count("POST /token basic"));
        Assert.Equal(1, issuer.Program.Output.Count("POST /token form"));
    }

    [Fact]
    public async Task An_endpoint_that_is_down_is_tried_again()
    {
        var issuer = await IssuerAsync();
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("late", echo.Port, Ports.Next());
        int port = Ports.Next();
        await ServerAsync(port, Trusting(issuer));
        await issuer.Program.KillAsync();
        var client = StartClient(port, Asking(issuer), proxy);
        await client.WaitForTextAsync($"connect to server error: {NoToken}Connection refused");
        await IssuerAsync(issuer.Port); // with other keys of the same ids
        await client.WaitForTextAsync(proxy.Started);
        await User.EchoOnceAsync(proxy.RemotePort);
    }

    [Fact]
    public async Task A_token_of_withdrawn_keys_is_not_offered_twice()
    {
        var issuer = await IssuerAsync();
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("back", echo.Port, Ports.Next());
        int port = Ports.Next();
        var server = await ServerAsync(port, Trusting(issuer));
        var client = await ClientAsync(port, Asking(issuer), proxy);
        await server.KillAsync();
        await issuer.RotateAsync();
        await ServerAsync(port, Trusting(issuer));
        await client.WaitForTextAsync("connect to server error: invalid OIDC token in login: key id [rsa-1] is not the issuer's");
        await client.WaitForTextAsync(proxy.Started, 2);
        await User.EchoOnceAsync(proxy.RemotePort);
    }

    [Fact]
    public async Task A_token_can_come_from_elsewhere()
    {
        var issuer = await IssuerAsync();
        await using var echo = TcpService.Echo();
        int port = Ports.Next();
        await ServerAsync(port, Trusting(issuer, Scopes));
        string file = Work.Write(await issuer.IssueAsync() + "\n");
        var (ofFile, ofProgram) = (new Proxy("file", echo.Port, Ports.Next()), new Proxy("program", echo.Port, Ports.Next()));
        await ClientAsync(port, [Oidc, Scopes, $"auth.oidc.tokenSource = {{ type = \"file\", file = {{ path = \"{file}\" }} }}"], ofFile);
        await User.EchoOnceAsync(ofFile.RemotePort);

        string source = $"auth.oidc.tokenSource = {{ type = \"exec\", exec = {{ command = \"/bin/cat\", args = [\"{file}\"] }} }}";
        string config = Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {port}\n{Oidc}\n{Scopes}\n{source}\n{ofProgram}");
        var refused = Work.Run("frpc", "-c", config);
        Assert.Equal(1, await refused.WaitForExitAsync());
        Assert.Contains("unsafe feature \"TokenSourceExec\" is not enabled", refused.Output.ToString(), StringComparison.Ordinal);
        var client = Work.Run("frpc", "-c", config, "--allow-unsafe=TokenSourceExec");
        await client.WaitForTextAsync(ofProgram.Started);
        await User.EchoOnceAsync(ofProgram.RemotePort);

        var missing = Work.Run("frpc", "-c", Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {port}\n{Oidc}\nauth.oidc.tokenSource = {{ type = \"file\", file = {{ path = \"/nonexistent\" }} }}\n"));
        Assert.Equal(1, await missing.WaitForExitAsync());
        Assert.Contains($"{NoToken}failed to resolve auth.oidc.tokenSource: failed to read file /nonexistent: ", missing.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_endpoint_is_verified_unless_it_shall_not_be()
    {
        using var authority = new CertificateFolder(Work.Folder, "authority");
        using var other = new CertificateFolder(Work.Folder, "other");
        int tls = Ports.Next(), port = Ports.Next();
        var issuer = await IssuerAsync(tls: (tls, authority.Issue("127.0.0.1").Both));
        await using var echo = TcpService.Echo();
        await ServerAsync(port, Trusting(issuer));
        string common = $"serverAddr = \"127.0.0.1\"\nserverPort = {port}\n{Oidc}\n{Credentials}\nauth.oidc.audience = \"frps\"\n";
        string[] endpoint = [Oidc, Credentials, "auth.oidc.audience = \"frps\"", $"auth.oidc.tokenEndpointURL = \"https://127.0.0.1:{tls}/token\""];
        var (verified, unverified) = (new Proxy("verified", echo.Port, Ports.Next()), new Proxy("unverified", echo.Port, Ports.Next()));
        await ClientAsync(port, [.. endpoint, $"auth.oidc.trustedCaFile = \"{authority.CaFile}\""], verified);
        await User.EchoOnceAsync(verified.RemotePort);
        var client = await ClientAsync(port, [.. endpoint, "auth.oidc.insecureSkipVerify = true"], unverified);
        Assert.Equal(1, client.Output.Count("is not verified: the client secret can be read on the way"));

        await FailsAsync("The remote certificate is invalid", ""); // by the system's authorities
        await FailsAsync("certificate signed by unknown authority", $"auth.oidc.trustedCaFile = \"{other.CaFile}\"");
        await FailsAsync("certificate is not valid for localhost", $"auth.oidc.trustedCaFile = \"{authority.CaFile}\"", "localhost"); // not the certificate's name
        await FailsAsync("failed to create OIDC HTTP client: ", "auth.oidc.trustedCaFile = \"/nonexistent\"");
        Assert.Equal(2, issuer.Program.Output.Count("POST /token"));

        async Task FailsAsync(string reason, string line, string host = "127.0.0.1")
        {
            var failing = Work.Run("frpc", "-c", Work.Write($"{common}auth.oidc.tokenEndpointURL = \"https://{host}:{tls}/token\"\n{line}\n"));
            Assert.Equal(1, await failing.WaitForExitAsync());
            Assert.Contains(reason, failing.Output.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Proxies_on_the_way_are_used()
    {
        var issuer = await IssuerAsync();
        await using var echo = TcpService.Echo();
        int port = Ports.Next();
        await ServerAsync(port, Trusting(issuer));
        string body = $$"""{"access_token":"{{await issuer.IssueAsync()}}","expires_in":"3600"}""";
        await using var proxy = HttpService.Raw($"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        var (configured, inherited) = (new Proxy("configured", echo.Port, Ports.Next()), new Proxy("inherited", echo.Port, Ports.Next()));
        string[] endpoint = [Oidc, Credentials, "auth.oidc.tokenEndpointURL = \"http://issuer.example/token\""];
        await ClientAsync(port, [.. endpoint, $"auth.oidc.proxyURL = \"http://127.0.0.1:{proxy.Port}\""], configured);

        string file = Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {port}\nloginFailExit = false\n{string.Join('\n', endpoint)}\n{inherited}");
        var client = Work.Run("frpc", new Dictionary<string, string> { ["HTTP_PROXY"] = $"http://127.0.0.1:{proxy.Port}" }, "-c", file);
        await client.WaitForTextAsync("start proxy success");
        Assert.Equal(["POST http://issuer.example/token HTTP/1.1", "POST http://issuer.example/token HTTP/1.1"], proxy.Heads.Select(head => head.Split("\r\n")[0]));
        Assert.Equal(1, client.Output.Count("the token endpoint http://issuer.example/token is not reached by https"));
    }
}
