using Frp.Config;
using Frp.Wire;

namespace Frp.Client;

/// <summary>Puts the proof of the shared token into messages (wire specification §10.3).</summary>
internal sealed class TokenProver(ClientAuthConfig config, string token, TimeProvider time)
{
    internal void Prove(Login login) => (login.Timestamp, login.PrivilegeKey) = Proof();

    internal void Prove(Ping ping)
    {
        if (config.AuthenticatesHeartBeats) (ping.Timestamp, ping.PrivilegeKey) = Proof();
    }

    internal void Prove(NewWorkConn message)
    {
        if (config.AuthenticatesNewWorkConns) (message.Timestamp, message.PrivilegeKey) = Proof();
    }

    private (long, string) Proof()
    {
        long now = time.GetUtcNow().ToUnixTimeSeconds();
        return (now, AuthKey.Compute(token, now));
    }
}
