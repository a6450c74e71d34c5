using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Frp.TestKit;

/// <summary>A certificate authority and the PEM files that it fills.</summary>
public sealed class CertificateFolder : IDisposable
{
    private readonly string _folder;
    private readonly X509Certificate2 _root;

    /// <summary>Founds the authority and writes its certificate.</summary>
    public CertificateFolder(string folder, string name)
    {
        _folder = folder;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        _root = request.CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(90));
        CaFile = Write($"{name}.ca", _root.ExportCertificatePem());
    }

    /// <summary>The authority's certificate.</summary>
    public string CaFile { get; }

    /// <summary>Issues a certificate for a host and a client of that name.</summary>
    /// <returns>The files of certificate, key, and both in one.</returns>
    public (string Cert, string Key, string Both) Issue(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out var address)) names.AddIpAddress(address);
        else names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var issued = request.Create(_root, DateTimeOffset.UnixEpoch.AddYears(51), DateTimeOffset.UnixEpoch.AddYears(89), RandomNumberGenerator.GetBytes(8));
        string cert = issued.ExportCertificatePem() + "\n", keyText = key.ExportPkcs8PrivateKeyPem() + "\n";
        string prefix = $"{Path.GetFileNameWithoutExtension(CaFile)}-{name}";
        return (Write($"{prefix}.crt", cert), Write($"{prefix}.key", keyText), Write($"{prefix}.pem", cert + keyText));
    }

    /// <inheritdoc/>
    public void Dispose() => _root.Dispose();

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
