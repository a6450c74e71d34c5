using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Frp.Transport;

/// <summary>Certificates and keys from PEM files, with errors that name the file.</summary>
internal static class PemFiles
{
    // Source: RFC 8410 section 3.
    private const string Ed25519 = "1.3.101.112";
    private const string Ed448 = "1.3.101.113";

    /// <summary>A certificate with its private key, and the further certificates of the file, which go out with it.</summary>
    internal static (X509Certificate2 Leaf, X509Certificate2Collection Intermediates) LoadIdentity(string certFile, string keyFile)
    {
        var certPem = Read(certFile, "certificate");
        var keyPem = Read(keyFile, "private key");
        var chain = ParseCertificates(certPem);
        if (chain.Count == 0) throw new TlsFileException($"failed to parse certificate from file \"{certFile}\": no valid PEM certificates found");

        var leaf = chain[0];
        chain.RemoveAt(0);
        // Compat: the reference loads Ed25519 identities; the platform's TLS cannot.
        if (leaf.PublicKey.Oid.Value is Ed25519 or Ed448)
        {
            throw new TlsFileException(
                $"certificate in file \"{certFile}\" has an Ed25519 or Ed448 key, which .NET cannot use for TLS: issue one with an ECDSA or RSA key");
        }
        try
        {
            var identity = X509Certificate2.CreateFromPem(certPem, keyPem);
            leaf.Dispose();
            return (Importable(identity), chain);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new TlsFileException($"failed to load certificate \"{certFile}\" with private key \"{keyFile}\": {e.Message}", e);
        }
    }

    /// <summary>The authorities of a bundle. Entries that are no certificates are skipped, as long as one is.</summary>
    internal static X509Certificate2Collection LoadAuthorities(string caFile)
    {
        var authorities = ParseCertificates(Read(caFile, "CA certificate"));
        return authorities.Count > 0
            ? authorities
            : throw new TlsFileException($"failed to parse CA certificate from file \"{caFile}\": no valid PEM certificates found");
    }

    private static string Read(string path, string what)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new TlsFileException($"failed to read {what} file \"{path}\": {e.Message}", e);
        }
    }

    private static X509Certificate2Collection ParseCertificates(ReadOnlySpan<char> pem)
    {
        var found = new X509Certificate2Collection();
        while (PemEncoding.TryFind(pem, out var fields))
        {
            if (pem[fields.Label] is "CERTIFICATE")
            {
                var der = new byte[fields.DecodedDataLength];
                if (Convert.TryFromBase64Chars(pem[fields.Base64Data], der, out var length))
                {
                    try
                    {
                        found.Add(X509CertificateLoader.LoadCertificate(der.AsSpan(0, length)));
                    }
                    catch (CryptographicException)
                    {
                        // Not a certificate: bundles collected by hand hold such things, and the rest still counts.
                    }
                }
            }
            pem = pem[fields.Location.End..];
        }
        return found;
    }

    // Windows' TLS takes no key that lives in memory only.
    private static X509Certificate2 Importable(X509Certificate2 certificate)
    {
        if (!OperatingSystem.IsWindows()) return certificate;
        using (certificate) return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), password: null);
    }

    /// <summary>The certificate of a server that was given none.</summary>
    /// <remarks>RSA-2048, empty subject, no extensions, a random positive 128-bit serial number, valid from an hour ago for ten
    /// years. <b>Source:</b> docs/wire/transports.md, TLS.</remarks>
    internal static X509Certificate2 Generate(TimeProvider timeProvider)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest(Nobody, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var bare = Sign(request, X509SignatureGenerator.CreateForRSA(key, RSASignaturePadding.Pkcs1), timeProvider);
        return Importable(bare.CopyWithPrivateKey(key));
    }

    /// <summary>The same with a key that takes no time to make, for the moments until the other is there.</summary>
    internal static X509Certificate2 GenerateInterim(TimeProvider timeProvider)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var bare = Sign(new CertificateRequest(Nobody, key, HashAlgorithmName.SHA256), X509SignatureGenerator.CreateForECDsa(key), timeProvider);
        return Importable(bare.CopyWithPrivateKey(key));
    }

    private static X500DistinguishedName Nobody { get; } = new("");

    private static X509Certificate2 Sign(CertificateRequest request, X509SignatureGenerator signature, TimeProvider timeProvider)
    {
        Span<byte> serial = stackalloc byte[16];
        RandomNumberGenerator.Fill(serial);
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40); // positive, and of full length
        var now = timeProvider.GetUtcNow();
        return request.Create(Nobody, signature, now.AddHours(-1), now.AddYears(10), serial);
    }
}
