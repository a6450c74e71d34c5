using System.Globalization;
using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Frp.Server;

/// <summary>The method <c>oidc</c>: whoever has a token of the configured issuer may come in (wire specification §10.4).</summary>
/// <remarks>
/// <para>A token is a JWT in the compact form, signed by an asymmetric algorithm that the issuer uses. Signature, issuer, audience and times
/// are judged by the library; what it leaves open is closed in here: no algorithm that the issuer does not name, no key by guess where a key id
/// is given, no header that has to be understood, no encryption.</para>
/// <para>What a session sends later must carry a token of the subject that has logged in.</para>
/// <para><b>Limits.</b> Tokens are as long as a message can be, see <see cref="MaxTokenLength"/>. Nothing is kept of them but a session's subject.</para>
/// </remarks>
internal sealed class OidcAuthenticator : IAuthenticator
{
    // Source: wire specification §8.2: no message can hold more.
    private const int MaxTokenLength = 64 * 1024;

    // Clocks differ; expiry has no such leeway, as in the reference.
    private static readonly TimeSpan NotBeforeLeeway = TimeSpan.FromMinutes(5);

    private static readonly JsonWebTokenHandler Handler = new() { MaximumTokenSizeInBytes = MaxTokenLength };

    // The library's own factory would keep keys of tokens for as long as the process lives.
    private static readonly CryptoProviderFactory Uncached = new() { CacheSignatureProviders = false };

    private readonly ServerAuthConfig _config;
    private readonly IssuerKeys _keys;
    private readonly TimeProvider _time;

    private OidcAuthenticator(ServerAuthConfig config, IssuerKeys keys, TimeProvider time) => (_config, _keys, _time) = (config, keys, time);

    /// <summary>Asks the issuer for its keys, which all authenticators that are made thereafter share.</summary>
    /// <exception cref="ConfigException">The issuer cannot be used.</exception>
    internal static async Task<Func<ServerAuthConfig, string, IAuthenticator>> PrepareAsync(ServerOidcConfig config, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        var keys = await IssuerKeys.DiscoverAsync(config.Issuer, time, loggers.CreateLogger("server/oidc"), cancellationToken);
        return (settings, _) => new OidcAuthenticator(settings, keys, time);
    }

    /// <inheritdoc/>
    public async ValueTask<ISessionProofs> AdmitAsync(Login login, Connection connection, CancellationToken cancellationToken)
    {
        await _keys.RenewOldAsync(cancellationToken);
        return new SessionProofs(this, await SubjectOfAsync(login.PrivilegeKey, "login", cancellationToken));
    }

    /// <summary>Judges a token.</summary>
    /// <returns>Its subject; empty when it names none.</returns>
    /// <exception cref="PeerRefusedException">It is not good.</exception>
    private async ValueTask<string> SubjectOfAsync(string text, string where, CancellationToken cancellationToken)
    {
        var token = Parse(text, where);
        for (bool asked = false; ; asked = true)
        {
            var document = _keys.Current;
            var verdict = await Handler.ValidateTokenAsync(token, RulesOf(document));
            if (verdict.IsValid) return token.Subject ?? "";
            if (!asked && IsOfKeys(verdict.Exception) && await _keys.AskAgainAsync(document, cancellationToken)) continue;
            throw Refusal(where, Reason(verdict.Exception, token, document));
        }
    }

    private JsonWebToken Parse(string text, string where)
    {
        if (text.Length == 0) throw Refusal(where, "there is none");
        if (text.Length > MaxTokenLength) throw Refusal(where, "it is too long");
        JsonWebToken token;
        try
        {
            token = Handler.ReadJsonWebToken(text);
        }
        catch (Exception e) when (e is ArgumentException or SecurityTokenException or FormatException)
        {
            throw Refusal(where, "it is not a JSON web token");
        }
        if (token.IsEncrypted) throw Refusal(where, "it is encrypted");
        // Before anything is looked up: none, and HMAC with a public key for a secret, end here.
        if (!_keys.Current.Algorithms.Contains(token.Alg, StringComparer.Ordinal)) throw Refusal(where, $"algorithm [{Shown(token.Alg)}] is not accepted");
        // Source: RFC 7515 §4.1.11: whoever does not understand an entry has to refuse. We know none.
        if (token.TryGetHeaderValue<object>("crit", out _)) throw Refusal(where, "it has critical headers");
        return token;
    }

    private TokenValidationParameters RulesOf(IssuerDocument document) => new()
    {
        ValidAlgorithms = document.Algorithms,
        IssuerSigningKeyResolver = (_, _, keyId, _) => document.Find(keyId),
        TryAllIssuerSigningKeys = false,
        CryptoProviderFactory = Uncached,
        ValidateIssuer = !_config.Oidc.SkipIssuerCheck,
        ValidIssuer = _config.Oidc.Issuer,
        ValidateAudience = _config.Oidc.Audience.Length > 0,
        ValidAudience = _config.Oidc.Audience,
        IgnoreTrailingSlashWhenValidatingAudience = false,
        ValidateLifetime = !_config.Oidc.SkipExpiryCheck,
        LifetimeValidator = _config.Oidc.SkipExpiryCheck ? null : (notBefore, expires, _, _) => IsOfNow(notBefore, expires),
        LogValidationExceptions = false,
    };

    // By our clock.
    private bool IsOfNow(DateTime? notBefore, DateTime? expires)
    {
        var now = _time.GetUtcNow().UtcDateTime;
        if (expires is null) throw new SecurityTokenNoExpirationException();
        if (expires < now) throw new SecurityTokenExpiredException { Expires = expires.Value };
        return notBefore is null || notBefore <= now + NotBeforeLeeway ? true : throw new SecurityTokenNotYetValidException { NotBefore = notBefore.Value };
    }

    // Also a signature that does not fit: issuers may give a new key an old id.
    private static bool IsOfKeys(Exception problem) => problem is SecurityTokenInvalidSignatureException;

    private static string Reason(Exception problem, JsonWebToken token, IssuerDocument document) => problem switch
    {
        SecurityTokenExpiredException e => string.Create(CultureInfo.InvariantCulture, $"it expired at {e.Expires:yyyy-MM-ddTHH:mm:ssZ}"),
        SecurityTokenNotYetValidException e => string.Create(CultureInfo.InvariantCulture, $"it is not valid before {e.NotBefore:yyyy-MM-ddTHH:mm:ssZ}"),
        SecurityTokenNoExpirationException => "it says no time of expiry",
        SecurityTokenInvalidAudienceException => $"it is for [{Shown(string.Join(", ", token.Audiences))}]",
        SecurityTokenInvalidIssuerException => $"it was issued by [{Shown(token.Issuer)}]",
        SecurityTokenInvalidSignatureException when document.Find(token.Kid).Count == 0 => $"key id [{Shown(token.Kid)}] is not the issuer's",
        SecurityTokenInvalidSignatureException => "its signature is wrong",
        _ => "it cannot be read", // a claim of the wrong type, mostly; the library's texts are for programmers
    };

    private static string Shown(string? text) => PeerText.Escape(text ?? "", 128);

    private static PeerRefusedException Refusal(string where, string reason) => new($"invalid OIDC token in {where}: {reason}");

    /// <summary>What a session sends after its login is the same subject's.</summary>
    // Compat: any subject that has ever logged in is good enough for the reference.
    private sealed class SessionProofs(OidcAuthenticator authenticator, string subject) : ISessionProofs
    {
        public ValueTask VerifyAsync(Ping ping, Connection connection, CancellationToken cancellationToken) =>
            authenticator._config.AuthenticatesHeartBeats ? VerifyAsync(ping.PrivilegeKey, cancellationToken) : ValueTask.CompletedTask;

        public ValueTask VerifyAsync(NewWorkConn message, Connection connection, CancellationToken cancellationToken) =>
            authenticator._config.AuthenticatesNewWorkConns ? VerifyAsync(message.PrivilegeKey, cancellationToken) : ValueTask.CompletedTask;

        // Compat: work connections too are refused in terms of pings.
        private async ValueTask VerifyAsync(string token, CancellationToken cancellationToken)
        {
            string found = await authenticator.SubjectOfAsync(token, "ping", cancellationToken);
            if (found != subject) throw new PeerRefusedException($"received different OIDC subject in login and ping. new subject: {Shown(found)}");
        }
    }
}
