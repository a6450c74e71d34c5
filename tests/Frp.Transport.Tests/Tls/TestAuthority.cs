using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Frp.Transport.Tests;

/// <summary>A certificate authority for tests, and the PEM files it fills.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("frp-tls-");
    private readonly X509Certificate2 _root;
    private int _files;

    internal TestAuthority(string name, TestAuthority? parent = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        if (parent is null)
        {
            _root = request.CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(90));
        }
        else
        {
            using var issued = request.Create(parent._root, DateTimeOffset.UnixEpoch.AddYears(51), DateTimeOffset.UnixEpoch.AddYears(89), RandomNumberGenerator.GetBytes(8));
            _root = issued.CopyWithPrivateKey(key);
        }
        CaFile = Write(_root.ExportCertificatePem());
    }

    internal string CaFile { get; }

    internal string CaPem => _root.ExportCertificatePem();

    /// <summary>Issues a certificate and writes certificate and key files.</summary>
    internal (string Cert, string Key) Issue(string name, bool expired = false, bool san = true, string? chain = null, bool rsa = false)
    {
        using AsymmetricAlgorithm key = rsa ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = key is RSA r
            ? new CertificateRequest($"CN={name}", r, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest($"CN={name}", (ECDsa)key, HashAlgorithmName.SHA256);
        if (san)
        {
            var names = new SubjectAlternativeNameBuilder();
            if (IPAddress.TryParse(name, out var ip)) names.AddIpAddress(ip);
            else names.AddDnsName(name);
            request.CertificateExtensions.Add(names.Build());
        }
        var from = DateTimeOffset.UnixEpoch.AddYears(52);
        var signer = _root.GetECDsaPrivateKey()!;
        using var issued = request.Create(
            _root.SubjectName, X509SignatureGenerator.CreateForECDsa(signer), from, expired ? from.AddDays(1) : DateTimeOffset.UnixEpoch.AddYears(80),
            RandomNumberGenerator.GetBytes(8));
        return (Write(issued.ExportCertificatePem() + "\n" + chain), Write(key.ExportPkcs8PrivateKeyPem()));
    }

    internal string Write(string text)
    {
        var path = Path.Combine(_folder.FullName, $"{Interlocked.Increment(ref _files)}.pem");
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose()
    {
        _root.Dispose();
        _folder.Delete(recursive: true);
    }
}
