using Frp.Config;
using Frp.Proxies;
using Frp.Wire;

namespace Frp.Server;

/// <summary>The method <c>token</c>: whoever knows the shared secret may come in (wire specification §10.3).</summary>
/// <remarks>A session is judged by the secret that it logged in with. Nothing in here waits.</remarks>
internal sealed class TokenAuthenticator(ServerAuthConfig config, string token) : IAuthenticator, ISessionProofs
{
    /// <inheritdoc/>
    public ValueTask<ISessionProofs> AdmitAsync(Login login, CancellationToken cancellationToken)
    {
        Verify(login.PrivilegeKey, login.Timestamp, "login");
        return new(this);
    }

    /// <inheritdoc/>
    public ValueTask VerifyAsync(Ping ping, CancellationToken cancellationToken)
    {
        if (config.AuthenticatesHeartBeats) Verify(ping.PrivilegeKey, ping.Timestamp, "heartbeat");
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask VerifyAsync(NewWorkConn message, CancellationToken cancellationToken)
    {
        if (config.AuthenticatesNewWorkConns) Verify(message.PrivilegeKey, message.Timestamp, "NewWorkConn");
        return ValueTask.CompletedTask;
    }

    private void Verify(string proof, long timestamp, string where)
    {
        if (!AuthKey.Matches(proof, token, timestamp)) throw new PeerRefusedException($"token in {where} doesn't match token from configuration");
    }
}
