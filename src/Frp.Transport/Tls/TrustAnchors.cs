using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Frp.Transport;

/// <summary>The authorities one side trusts, and the judgement of a peer's certificate by them alone.</summary>
/// <remarks>
/// As in the reference, every certificate of the bundle is an anchor, self-signed or not: an intermediate authority, or the
/// server's own certificate, may be trusted without its issuer. The system's authorities play no part, nothing is downloaded
/// and revocation is not checked.
/// </remarks>
internal sealed class TrustAnchors
{
    // Source: RFC 5280 section 4.2.1.12.
    private static readonly Oid ServerUse = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientUse = new("1.3.6.1.5.5.7.3.2");

    private readonly X509Certificate2Collection _anchors;
    private readonly Oid _use;

    private TrustAnchors(X509Certificate2Collection anchors, Oid use)
    {
        _anchors = anchors;
        _use = use;
    }

    /// <summary>Trusts nothing: for the side that looks at no certificate, so that the platform does no work on it.</summary>
    internal static TrustAnchors None { get; } = new([], ServerUse);

    internal static TrustAnchors ForServers(string caFile) => new(PemFiles.LoadAuthorities(caFile), ServerUse);

    internal static TrustAnchors ForClients(string caFile) => new(PemFiles.LoadAuthorities(caFile), ClientUse);

    /// <summary>How the platform is to build the chain. A new one for each handshake, which adds to it.</summary>
    internal X509ChainPolicy CreatePolicy()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(_anchors);
        policy.ApplicationPolicy.Add(_use);
        return policy;
    }

    /// <summary>What is wrong with a peer's certificate.</summary>
    /// <param name="certificate">The peer's certificate, if it showed one.</param>
    /// <param name="chain">Built by the platform after <see cref="CreatePolicy"/>.</param>
    /// <param name="errors">The platform's own opinion, of which only the missing certificate counts.</param>
    /// <param name="host">The name or address the certificate must be for; null for a client's.</param>
    /// <returns>Null when the certificate is good.</returns>
    internal string? Judge(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors, string? host)
    {
        if (certificate is not X509Certificate2 leaf || chain is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
        {
            return "no certificate was presented";
        }

        var status = X509ChainStatusFlags.NoError;
        foreach (var element in chain.ChainStatus) status |= element.Status;
        // The platform wants chains to end in a self-signed certificate. Ending in any anchor is enough; a broken signature
        // below it has a flag of its own.
        const X509ChainStatusFlags endsEarly = X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot;
        if (chain.ChainElements.Count == 0) return "certificate chain could not be built";
        if ((status | endsEarly) != endsEarly)
        {
            return $"certificate is not valid: {string.Join(", ", chain.ChainStatus.Select(static s => s.Status))}";
        }
        if (status != X509ChainStatusFlags.NoError && !IsAnchor(chain.ChainElements[^1].Certificate))
        {
            return "certificate signed by unknown authority";
        }

        // Compat: as in the reference the common name is no substitute for a subject alternative name.
        if (host is not null && !leaf.MatchesHostname(host, allowWildcards: true, allowCommonName: false))
        {
            return $"certificate is not valid for {host}";
        }
        return null;
    }

    private bool IsAnchor(X509Certificate2 certificate)
    {
        foreach (var anchor in _anchors)
        {
            if (anchor.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span)) return true;
        }
        return false;
    }
}
