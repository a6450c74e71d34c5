using Frp.Config;
using Frp.Wire;

namespace Frp.Client;

/// <summary>The method <c>token</c>: the proof is that of the shared secret (wire specification §10.3). Nothing in here waits.</summary>
internal sealed class TokenProver(ClientAuthConfig config, string token, TimeProvider time) : IProver
{
    /// <inheritdoc/>
    public ValueTask ProveAsync(Login login, CancellationToken cancellationToken)
    {
        (login.Timestamp, login.PrivilegeKey) = Proof();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask ProveAsync(Ping ping, CancellationToken cancellationToken)
    {
        if (config.AuthenticatesHeartBeats) (ping.Timestamp, ping.PrivilegeKey) = Proof();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask ProveAsync(NewWorkConn message, CancellationToken cancellationToken)
    {
        if (config.AuthenticatesNewWorkConns) (message.Timestamp, message.PrivilegeKey) = Proof();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public void OnRefused()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private (long, string) Proof()
    {
        long now = time.GetUtcNow().ToUnixTimeSeconds();
        return (now, AuthKey.Compute(token, now));
    }
}
