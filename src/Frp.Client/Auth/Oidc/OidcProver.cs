using Frp.Config;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Client;

/// <summary>The method <c>oidc</c>: the proof is an access token as it is (wire specification §10.4).</summary>
internal sealed partial class OidcProver : IProver
{
    private readonly ClientAuthConfig _config;
    private readonly IAccessTokens _tokens;
    private readonly TimeProvider _time;

    internal OidcProver(ClientAuthConfig config, IAccessTokens tokens, TimeProvider time) => (_config, _tokens, _time) = (config, tokens, time);

    /// <summary>Makes the prover that the configuration describes.</summary>
    /// <exception cref="ConfigException">It names something that cannot be used.</exception>
    internal static OidcProver Create(ClientAuthConfig config, ILogger logger, TimeProvider time)
    {
        var oidc = config.Oidc;
        if (oidc.TokenSource is { } source) return new OidcProver(config, new SourcedTokens(source, time), time);
        var endpoint = new Uri(oidc.TokenEndpointUrl);
        if (endpoint.Scheme == Uri.UriSchemeHttp && !endpoint.IsLoopback) Log.InClear(logger, endpoint.GetLeftPart(UriPartial.Path));
        else if (oidc.InsecureSkipVerify) Log.Unverified(logger, endpoint.GetLeftPart(UriPartial.Path));
        return new OidcProver(config, new IssuedTokens(TokenEndpoint.Create(oidc, time), time), time);
    }

    /// <inheritdoc/>
    public async ValueTask ProveAsync(IProof message, CancellationToken cancellationToken)
    {
        switch (message)
        {
            case Login:
                (message.PrivilegeKey, message.Timestamp) = (await TokenAsync("login", cancellationToken), _time.GetUtcNow().ToUnixTimeSeconds());
                break;
            case Ping when _config.AuthenticatesHeartBeats:
                message.PrivilegeKey = await TokenAsync("heartbeat", cancellationToken);
                break;
            case NewWorkConn when _config.AuthenticatesNewWorkConns:
                message.PrivilegeKey = await TokenAsync("work connection", cancellationToken);
                break;
        }
    }

    /// <inheritdoc/>
    // Such a token is good for whoever has it.
    public void Bind(IProof message, Connection connection)
    {
    }

    /// <inheritdoc/>
    // It may be one of keys that the issuer has withdrawn, and would be refused until it expires.
    public void OnRefused() => _tokens.Forget();

    /// <inheritdoc/>
    public void Dispose() => _tokens.Dispose();

    private async ValueTask<string> TokenAsync(string use, CancellationToken cancellationToken)
    {
        try
        {
            return await _tokens.GetAsync(cancellationToken);
        }
        catch (IOException e)
        {
            throw new IOException($"couldn't generate OIDC token for {use}: {e.Message}", e);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "the token endpoint {Url} is not reached by https: the client secret can be read on the way")]
        internal static partial void InClear(ILogger logger, string url);

        [LoggerMessage(2, LogLevel.Warning, "the certificate of the token endpoint {Url} is not verified: the client secret can be read on the way")]
        internal static partial void Unverified(ILogger logger, string url);
    }
}
