using Frp.Config;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Client;

/// <summary>The method <c>token</c>: the proof is that of the shared secret (wire specification §10.3). Nothing in here waits.</summary>
internal sealed class TokenProver(ClientAuthConfig config, string token, TimeProvider time) : IProver
{
    /// <inheritdoc/>
    public ValueTask ProveAsync(IProof message, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public void Bind(IProof message, Connection connection)
    {
        if (message is Ping && !config.AuthenticatesHeartBeats || message is NewWorkConn && !config.AuthenticatesNewWorkConns) return;
        (message.Timestamp, message.PrivilegeKey) = ProofOf(token, config, connection, time);
    }

    /// <inheritdoc/>
    public void OnRefused()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <summary>The proof of a secret, now: bound to the connection's TLS where the configuration says so.</summary>
    /// <exception cref="IOException">It has none.</exception>
    internal static (long Timestamp, string Proof) ProofOf(string secret, ClientAuthConfig config, Connection connection, TimeProvider time)
    {
        var certificate = config.TlsBinding ? connection.ServerCertificateHash : default;
        if (config.TlsBinding && certificate.IsEmpty) throw new IOException("auth.tlsBinding is set, and the connection to the server has no TLS");
        long now = time.GetUtcNow().ToUnixTimeSeconds();
        return (now, AuthKey.Compute(secret, now, certificate.Span));
    }
}
