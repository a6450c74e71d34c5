using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Server;

/// <summary>The method <c>token</c>: whoever knows the shared secret may come in (wire specification §10.3).</summary>
/// <remarks>A session is judged by the secret that it logged in with. Nothing in here waits.</remarks>
internal sealed class TokenAuthenticator(ServerAuthConfig config, string token, TimeProvider time) : IAuthenticator, ISessionProofs
{
    private readonly SecretProofs _proofs = new(config, time);

    /// <inheritdoc/>
    public ValueTask<ISessionProofs> AdmitAsync(Login login, Connection connection, CancellationToken cancellationToken)
    {
        Verify(login, "login", connection);
        return new(this);
    }

    /// <inheritdoc/>
    public ValueTask VerifyAsync(Ping ping, Connection connection, CancellationToken cancellationToken)
    {
        if (config.AuthenticatesHeartBeats) Verify(ping, "heartbeat", connection);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask VerifyAsync(NewWorkConn message, Connection connection, CancellationToken cancellationToken)
    {
        if (config.AuthenticatesNewWorkConns) Verify(message, "NewWorkConn", connection);
        return ValueTask.CompletedTask;
    }

    private void Verify(IProof message, string where, Connection connection)
    {
        if (!_proofs.IsRight(message.PrivilegeKey, token, message.Timestamp, connection))
        {
            string? hint = _proofs.HintOf(message.PrivilegeKey, connection);
            throw new PeerRefusedException($"token in {where} doesn't match token from configuration{(hint is null ? "" : $" ({hint})")}");
        }
        _proofs.CheckTime(message.Timestamp, where);
    }
}
