using Frp.Config;
using Microsoft.Extensions.Logging;

namespace Frp.Client;

/// <summary>The methods of authentication.</summary>
internal static class Provers
{
    /// <summary>Makes the prover of the configured method, now the caller's. The one place that chooses. Asks nobody for anything yet.</summary>
    /// <param name="config">What the configuration says.</param>
    /// <param name="token">The shared secret, resolved.</param>
    /// <param name="loggers">Where it logs.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="ConfigException">The configuration names something that cannot be used.</exception>
    internal static IProver Create(ClientAuthConfig config, string token, ILoggerFactory loggers, TimeProvider time) =>
        config.UsesToken ? new TokenProver(config, token, time) : OidcProver.Create(config, loggers.CreateLogger("client/oidc"), time);
}
