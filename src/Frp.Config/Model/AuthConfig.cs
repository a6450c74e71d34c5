using System.Text.Json.Serialization;

namespace Frp.Config;

/// <summary>What both programs say about authentication.</summary>
public abstract class AuthConfig
{
    /// <summary>How a client proves itself: by a shared secret or by a token of an identity provider.</summary>
    [Allowed(TokenMethod, OidcMethod)] public string Method { get; set; } = "";
    /// <summary>What is authenticated besides the login.</summary>
    [Allowed(HeartBeats, NewWorkConns)] public List<string> AdditionalScopes { get; set; } = [];
    /// <summary>Shared secret; also the key of stream encryption.</summary>
    /// <remarks>As written: the secret in force comes from <see cref="ResolveTokenAsync"/>.</remarks>
    public string Token { get; set; } = "";
    /// <summary>Where the secret is to be had instead.</summary>
    [Excludes(nameof(Token))] public ValueSource? TokenSource { get; set; }

    /// <summary>
    /// Proofs of the token, and of visitors' secret keys, are bound to the certificate that the server shows in TLS, and good for nobody else who might have
    /// posed as it. Both ends must ask for it. Ours; frp does not know the key.
    /// </summary>
    public bool TlsBinding { get; set; }

    /// <summary>The token decides, not an identity provider.</summary>
    [JsonIgnore] public bool UsesToken => Method == TokenMethod;
    /// <summary>Pings are authenticated.</summary>
    [JsonIgnore] public bool AuthenticatesHeartBeats => AdditionalScopes.Contains(HeartBeats);
    /// <summary>Work connections are authenticated.</summary>
    [JsonIgnore] public bool AuthenticatesNewWorkConns => AdditionalScopes.Contains(NewWorkConns);

    private const string TokenMethod = "token";
    private protected const string OidcMethod = "oidc";
    private const string HeartBeats = "HeartBeats";
    private const string NewWorkConns = "NewWorkConns";

    /// <summary>The shared secret: as written, or from its source when the method is <c>token</c>.</summary>
    /// <param name="cancellation">Ends a command that takes too long.</param>
    /// <exception cref="ConfigException">The source gave nothing; the text begins with <c>failed to resolve auth.tokenSource</c>.</exception>
    public async Task<string> ResolveTokenAsync(CancellationToken cancellation)
    {
        if (TokenSource is null || !UsesToken)
            return Token;
        try
        {
            return await TokenSource.ResolveAsync(cancellation);
        }
        catch (ConfigException e)
        {
            throw new ConfigException("failed to resolve auth.tokenSource: " + e.Message, e);
        }
    }

    /// <summary>Somebody is asked who may have to be verified by the system's certificate authorities.</summary>
    [JsonIgnore] public bool AsksPublicServices => !UsesToken;

    internal virtual void Complete() => Method = Default.Of(Method, TokenMethod);

    internal virtual void Validate(ConfigErrors errors, UnsafeFeatures allowUnsafe)
    {
        if (Method is not (TokenMethod or OidcMethod))
            errors.Add("method", "invalid auth method, optional values are [token oidc]");
        if (AdditionalScopes.Exists(s => s is not (HeartBeats or NewWorkConns)))
            errors.Add("additionalScopes", "invalid auth additional scopes, optional values are [HeartBeats NewWorkConns]");
        if (TlsBinding && Method == OidcMethod)
            errors.Add("tlsBinding", "auth.tlsBinding needs auth.method \"token\": a token of an identity provider is good for whoever has it");
        if (TokenSource is null)
            return;
        if (Token.Length > 0)
            errors.Add("token", "cannot specify both auth.token and auth.tokenSource");
        TokenSource.Validate(errors.In("tokenSource"), "invalid auth.tokenSource: ", allowUnsafe);
    }
}

/// <summary>How the server checks clients.</summary>
public sealed class ServerAuthConfig : AuthConfig
{
    /// <summary>The identity provider whose tokens are accepted.</summary>
    public ServerOidcConfig Oidc { get; set; } = new();
    /// <summary>
    /// Seconds by which a client's clock may be wrong: proofs of the token and of visitors' secret keys from before, or from after, are refused. 0 or less = any
    /// time is good, which small devices without a clock may need. Ours; frp does not know the key.
    /// </summary>
    [JsonPropertyName("maxClockSkew")] public int MaxClockSkewSeconds { get; set; }

    /// <summary><see cref="MaxClockSkewSeconds"/> as a time; null for any.</summary>
    [JsonIgnore] public TimeSpan? MaxClockSkew { get; private set; }

    internal override void Complete()
    {
        base.Complete();
        MaxClockSkew = Default.Timer(MaxClockSkewSeconds);
    }
}

/// <summary>The identity provider whose tokens a server accepts.</summary>
public sealed class ServerOidcConfig
{
    /// <summary>URL of the provider: its keys are discovered there, and tokens must name it as <c>iss</c>.</summary>
    public string Issuer { get; set; } = "";
    /// <summary>Audience that tokens must name as <c>aud</c>; empty = not checked.</summary>
    public string Audience { get; set; } = "";
    /// <summary>Expired tokens are accepted.</summary>
    public bool SkipExpiryCheck { get; set; }
    /// <summary>Tokens of any issuer are accepted.</summary>
    public bool SkipIssuerCheck { get; set; }
}

/// <summary>How the client proves itself.</summary>
public sealed class ClientAuthConfig : AuthConfig
{
    /// <summary>The identity provider that issues tokens.</summary>
    public ClientOidcConfig Oidc { get; set; } = new();

    internal override void Validate(ConfigErrors errors, UnsafeFeatures allowUnsafe)
    {
        base.Validate(errors, allowUnsafe);
        Oidc.Validate(errors.In("oidc"), Method == OidcMethod, allowUnsafe);
    }
}

/// <summary>The identity provider that issues a client's tokens.</summary>
public sealed class ClientOidcConfig
{
    /// <summary>OAuth client id; needed with method <c>oidc</c> unless there is a <c>tokenSource</c>.</summary>
    [JsonPropertyName("clientID")] public string ClientId { get; set; } = "";
    /// <summary>OAuth client secret.</summary>
    public string ClientSecret { get; set; } = "";
    /// <summary>Wanted audience, sent as <c>audience</c>.</summary>
    public string Audience { get; set; } = "";
    /// <summary>Wanted scope, sent as <c>scope</c> also when empty.</summary>
    public string Scope { get; set; } = "";
    /// <summary>Where tokens are issued, an http or https URL; needed like the client id.</summary>
    [JsonPropertyName("tokenEndpointURL")] public string TokenEndpointUrl { get; set; } = "";
    /// <summary>Further form fields of the token request; not <c>scope</c>, and <c>audience</c> only if there is none above.</summary>
    public Dictionary<string, string> AdditionalEndpointParams { get; set; } = [];
    /// <summary>PEM bundle that verifies the token endpoint; empty = the system's.</summary>
    public string TrustedCaFile { get; set; } = "";
    /// <summary>The endpoint's certificate is not verified.</summary>
    public bool InsecureSkipVerify { get; set; }
    /// <summary>Proxy towards the endpoint: an http, https, socks5 or socks5h URL.</summary>
    [JsonPropertyName("proxyURL")] public string ProxyUrl { get; set; } = "";
    /// <summary>Where a ready token is to be had instead of asking the endpoint.</summary>
    [Excludes(nameof(ClientId), nameof(ClientSecret), nameof(Audience), nameof(Scope), nameof(TokenEndpointUrl), nameof(AdditionalEndpointParams),
        nameof(TrustedCaFile), nameof(InsecureSkipVerify), nameof(ProxyUrl))]
    public ValueSource? TokenSource { get; set; }

    private bool SaysAnythingElse => ClientId.Length + ClientSecret.Length + Audience.Length + Scope.Length + TokenEndpointUrl.Length
        + AdditionalEndpointParams.Count + TrustedCaFile.Length + ProxyUrl.Length > 0 || InsecureSkipVerify;

    internal void Validate(ConfigErrors errors, bool inUse, UnsafeFeatures allowUnsafe)
    {
        if (TokenSource is not null)
        {
            if (SaysAnythingElse)
                errors.Add("tokenSource", "cannot specify both auth.oidc.tokenSource and any other field of auth.oidc");
            TokenSource.Validate(errors.In("tokenSource"), "invalid auth.oidc.tokenSource: ", allowUnsafe);
            return;
        }
        if (!inUse)
            return;
        // Compat: what is missing is told in one text, separated by semicolons.
        var faults = new List<string>();
        if (ClientId.Length == 0)
            faults.Add("auth.oidc.clientID is required");
        if (TokenEndpointUrl.Length == 0)
            faults.Add("auth.oidc.tokenEndpointURL is required");
        else if (!Uri.TryCreate(TokenEndpointUrl, UriKind.Absolute, out var url) || url.Host.Length == 0)
            faults.Add("auth.oidc.tokenEndpointURL must be an absolute http or https URL");
        else if (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps)
            faults.Add("auth.oidc.tokenEndpointURL must use http or https");
        if (AdditionalEndpointParams.ContainsKey("scope"))
            faults.Add("auth.oidc.additionalEndpointParams.scope is not allowed; use auth.oidc.scope instead");
        if (Audience.Length > 0 && AdditionalEndpointParams.ContainsKey("audience"))
            faults.Add("cannot specify both auth.oidc.audience and auth.oidc.additionalEndpointParams.audience");
        if (faults.Count > 0)
            errors.Add("", string.Join("; ", faults));
    }
}
