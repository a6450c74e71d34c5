using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Frp.Config;

namespace Frp.Hosting.Tests;

/// <summary>Who may be taken for the running program whose certificate has been renewed in its file.</summary>
public sealed class OwnCertificateTests : IDisposable
{
    private const SslPolicyErrors Unknown = SslPolicyErrors.RemoteCertificateChainErrors | SslPolicyErrors.RemoteCertificateNameMismatch;
    private static readonly DateTimeOffset Begin = DateTimeOffset.UnixEpoch.AddYears(50), End = DateTimeOffset.UnixEpoch.AddYears(90);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("frp-certificate-");
    private readonly List<IDisposable> _made = [];

    public void Dispose()
    {
        foreach (var one in _made) one.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public void The_certificate_of_the_file_is_known_whoever_issued_it()
    {
        var own = Make("CN=a", Key(), null, "a.test");
        Assert.True(IsTaken([own], own, Unknown));
        Assert.False(IsTaken([own], null, SslPolicyErrors.RemoteCertificateNotAvailable));
        Assert.False(IsTaken([own], Make("CN=a", Key(), null, "a.test"), Unknown));
    }

    [Fact]
    public void So_is_another_one_with_its_key()
    {
        var key = Key();
        Assert.True(IsTaken([Make("CN=a", key, null, "a.test")], Make("CN=b", key, null, "b.test"), Unknown));
    }

    [Theory]
    [InlineData("a.test,b.test", "B.test,a.test", true)]
    [InlineData("127.0.0.1", "127.0.0.1", true)]
    [InlineData("a.test", "b.test", false)]
    [InlineData("a.test,b.test", "a.test", false)]
    [InlineData("a.test", "a.test,b.test", false)]
    [InlineData("", "", true)]
    [InlineData("", "a.test", false)]
    public void So_is_one_for_the_same_names_by_the_authority_in_the_file(string names, string shown, bool taken)
    {
        var authority = Authority("CN=authority");
        var own = Make("CN=x", Key(), authority, names.Split(',', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(taken, IsTaken([own, authority], Make("CN=x", Key(), authority, shown.Split(',', StringSplitOptions.RemoveEmptyEntries)), Unknown));
    }

    [Fact]
    public void The_authority_may_have_one_itself_that_is_not_in_the_file()
    {
        var root = Authority("CN=root");
        var middle = Authority("CN=middle", root);
        Assert.True(IsTaken([Make("CN=x", Key(), middle, "a.test"), middle], Make("CN=x", Key(), middle, "a.test"), Unknown));
    }

    [Fact]
    public void Whoever_only_bears_the_name_of_the_authority_is_nobody()
    {
        var (authority, impostor) = (Authority("CN=authority"), Authority("CN=authority"));
        var own = Make("CN=x", Key(), authority, "a.test");
        var shown = Make("CN=x", Key(), impostor, "a.test");
        Assert.False(IsTaken([own, authority], shown, Unknown));
        Assert.False(IsTaken([own], Make("CN=x", Key(), authority, "a.test"), Unknown)); // the authority is not in the file
    }

    [Fact]
    public void Whoever_holds_a_certificate_and_is_no_authority_cannot_issue()
    {
        var authority = Authority("CN=authority");
        var other = Make("CN=other", Key(), authority, "other.test");
        var own = Make("CN=x", Key(), other, "a.test");
        Assert.False(IsTaken([own, other], Make("CN=x", Key(), other, "a.test"), Unknown));
    }

    [Fact]
    public void One_that_has_run_out_is_known_by_its_key_alone()
    {
        var authority = Authority("CN=authority");
        var own = Make("CN=x", Key(), authority, "a.test");
        var old = Make("CN=x", Key(), authority, Begin.AddYears(2), "a.test");
        Assert.False(IsTaken([own, authority], old, Unknown));
        Assert.True(IsTaken([old], old, Unknown));
    }

    [Theory]
    [InlineData(SslPolicyErrors.None, "a.test", true)]
    [InlineData(SslPolicyErrors.RemoteCertificateNameMismatch, "a.test", true)] // it is asked at an address, and has a name
    [InlineData(SslPolicyErrors.None, "b.test", false)]
    [InlineData(SslPolicyErrors.RemoteCertificateChainErrors, "a.test", false)]
    public void What_the_system_trusts_will_do_for_the_same_names(SslPolicyErrors errors, string name, bool taken) =>
        Assert.Equal(taken, IsTaken([Make("CN=x", Key(), Authority("CN=authority"), "a.test")], Make("CN=x", Key(), Authority("CN=another"), name), errors));

    [Fact]
    public void A_refusal_says_what_to_do()
    {
        using var own = new OwnCertificate(Write(Make("CN=a", Key(), null, "a.test")));
        Assert.Null(own.Refusal);
        Assert.False(own.IsShownBy(Make("CN=a", Key(), null, "a.test"), Unknown));
        Assert.Contains("SIGHUP", own.Refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")]
    public void A_file_without_one_is_a_mistake(string? content)
    {
        string file = Path.Combine(_folder.FullName, "cert");
        if (content is not null) File.WriteAllText(file, content);
        Assert.StartsWith($"webServer.tls.certFile: {file}: ", Assert.Throws<ConfigException>(() => new OwnCertificate(file)).Message, StringComparison.Ordinal);
    }

    private bool IsTaken(X509Certificate2[] file, X509Certificate2? shown, SslPolicyErrors errors)
    {
        using var own = new OwnCertificate(Write(file));
        return own.IsShownBy(shown, errors);
    }

    private string Write(params X509Certificate2[] certificates)
    {
        string file = Path.Combine(_folder.FullName, "cert");
        File.WriteAllText(file, string.Concat(certificates.Select(c => c.ExportCertificatePem() + "\n")));
        return file;
    }

    private ECDsa Key()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _made.Add(key);
        return key;
    }

    private X509Certificate2 Authority(string subject, X509Certificate2? issuer = null) => Make(subject, Key(), issuer, End, isAuthority: true);

    private X509Certificate2 Make(string subject, ECDsa key, X509Certificate2? issuer, params string[] names) => Make(subject, key, issuer, End, isAuthority: false, names);

    private X509Certificate2 Make(string subject, ECDsa key, X509Certificate2? issuer, DateTimeOffset end, params string[] names) => Make(subject, key, issuer, end, isAuthority: false, names);

    private X509Certificate2 Make(string subject, ECDsa key, X509Certificate2? issuer, DateTimeOffset end, bool isAuthority, params string[] names)
    {
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        var builder = new SubjectAlternativeNameBuilder();
        foreach (string name in names)
        {
            if (System.Net.IPAddress.TryParse(name, out var address)) builder.AddIpAddress(address);
            else builder.AddDnsName(name);
        }
        if (names.Length > 0) request.CertificateExtensions.Add(builder.Build());
        X509Certificate2 made;
        if (issuer is null) made = request.CreateSelfSigned(Begin, end);
        else
        {
            using var issued = request.Create(issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(issuer.GetECDsaPrivateKey()!), Begin, end, RandomNumberGenerator.GetBytes(8));
            made = issued.CopyWithPrivateKey(key);
        }
        _made.Add(made);
        return made;
    }
}
