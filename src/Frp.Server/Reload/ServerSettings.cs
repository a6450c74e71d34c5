using Frp.Config;
using Frp.Transport;

namespace Frp.Server;

/// <summary>What a running server reads and a reload exchanges, whole: there is never one part of the old and one of the new.</summary>
/// <remarks>
/// Whoever needs something reads it from the settings of the moment (<see cref="ServerContext.Settings"/>) and keeps only what is to
/// stay as it was: a session its token, its proofs and its timeout. <b>Concurrency.</b> Immutable.
/// </remarks>
internal sealed record ServerSettings
{
    /// <summary>The configuration in force: what was started with, with the reloadable keys of the last reload.</summary>
    internal required ServerConfig Config { get; init; }

    /// <summary>Judges logins from now on.</summary>
    internal required IAuthenticator Authenticator { get; init; }

    /// <summary>Judges visitors' proofs from now on.</summary>
    internal required SecretProofs Secrets { get; init; }

    /// <summary>The keys of sessions from now on.</summary>
    internal required SessionToken Token { get; init; }

    /// <summary>Who is asked about logins, proxies, heartbeats and connections from now on.</summary>
    internal required ServerHooks Hooks { get; init; }

    /// <summary>The server's side of TLS on the control port.</summary>
    internal required TlsServer Identity { get; init; }

    /// <summary>What happens to connections to the control port.</summary>
    internal required BindPortHandshake Handshake { get; init; }
}
