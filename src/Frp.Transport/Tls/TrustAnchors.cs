using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Transport;

/// <summary>The authorities one side trusts, and the judgement of a peer's certificate by them alone.</summary>
/// <remarks>
/// As in the reference, every certificate of a bundle is an anchor, self-signed or not: an intermediate authority, or the
/// server's own certificate, may be trusted without its issuer. The system's authorities play no part unless they are asked for
/// (<see cref="System"/>). Nothing is downloaded and revocation is not checked.
/// </remarks>
internal sealed class TrustAnchors
{
    // What of a peer's names goes into an error.
    private const int MaxNameLength = 256;
    private const int MaxNames = 8;

    // Source: RFC 5280 section 4.2.1.12.
    private static readonly Oid ServerUse = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientUse = new("1.3.6.1.5.5.7.3.2");

    private readonly X509Certificate2Collection? _anchors;
    private readonly Oid _use;

    private TrustAnchors(X509Certificate2Collection? anchors, Oid use)
    {
        _anchors = anchors;
        _use = use;
    }

    /// <summary>Trusts nothing: for the side that looks at no certificate, so that the platform does no work on it.</summary>
    internal static TrustAnchors None { get; } = new([], ServerUse);

    /// <summary>The system's authorities, for servers. A program that keeps them from being loaded must have taken that back.</summary>
    internal static TrustAnchors System { get; } = new(null, ServerUse);

    internal static TrustAnchors ForServers(string caFile) => new(PemFiles.LoadAuthorities(caFile), ServerUse);

    internal static TrustAnchors ForClients(string caFile) => new(PemFiles.LoadAuthorities(caFile), ClientUse);

    /// <summary>Authorities of a file, which is read again when it changes.</summary>
    /// <exception cref="TlsFileException">The file is missing, unreadable or not what it should be.</exception>
    internal static FreshFiles<TrustAnchors> Watch(string caFile, Func<string, TrustAnchors> load, TimeProvider timeProvider, ILogger logger) =>
        FreshFiles<TrustAnchors>.Open([caFile], () => load(caFile), static trust => $"{trust._anchors!.Count} trusted authorities", timeProvider, logger);

    /// <summary>How the platform is to build the chain. A new one for each handshake, which adds to it.</summary>
    internal X509ChainPolicy CreatePolicy()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = _anchors is null ? X509ChainTrustMode.System : X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        if (_anchors is not null) policy.CustomTrustStore.AddRange(_anchors);
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
        const X509ChainStatusFlags endsEarlyOrLate = endsEarly | X509ChainStatusFlags.NotTimeValid;
        if (chain.ChainElements.Count == 0) return "certificate chain could not be built";
        bool isWhole = (status & endsEarly) == X509ChainStatusFlags.NoError;
        if (!isWhole && (status | endsEarlyOrLate) == endsEarlyOrLate && !IsAnchor(chain.ChainElements[^1].Certificate)) return UnknownAuthority(leaf, chain);
        if (status.HasFlag(X509ChainStatusFlags.NotTimeValid)) return NotInItsTime(chain);
        if ((status | endsEarly) != endsEarly)
        {
            return $"certificate is not valid: {string.Join(", ", chain.ChainStatus.Select(static s => s.Status))}";
        }

        // Compat: as in the reference the common name is no substitute for a subject alternative name.
        if (host is not null && !leaf.MatchesHostname(host, allowWildcards: true, allowCommonName: false))
        {
            return $"certificate is not valid for {host}, but for {NamesOf(leaf)}";
        }
        return null;
    }

    private static string UnknownAuthority(X509Certificate2 leaf, X509Chain chain)
    {
        string issuer = chain.ChainElements.Count == 1 && leaf.IssuerName.RawData.AsSpan().SequenceEqual(leaf.SubjectName.RawData)
            ? "it is self-signed" : $"its issuer is [{PeerText.Escape(chain.ChainElements[^1].Certificate.Issuer, MaxNameLength)}]";
        return $"certificate signed by unknown authority: {issuer}, its key {KeyPin.Of(leaf)}";
    }

    private static string NotInItsTime(X509Chain chain)
    {
        var now = chain.ChainPolicy.VerificationTime.ToUniversalTime();
        foreach (var element in chain.ChainElements)
        {
            var certificate = element.Certificate;
            string whose = ReferenceEquals(element, chain.ChainElements[0]) ? "certificate" : $"certificate of the authority [{PeerText.Escape(certificate.Subject, MaxNameLength)}]";
            if (certificate.NotAfter.ToUniversalTime() < now) return $"{whose} has expired: it was valid until {certificate.NotAfter.ToUniversalTime():u}";
            if (certificate.NotBefore.ToUniversalTime() > now) return $"{whose} is not valid yet: it is from {certificate.NotBefore.ToUniversalTime():u} on, and the clock says {now:u}";
        }
        return "certificate is not valid: NotTimeValid";
    }

    private static string NamesOf(X509Certificate2 leaf)
    {
        var names = leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(static e => e.EnumerateDnsNames().Concat(e.EnumerateIPAddresses().Select(static a => a.ToString()))).Take(MaxNames).ToList();
        return names.Count == 0 ? "no name" : PeerText.Escape(string.Join(", ", names), MaxNameLength);
    }

    private bool IsAnchor(X509Certificate2 certificate)
    {
        foreach (var anchor in _anchors ?? [])
        {
            if (anchor.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span)) return true;
        }
        return false;
    }
}
