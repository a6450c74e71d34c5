using System.Net;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Which tokens a server accepts, and what it does when their issuer changes or is gone.</summary>
public sealed class OidcServerTests : OidcTest
{
    private const string Refused = "invalid OIDC token in login: ";

    [Fact]
    public async Task Tokens_are_judged_by_all_that_they_say()
    {
        var issuer = await IssuerAsync();
        int port = Ports.Next();
        var server = await ServerAsync(port, Trusting(issuer, NoMux));
        foreach (string algorithm in new[] { "RS256", "PS256", "ES256" }) Assert.Equal("", (await LoginAsync(port, await issuer.IssueAsync(("x_alg", algorithm)))).Error);
        Assert.Equal("", (await LoginAsync(port, await issuer.IssueAsync(("x_kid", "")))).Error); // whoever names no key has all of them tried

        await IsRefusedAsync("it expired at 20", ("x_exp", "-1"));
        await IsRefusedAsync("it is for [others]", ("x_aud", "others"));
        await IsRefusedAsync("it is for [frps/]", ("x_aud", "frps/"));
        await IsRefusedAsync("it was issued by [https://issuer.example]", ("x_iss", "https://issuer.example"));
        await IsRefusedAsync("its signature is wrong", ("x_broken", "1"));
        await IsRefusedAsync("its signature is wrong", ("x_broken", "1"), ("x_alg", "ES256"));
        await IsRefusedAsync("its signature is wrong", ("x_broken", "1"), ("x_kid", ""));
        await IsRefusedAsync("key id [nobody's] is not the issuer's", ("x_kid", "nobody's"));
        await IsRefusedAsync("its signature is wrong", ("x_kid", "ec-1")); // of another kind than the algorithm
        await IsRefusedAsync("algorithm [none] is not accepted", ("x_alg", "none"));
        await IsRefusedAsync("algorithm [none] is not accepted", ("x_alg", "none"), ("x_kid", "rsa-1"));
        await IsRefusedAsync("algorithm [HS256] is not accepted", ("x_alg", "HS256"));
        await IsRefusedAsync("algorithm [HS256] is not accepted", ("x_alg", "HS256"), ("x_kid", "shared"));

        foreach (var (token, reason) in new[] { ("", "there is none"), ("a.b", "it is not a JSON web token"), (RawClient.ProofOf("", 0), "it is not a JSON web token"), ("e30.e30.", "algorithm [] is not accepted"), ("..", "it is not a JSON web token") })
        {
            Assert.Equal(Refused + reason, (await LoginAsync(port, token)).Error);
        }
        await server.WaitForTextAsync($"register control error: {Refused}it expired at 20");
        Assert.Equal(2, issuer.Program.Output.Count("GET /keys")); // at the start, and for the first token that no key fitted

        async Task IsRefusedAsync(string reason, params (string, string)[] fields) =>
            Assert.StartsWith(Refused + reason, (await LoginAsync(port, await issuer.IssueAsync(fields))).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Checks_can_be_left_out()
    {
        var issuer = await IssuerAsync();
        int port = Ports.Next();
        await ServerAsync(port, NoMux, Oidc, $"auth.oidc.issuer = \"{issuer.Url}\"", "auth.oidc.skipExpiryCheck = true", "auth.oidc.skipIssuerCheck = true");
        Assert.Equal("", (await LoginAsync(port, await issuer.IssueAsync(("x_exp", "-1"), ("x_aud", "others"), ("x_iss", "https://issuer.example")))).Error);
        Assert.Contains("its signature is wrong", (await LoginAsync(port, await issuer.IssueAsync(("x_broken", "1")))).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_work_connection_has_to_be_of_the_subject_that_logged_in()
    {
        var issuer = await IssuerAsync();
        int port = Ports.Next();
        await ServerAsync(port, Trusting(issuer, NoMux, Scopes));
        using var session = await User.ConnectAsync(port);
        await session.SendAsync(RawClient.Login("", proof: await issuer.IssueAsync(("x_sub", "alice"))));
        string runId = TextOf((await RawClient.ReceiveAnswerAsync(session)).Body, "run_id");
        using var other = await User.ConnectAsync(port);
        await other.SendAsync(RawClient.Login("", proof: await issuer.IssueAsync(("x_sub", "bob"))));
        Assert.NotEqual("", TextOf((await RawClient.ReceiveAnswerAsync(other)).Body, "run_id"));

        Assert.Equal("received different OIDC subject in login and ping. new subject: bob", await OfferAsync(await issuer.IssueAsync(("x_sub", "bob"))));
        Assert.Equal("invalid OIDC token in ping: there is none", await OfferAsync(""));
        Assert.StartsWith("invalid OIDC token in ping: it expired at 20", await OfferAsync(await issuer.IssueAsync(("x_sub", "alice"), ("x_exp", "-1"))), StringComparison.Ordinal);

        async Task<string> OfferAsync(string token)
        {
            using var work = await User.ConnectAsync(port);
            await work.SendAsync(RawClient.Message('w', $$"""{"run_id":"{{runId}}","privilege_key":"{{token}}"}"""));
            return TextOf((await RawClient.ReceiveAnswerAsync(work)).Body, "error");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task New_keys_are_found_when_a_token_needs_them(bool withOldIds)
    {
        var issuer = await IssuerAsync();
        int port = Ports.Next();
        await ServerAsync(port, Trusting(issuer, NoMux));
        string old = await issuer.IssueAsync();
        Assert.Equal("", (await LoginAsync(port, old)).Error);
        await issuer.RotateAsync(withOldIds);
        Assert.Equal("", (await LoginAsync(port, old)).Error); // nobody has told the server yet
        Assert.Equal("", (await LoginAsync(port, await issuer.IssueAsync())).Error);
        Assert.Equal(Refused + (withOldIds ? "its signature is wrong" : "key id [rsa-1] is not the issuer's"), (await LoginAsync(port, old)).Error);
    }

    [Fact]
    public async Task An_issuer_that_is_down_at_the_start_ends_the_server()
    {
        int port = Ports.Next(), nobody = Ports.Next();
        var server = Work.Run("frps", "-c", Work.Write($"bindAddr = \"127.0.0.1\"\nbindPort = {port}\n{Oidc}\nauth.oidc.issuer = \"http://127.0.0.1:{nobody}\"\n"));
        Assert.Equal(1, await server.WaitForExitAsync());
        Assert.Contains($"auth.oidc.issuer: discovery at http://127.0.0.1:{nobody} failed: Connection refused", server.Output.ToString(), StringComparison.Ordinal);
        Assert.False(await Ports.AnswersAsync(port));
    }

    [Fact]
    public async Task An_issuer_of_another_name_ends_the_server()
    {
        var issuer = await IssuerAsync();
        var server = Work.Run("frps", "-c", Work.Write($"bindAddr = \"127.0.0.1\"\nbindPort = {Ports.Next()}\n{Oidc}\nauth.oidc.issuer = \"http://localhost:{issuer.Port}\"\n"));
        Assert.Equal(1, await server.WaitForExitAsync());
        Assert.Contains($"discovery at http://localhost:{issuer.Port} failed: it calls itself {issuer.Url}", server.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_issuer_is_verified_by_the_systems_authorities()
    {
        using var authority = new CertificateFolder(Work.Folder, "authority");
        int tls = Ports.Next();
        var issuer = await IssuerAsync(tls: (tls, authority.Issue("127.0.0.1").Both));
        string file = Work.Write($"bindAddr = \"127.0.0.1\"\nbindPort = {Ports.Next()}\n{Oidc}\nauth.oidc.issuer = \"https://127.0.0.1:{tls}\"\n");
        var stranger = Work.Run("frps", "-c", file);
        Assert.Equal(1, await stranger.WaitForExitAsync());
        Assert.Contains($"discovery at https://127.0.0.1:{tls} failed: The remote certificate is invalid", stranger.Output.ToString(), StringComparison.Ordinal);
        var trusting = Work.Run("frps", new Dictionary<string, string> { ["SSL_CERT_FILE"] = authority.CaFile }, "-c", file);
        Assert.Equal(1, await trusting.WaitForExitAsync());
        Assert.Contains($"failed: it calls itself {issuer.Url}", trusting.Output.ToString(), StringComparison.Ordinal); // so it was heard
    }

    [Fact]
    public async Task An_issuer_that_is_down_later_changes_nothing_for_known_keys()
    {
        var issuer = await IssuerAsync();
        int port = Ports.Next();
        var server = await ServerAsync(port, Trusting(issuer, NoMux));
        string good = await issuer.IssueAsync(), unknown = await issuer.IssueAsync(("x_kid", "new"));
        await issuer.Program.KillAsync();
        Assert.Equal("", (await LoginAsync(port, good)).Error);
        Assert.Equal(Refused + "key id [new] is not the issuer's", (await LoginAsync(port, unknown)).Error);
        await server.WaitForTextAsync($"the keys of {issuer.Url} could not be renewed, those that are known stay: ");
        Assert.Equal("", (await LoginAsync(port, good)).Error);
        for (int i = 0; i < 5; i++) Assert.NotEqual("", (await LoginAsync(port, unknown)).Error);
        Assert.Equal(1, server.Output.Count("could not be renewed")); // strangers do not make us ask on and on
    }

    [Fact]
    public async Task A_reload_changes_the_rules_and_names_what_it_cannot_change()
    {
        var issuer = await IssuerAsync();
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("steady", echo.Port, Ports.Next());
        var server = await StartAsync(Trusting(issuer, NoMux));
        var client = await ClientAsync(server.Port, Asking(issuer, NoMux), proxy);
        string token = await issuer.IssueAsync(("x_aud", "others"));
        Assert.NotEqual("", (await LoginAsync(server.Port, token)).Error);

        string[] changed = [NoMux, Oidc, $"auth.oidc.issuer = \"{issuer.Url}\"", "auth.oidc.audience = \"others\""];
        await server.ReloadAsync(changed);
        await server.Program.WaitForTextAsync("success reload conf: auth.oidc.audience");
        Assert.Equal("", (await LoginAsync(server.Port, token)).Error);
        await User.EchoOnceAsync(proxy.RemotePort);
        Assert.Equal(1, client.Output.Count("login to server success"));

        var (status, body) = await server.TryReloadAsync(NoMux, "auth.oidc.audience = \"others\"");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("changed, but only a restart applies it: auth.oidc.issuer, auth.method", body.Trim());
        Assert.Equal("", (await LoginAsync(server.Port, token)).Error);
    }
}
