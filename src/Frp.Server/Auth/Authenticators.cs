using Frp.Config;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>The methods of authentication.</summary>
internal static class Authenticators
{
    /// <summary>Makes ready what the configured method needs: for OIDC it asks the issuer. The one place that chooses.</summary>
    /// <returns>Makes an authenticator from settings of the moment and the resolved token. The method and the issuer stay what they are now.</returns>
    /// <exception cref="ConfigException">The issuer cannot be used.</exception>
    internal static async ValueTask<Func<ServerAuthConfig, string, IAuthenticator>> PrepareAsync(ServerAuthConfig config, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken) =>
        config.UsesToken
            ? (settings, token) => new TokenAuthenticator(settings, token, time)
            : await OidcAuthenticator.PrepareAsync(config.Oidc, loggers, time, cancellationToken);
}
