using System.Text;
using Frp.Config;
using Frp.Proxies;
using Frp.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Server.Tests;

/// <summary>Which proofs of the token are good, and what is said of those that are not.</summary>
public sealed class TokenAuthenticatorTests
{
    private const string Token = "the token";
    private static readonly FakeConnection Clear = new();
    private static readonly FakeConnection Ours = new() { Certificate = [.. Enumerable.Repeat((byte)1, 32)] };
    private static readonly FakeConnection Impostors = new() { Certificate = [.. Enumerable.Repeat((byte)2, 32)] };
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(56));

    private long Now => _time.GetUtcNow().ToUnixTimeSeconds();

    [Fact]
    public async Task Any_time_is_good_unless_a_limit_is_set()
    {
        var authenticator = new TokenAuthenticator(Loaded(""), Token, _time);
        foreach (long time in (long[])[0, -1, long.MinValue, long.MaxValue, Now]) await AdmitAsync(authenticator, time);
    }

    [Fact]
    public async Task A_limit_on_clocks_holds_for_every_proof_and_in_both_directions()
    {
        var authenticator = new TokenAuthenticator(Loaded("auth.maxClockSkew = 60\nauth.additionalScopes = [\"HeartBeats\", \"NewWorkConns\"]"), Token, _time);
        foreach (long time in (long[])[Now - 60, Now, Now + 60]) await AdmitAsync(authenticator, time);
        Assert.Equal("the time in login is 61 s behind this server's clock, and auth.maxClockSkew allows 60 s", await RefusalOfAsync(() => AdmitAsync(authenticator, Now - 61)));
        Assert.Equal("the time in login is 61 s ahead of this server's clock, and auth.maxClockSkew allows 60 s", await RefusalOfAsync(() => AdmitAsync(authenticator, Now + 61)));
        foreach (long time in (long[])[long.MinValue, long.MaxValue]) Assert.StartsWith("the time in login is ", await RefusalOfAsync(() => AdmitAsync(authenticator, time)), StringComparison.Ordinal);
        long old = Now - 3600;
        string proof = AuthKey.Compute(Token, old);
        const string Rest = " is 3600 s behind this server's clock, and auth.maxClockSkew allows 60 s";
        Assert.Equal("the time in heartbeat" + Rest, await RefusalOfAsync(() => authenticator.VerifyAsync(new Ping { Timestamp = old, PrivilegeKey = proof }, Clear, default).AsTask()));
        Assert.Equal("the time in NewWorkConn" + Rest, await RefusalOfAsync(() => authenticator.VerifyAsync(new NewWorkConn { Timestamp = old, PrivilegeKey = proof }, Clear, default).AsTask()));
        // Whoever does not know the secret learns nothing of clocks.
        Assert.Equal("token in heartbeat doesn't match token from configuration", await RefusalOfAsync(() => authenticator.VerifyAsync(new Ping { Timestamp = old }, Clear, default).AsTask()));
    }

    [Fact]
    public async Task A_bound_proof_is_good_where_its_certificate_is_shown()
    {
        var bound = new TokenAuthenticator(Loaded("auth.tlsBinding = true"), Token, _time);
        var free = new TokenAuthenticator(Loaded(""), Token, _time);
        string proof = AuthKey.Compute(Token, Now, Ours.Certificate), plain = AuthKey.Compute(Token, Now);
        await bound.AdmitAsync(new Login { Timestamp = Now, PrivilegeKey = proof }, Ours, default);
        const string Refusal = "token in login doesn't match token from configuration";
        Assert.Equal(Refusal + " (or the client has seen another certificate than this server's)", await RefusalAsync(bound, proof, Impostors));
        Assert.Equal(Refusal + " (auth.tlsBinding is set, and TLS does not reach as far as here)", await RefusalAsync(bound, proof, Clear));
        Assert.Equal(Refusal + " (auth.tlsBinding is set here, and not in the client)", await RefusalAsync(bound, plain, Ours));
        Assert.Equal(Refusal + " (auth.tlsBinding is set here, and not in the client)", await RefusalAsync(bound, plain, Clear));
        Assert.Equal(Refusal + " (auth.tlsBinding is set in the client, and not here)", await RefusalAsync(free, proof, Ours));
        Assert.Equal(Refusal, await RefusalAsync(free, "", Ours));
    }

    private Task<string> RefusalAsync(TokenAuthenticator authenticator, string proof, FakeConnection connection) =>
        RefusalOfAsync(() => authenticator.AdmitAsync(new Login { Timestamp = Now, PrivilegeKey = proof }, connection, default).AsTask());

    private static Task<ISessionProofs> AdmitAsync(TokenAuthenticator authenticator, long time) =>
        authenticator.AdmitAsync(new Login { Timestamp = time, PrivilegeKey = AuthKey.Compute(Token, time) }, Clear, default).AsTask();

    private static async Task<string> RefusalOfAsync(Func<Task> act) => (await Assert.ThrowsAsync<PeerRefusedException>(act)).Message;

    private static ServerAuthConfig Loaded(string text) => ConfigLoader.LoadServer(Encoding.UTF8.GetBytes(text), "frps.toml").Config.Auth;
}
