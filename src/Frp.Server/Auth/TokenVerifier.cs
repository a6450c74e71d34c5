using Frp.Config;
using Frp.Proxies;
using Frp.Wire;

namespace Frp.Server;

/// <summary>Checks the proofs of the shared token (wire specification §10.3).</summary>
/// <remarks>A token proves itself at login; with additional scopes it does so on heartbeats and work connections too.</remarks>
internal sealed class TokenVerifier(ServerAuthConfig config, string token)
{
    /// <summary>Checks a login.</summary>
    /// <exception cref="PeerRefusedException">The proof is wrong.</exception>
    internal void VerifyLogin(Login login) => Verify(login.PrivilegeKey, login.Timestamp, "login");

    /// <summary>Checks a heartbeat, if they are in scope.</summary>
    /// <inheritdoc cref="VerifyLogin"/>
    internal void VerifyPing(Ping ping)
    {
        if (config.AuthenticatesHeartBeats) Verify(ping.PrivilegeKey, ping.Timestamp, "heartbeat");
    }

    /// <summary>Checks a work connection, if they are in scope.</summary>
    /// <inheritdoc cref="VerifyLogin"/>
    internal void VerifyWorkConnection(NewWorkConn message)
    {
        if (config.AuthenticatesNewWorkConns) Verify(message.PrivilegeKey, message.Timestamp, "NewWorkConn");
    }

    private void Verify(string proof, long timestamp, string where)
    {
        if (!AuthKey.Matches(proof, token, timestamp)) throw new PeerRefusedException($"token in {where} doesn't match token from configuration");
    }
}
