using System.Text;
using Frp.Config;
using Frp.Proxies;
using Frp.Wire;

namespace Frp.Server;

/// <summary>The shared token as sessions know it: it checks proofs (wire specification §10.3), and keys are derived from it.</summary>
/// <remarks>
/// A token proves itself at login; with additional scopes it does so on heartbeats and work connections too. A session keeps the one that
/// it has logged in with until it ends, keys included: a server that gets another token drops nobody. <b>Concurrency.</b> Immutable.
/// </remarks>
internal sealed class SessionToken(ServerAuthConfig config, string token)
{
    /// <summary>UTF-8 of the token, an input of the v2 control keys. Not to be changed.</summary>
    internal byte[] Bytes { get; } = Encoding.UTF8.GetBytes(token);

    /// <summary>Key of the payload encryption and of the v1 control channel. Not to be changed.</summary>
    internal byte[] StreamKey { get; } = Wire.StreamKey.Derive(token);

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
