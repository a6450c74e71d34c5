using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Frp.TestKit;

/// <summary>When a certificate is valid.</summary>
public enum Validity
{
    /// <summary>Now.</summary>
    Now,
    /// <summary>It has expired.</summary>
    Past,
    /// <summary>Not yet.</summary>
    Future,
}

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
    /// <param name="name">The name or address. The files have it in their names, and replace those of an earlier one.</param>
    /// <param name="validity">When it is valid.</param>
    /// <returns>The files of certificate, key, and both in one.</returns>
    public (string Cert, string Key, string Both) Issue(string name, Validity validity = Validity.Now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out var address)) names.AddIpAddress(address);
        else names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        var (from, until) = validity switch
        {
            Validity.Past => (DateTimeOffset.UnixEpoch.AddYears(51), DateTimeOffset.UnixEpoch.AddYears(52)),
            Validity.Future => (DateTimeOffset.UnixEpoch.AddYears(88), DateTimeOffset.UnixEpoch.AddYears(89)),
            _ => (DateTimeOffset.UnixEpoch.AddYears(51), DateTimeOffset.UnixEpoch.AddYears(89)),
        };
        using var issued = request.Create(_root, from, until, RandomNumberGenerator.GetBytes(8));
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
