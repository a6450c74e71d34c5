using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Frp.Config;
using Frp.Proxies;
using Frp.TestKit;
using Frp.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Server.Tests;

/// <summary>How often an issuer is asked, and what becomes of a session's later messages.</summary>
public sealed class OidcAuthenticatorTests : IAsyncDisposable
{
    private static readonly FakeConnection Anywhere = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(56));
    private readonly HttpService _issuer;
    private readonly ServerAuthConfig _config = new() { Method = "oidc", AdditionalScopes = ["HeartBeats", "NewWorkConns"] };
    private readonly string _url;
    private ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private string _keyId = "one";
    private Func<string, string>? _document; // what discovery says instead; gets what it would say

    public OidcAuthenticatorTests()
    {
        _issuer = HttpService.Start(AnswerAsync);
        _config.Oidc.Issuer = _url = $"http://127.0.0.1:{_issuer.Port}";
        _config.Oidc.Audience = "frps";
    }

    public ValueTask DisposeAsync()
    {
        _key.Dispose();
        return _issuer.DisposeAsync();
    }

    [Fact]
    public async Task Strangers_cannot_make_us_ask_on_and_on()
    {
        var authenticator = await DiscoverAsync();
        Assert.Equal(2, _issuer.Heads.Count); // discovery, keys
        string unknown = Token(keyId: "unknown");
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => IsRefusedAsync(authenticator, unknown, "key id [unknown] is not the issuer's")));
        Assert.Equal(4, _issuer.Heads.Count);
        _time.Advance(TimeSpan.FromSeconds(9.9));
        await IsRefusedAsync(authenticator, unknown, "key id [unknown] is not the issuer's");
        Assert.Equal(4, _issuer.Heads.Count);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        await IsRefusedAsync(authenticator, unknown, "key id [unknown] is not the issuer's");
        Assert.Equal(6, _issuer.Heads.Count);
        // Nothing else makes us ask.
        _time.Advance(TimeSpan.FromSeconds(10));
        await IsRefusedAsync(authenticator, Token(audience: "others"), "it is for [others]");
        await IsRefusedAsync(authenticator, "x", "it is not a JSON web token");
        await authenticator.AdmitAsync(new Login { PrivilegeKey = Token() }, Anywhere, TestContext.Current.CancellationToken);
        Assert.Equal(6, _issuer.Heads.Count);
    }

    [Fact]
    public async Task Keys_that_were_withdrawn_are_forgotten_after_an_hour()
    {
        var authenticator = await DiscoverAsync();
        string old = Token(lifetime: 7200);
        using var withdrawn = _key;
        (_key, _keyId) = (ECDsa.Create(ECCurve.NamedCurves.nistP256), "two");
        _time.Advance(TimeSpan.FromMinutes(59));
        await authenticator.AdmitAsync(new Login { PrivilegeKey = old }, Anywhere, TestContext.Current.CancellationToken);
        _time.Advance(TimeSpan.FromMinutes(1));
        await IsRefusedAsync(authenticator, old, "key id [one] is not the issuer's");
        await authenticator.AdmitAsync(new Login { PrivilegeKey = Token() }, Anywhere, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_token_must_not_be_used_too_early_and_clocks_may_differ()
    {
        var authenticator = await DiscoverAsync();
        await authenticator.AdmitAsync(new Login { PrivilegeKey = Token(notBefore: 299) }, Anywhere, TestContext.Current.CancellationToken);
        await IsRefusedAsync(authenticator, Token(notBefore: 301), "it is not valid before 2026-");
        await IsRefusedAsync(authenticator, Token(lifetime: null), "it says no time of expiry");
        await IsRefusedAsync(authenticator, Token(critical: true), "it has critical headers");
        await IsRefusedAsync(authenticator, new string('a', 70_000), "it is too long");
        await IsRefusedAsync(authenticator, "e30.e30.e30.e30.e30", "");
    }

    [Fact]
    public async Task Later_messages_are_of_the_same_subject()
    {
        var authenticator = await DiscoverAsync();
        var alice = await authenticator.AdmitAsync(new Login { PrivilegeKey = Token("alice") }, Anywhere, TestContext.Current.CancellationToken);
        await authenticator.AdmitAsync(new Login { PrivilegeKey = Token("bob") }, Anywhere, TestContext.Current.CancellationToken);
        await alice.VerifyAsync(new Ping { PrivilegeKey = Token("alice") }, Anywhere, TestContext.Current.CancellationToken);
        await alice.VerifyAsync(new NewWorkConn { PrivilegeKey = Token("alice") }, Anywhere, TestContext.Current.CancellationToken);
        const string Other = "received different OIDC subject in login and ping. new subject: bob";
        Assert.Equal(Other, (await Assert.ThrowsAsync<PeerRefusedException>(() => alice.VerifyAsync(new Ping { PrivilegeKey = Token("bob") }, Anywhere, TestContext.Current.CancellationToken).AsTask())).Message);
        Assert.Equal(Other, (await Assert.ThrowsAsync<PeerRefusedException>(() => alice.VerifyAsync(new NewWorkConn { PrivilegeKey = Token("bob") }, Anywhere, TestContext.Current.CancellationToken).AsTask())).Message);
        var none = await Assert.ThrowsAsync<PeerRefusedException>(() => alice.VerifyAsync(new Ping(), Anywhere, TestContext.Current.CancellationToken).AsTask());
        Assert.Equal("invalid OIDC token in ping: there is none", none.Message);
    }

    [Theory]
    [InlineData("{}", "it calls itself ")]
    [InlineData("no JSON", "its documents cannot be read: ")]
    [InlineData("""{"issuer":"ISSUER"}""", "it has no RSA or elliptic curve key to sign with")]
    [InlineData("""{"issuer":"ISSUER","jwks_uri":"file:///etc/passwd"}""", "file:///etc/passwd is not an http or https URL")]
    [InlineData("""{"issuer":"ISSUER","jwks_uri":"ISSUER/nowhere"}""", "ISSUER/nowhere answered 404")]
    [InlineData("""{"issuer":"https://other.example","jwks_uri":"ISSUER/keys"}""", "it calls itself https://other.example")]
    [InlineData("HUGE", "")]
    public async Task An_issuer_that_is_not_what_it_should_be_is_told(string document, string reason)
    {
        _document = _ => document == "HUGE" ? new string(' ', 300 * 1024) : document.Replace("ISSUER", _url, StringComparison.Ordinal);
        var fault = await Assert.ThrowsAsync<ConfigException>(DiscoverAsync);
        Assert.StartsWith($"auth.oidc.issuer: discovery at {_url} failed: {reason.Replace("ISSUER", _url, StringComparison.Ordinal)}", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_issuer_that_does_not_answer_is_not_waited_for()
    {
        await using var silent = TcpService.Start(async socket =>
        {
            var ignored = new byte[4096];
            while (await socket.ReceiveAsync(ignored.AsMemory()) > 0) continue;
        });
        _config.Oidc.Issuer = $"http://127.0.0.1:{silent.Port}";
        var asking = DiscoverAsync();
        await Patience.UntilAsync(() => silent.OpenCount == 1, () => "the issuer was not asked");
        _time.Advance(TimeSpan.FromSeconds(15));
        Assert.Contains("no answer within 15 s", (await Assert.ThrowsAsync<ConfigException>(() => asking.Soon())).Message, StringComparison.Ordinal);
    }

    private async Task<IAuthenticator> DiscoverAsync() =>
        (await Authenticators.PrepareAsync(_config, NullLoggerFactory.Instance, _time, TestContext.Current.CancellationToken))(_config, "");

    private static async Task IsRefusedAsync(IAuthenticator authenticator, string token, string reason)
    {
        var fault = await Assert.ThrowsAsync<PeerRefusedException>(() => authenticator.AdmitAsync(new Login { PrivilegeKey = token }, Anywhere, TestContext.Current.CancellationToken).AsTask());
        Assert.StartsWith("invalid OIDC token in login: " + reason, fault.Message, StringComparison.Ordinal);
    }

    private string Token(string subject = "alice", string audience = "frps", string? keyId = null, int? lifetime = 3600, int notBefore = 0, bool critical = false)
    {
        long now = _time.GetUtcNow().ToUnixTimeSeconds();
        var header = new Dictionary<string, object> { ["alg"] = "ES256", ["kid"] = keyId ?? _keyId };
        if (critical) header["crit"] = new[] { "exp" };
        var claims = new Dictionary<string, object> { ["iss"] = _url, ["sub"] = subject, ["aud"] = audience, ["nbf"] = now + notBefore };
        if (lifetime is { } seconds) claims["exp"] = now + seconds;
        string text = $"{Part(header)}.{Part(claims)}";
        return $"{text}.{Base64(_key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256))}";
    }

    private static string Part(Dictionary<string, object> part) => Base64(JsonSerializer.SerializeToUtf8Bytes(part));

    private static string Base64(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);

    private Task<bool> AnswerAsync(string head, Socket socket)
    {
        string body;
        switch (head.Split(' ')[1])
        {
            case "/.well-known/openid-configuration":
                body = $$"""{"issuer":"{{_url}}","jwks_uri":"{{_url}}/keys"}""";
                if (_document is { } other) body = other(body);
                break;
            case "/keys":
                var point = _key.ExportParameters(false).Q;
                body = $$"""{"keys":[{"kty":"EC","use":"sig","crv":"P-256","kid":"{{_keyId}}","x":"{{Base64(point.X!)}}","y":"{{Base64(point.Y!)}}"}]}""";
                break;
            default:
                return HttpService.SendAsync(socket, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        }
        return HttpService.SendAsync(socket, $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}");
    }
}
