using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Server;

/// <summary>Judges proofs of shared secrets: of the token, and of visitors' keys (wire specification §10.3, §16.3; docs/wire/tls-binding.md).</summary>
/// <remarks><b>Concurrency.</b> Immutable; nothing waits.</remarks>
internal sealed class SecretProofs(ServerAuthConfig config, TimeProvider time)
{
    /// <summary>Whether a proof is that of a secret. Takes the same time wherever the difference lies.</summary>
    /// <param name="proof">What was presented.</param>
    /// <param name="secret">The secret.</param>
    /// <param name="timestamp">What was presented with it.</param>
    /// <param name="connection">What it came by.</param>
    internal bool IsRight(string proof, string secret, long timestamp, Connection connection)
    {
        if (!config.TlsBinding) return AuthKey.Matches(proof, secret, timestamp);
        var certificate = connection.ServerCertificateHash.Span;
        return !certificate.IsEmpty && AuthKey.Matches(proof, secret, timestamp, certificate);
    }

    /// <summary>Refuses a right proof of a wrong time.</summary>
    /// <param name="timestamp">What was presented with it.</param>
    /// <param name="where">What message it came in.</param>
    /// <exception cref="PeerRefusedException">It is too old, or of the future.</exception>
    internal void CheckTime(long timestamp, string where)
    {
        if (config.MaxClockSkew is not { } most) return;
        double seconds = SkewOf(timestamp, time);
        if (Math.Abs(seconds) <= most.TotalSeconds) return;
        throw new PeerRefusedException($"the time in {where} is {Describe(seconds)}, and auth.maxClockSkew allows {most.TotalSeconds:F0} s");
    }

    /// <summary>What is wrong besides the secret, for a proof that is not right; null when nothing can be said.</summary>
    internal string? HintOf(string proof, Connection connection) => (config.TlsBinding, AuthKey.IsBound(proof)) switch
    {
        (true, false) => "auth.tlsBinding is set here, and not in the client",
        (false, true) => "auth.tlsBinding is set in the client, and not here",
        (true, true) when connection.ServerCertificateHash.IsEmpty => "auth.tlsBinding is set, and TLS does not reach as far as here",
        (true, true) => "or the client has seen another certificate than this server's",
        _ => null,
    };

    /// <summary>Seconds by which a peer's clock is ahead of ours.</summary>
    internal static double SkewOf(long timestamp, TimeProvider time) => (double)timestamp - time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>A skew for people.</summary>
    internal static string Describe(double skew) => $"{Math.Abs(skew):F0} s {(skew < 0 ? "behind" : "ahead of")} this server's clock";
}
