using Frp.Config;
using Frp.Wire;

namespace Frp.Client;

/// <summary>Puts the proof of the shared token into messages (wire specification §10.3).</summary>
internal sealed class TokenProver(AuthClientConfig config, string token, TimeProvider time)
{
    private readonly bool _heartBeats = config.AdditionalScopes.Contains(AuthScopes.HeartBeats);
    private readonly bool _workConnections = config.AdditionalScopes.Contains(AuthScopes.NewWorkConns);

    internal void Prove(Login login) => (login.Timestamp, login.PrivilegeKey) = Proof();

    internal void Prove(Ping ping)
    {
        if (_heartBeats) (ping.Timestamp, ping.PrivilegeKey) = Proof();
    }

    internal void Prove(NewWorkConn message)
    {
        if (_workConnections) (message.Timestamp, message.PrivilegeKey) = Proof();
    }

    private (long, string) Proof()
    {
        long now = time.GetUtcNow().ToUnixTimeSeconds();
        return (now, AuthKey.Compute(token, now));
    }
}
