using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Frp.Config;

namespace Frp.Hosting;

/// <summary>The certificate that a configuration file names, and which others the running program may show in its place.</summary>
/// <remarks>
/// <para>The file may be newer than what the program has read. So besides the certificate itself two others will do: one with the same key, and one
/// for exactly the same names that an authority vouches for, whose own certificate stands behind the first in the file or is among the
/// system's.</para>
/// <para>Nothing less will, on a loopback address neither: credentials are sent to whoever passes, and while the program is down
/// anybody on the machine may listen in its place. Not safe for concurrent use.</para>
/// </remarks>
internal sealed class OwnCertificate : IDisposable
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1"; // RFC 5280 §4.2.1.12
    private static readonly Oid Purpose = new(ServerAuthentication);

    private readonly X509Certificate2Collection _all = [];
    private readonly string _file;

    /// <summary>Reads the certificate.</summary>
    /// <exception cref="ConfigException">It cannot be read.</exception>
    internal OwnCertificate(string file)
    {
        _file = file;
        try
        {
            _all.ImportFromPemFile(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new ConfigException($"webServer.tls.certFile: {file}: {e.Message}", e);
        }
        if (_all.Count == 0) throw new ConfigException($"webServer.tls.certFile: {file}: there is no certificate in it");
    }

    /// <summary>Why nobody was asked, for the user; null unless somebody else's certificate was shown.</summary>
    internal string? Refusal { get; private set; }

    private X509Certificate2 Own => _all[0];

    private IEnumerable<X509Certificate2> Issuers => _all.Skip(1);

    /// <summary>Judges what is shown.</summary>
    /// <param name="shown">The certificate; null when there is none.</param>
    /// <param name="errors">What the system has to say about it.</param>
    internal bool IsShownBy(X509Certificate? shown, SslPolicyErrors errors)
    {
        bool accepted = shown is X509Certificate2 certificate
            && (HasSameKey(certificate)
                || HasSameNames(certificate) && ((errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None || IsFromAuthority(certificate)));
        Refusal = accepted ? null : $"the certificate that is shown there is not the one in {_file}; if that was renewed, the program has to read it first: SIGHUP for frps, a restart for frpc";
        return accepted;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var certificate in _all) certificate.Dispose();
    }

    // The certificate itself has it too.
    private bool HasSameKey(X509Certificate2 shown) => shown.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(Own.PublicKey.ExportSubjectPublicKeyInfo());

    private bool HasSameNames(X509Certificate2 shown)
    {
        var names = NamesOf(Own);
        return names.SetEquals(NamesOf(shown)) && (names.Count > 0 || shown.SubjectName.RawData.AsSpan().SequenceEqual(Own.SubjectName.RawData));
    }

    private static HashSet<string> NamesOf(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(names => names.EnumerateDnsNames().Concat(names.EnumerateIPAddresses().Select(address => address.ToString())))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);

    private bool IsFromAuthority(X509Certificate2 shown)
    {
        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        (policy.TrustMode, policy.RevocationMode) = (X509ChainTrustMode.CustomRootTrust, X509RevocationMode.NoCheck);
        // An issuer in the file may have one itself that nobody knows: that is why the chain need not end there, and has to lead through it.
        policy.VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority;
        policy.ApplicationPolicy.Add(Purpose);
        foreach (var issuer in Issuers) policy.CustomTrustStore.Add(issuer);
        bool isValid = chain.Build(shown);
        bool leadsThere = chain.ChainElements.Skip(1).Any(element => Issuers.Any(issuer => issuer.RawDataMemory.Span.SequenceEqual(element.Certificate.RawDataMemory.Span)));
        foreach (var element in chain.ChainElements) element.Certificate.Dispose();
        return isValid && leadsThere;
    }
}
