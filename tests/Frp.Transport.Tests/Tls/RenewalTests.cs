using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Transport.Tests;

/// <summary>Certificates, keys and authorities that change under running ends.</summary>
public sealed class RenewalTests : IDisposable
{
    private readonly TestAuthority _authority = new("Test Root");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("frp-renewal-");
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(1)); // files written in the test are old
    private readonly Sayings _log = new();
    private readonly string _cert;
    private readonly string _key;
    private int _replaced;

    public RenewalTests() => (_cert, _key) = (Path.Combine(_folder.FullName, "cert.pem"), Path.Combine(_folder.FullName, "key.pem"));

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_new_pair_is_shown_without_a_restart()
    {
        Install(_authority.Issue("one.example"));
        var server = Server();
        Assert.Equal("CN=one.example", await ShownByAsync(server));
        Install(_authority.Issue("two.example"));
        Assert.Equal("CN=one.example", await ShownByAsync(server)); // looked at a moment ago
        PassCheckPeriod();
        Assert.Equal("CN=two.example", await ShownByAsync(server));
        string line = Assert.Single(_log.At(LogLevel.Information));
        Assert.StartsWith($"{_cert}, {_key} changed and read again: certificate valid until ", line, StringComparison.Ordinal);
        Assert.EndsWith(await server.GetKeyPinAsync(), line, StringComparison.Ordinal);
        PassCheckPeriod();
        Assert.Equal("CN=two.example", await ShownByAsync(server));
        Assert.Single(_log.At(LogLevel.Information)); // not read again for nothing
    }

    [Fact]
    public async Task Half_a_pair_is_never_shown_and_is_told_once()
    {
        Install(_authority.Issue("one.example"));
        var server = Server();
        var (cert, key) = _authority.Issue("two.example");
        Replace(cert, _cert);
        for (int i = 0; i < 3; i++)
        {
            PassCheckPeriod();
            Assert.Equal("CN=one.example", await ShownByAsync(server));
        }
        string warning = Assert.Single(_log.At(LogLevel.Warning));
        Assert.StartsWith($"changed TLS files cannot be used, the old ones stay in force: failed to load certificate \"{_cert}\" with private key \"{_key}\": ", warning, StringComparison.Ordinal);
        Replace(key, _key);
        PassCheckPeriod();
        Assert.Equal("CN=two.example", await ShownByAsync(server));
        Assert.Single(_log.At(LogLevel.Warning));
    }

    [Fact]
    public async Task A_file_that_is_being_written_is_left_alone()
    {
        Install(_authority.Issue("one.example"));
        var server = Server();
        Install(_authority.Issue("two.example"));
        PassCheckPeriod();
        File.SetLastWriteTimeUtc(_key, _time.GetUtcNow().UtcDateTime - TimeSpan.FromMilliseconds(500));
        Assert.Equal("CN=one.example", await ShownByAsync(server));
        PassCheckPeriod();
        Assert.Equal("CN=two.example", await ShownByAsync(server));
        Assert.Empty(_log.At(LogLevel.Warning));
    }

    [Fact]
    public async Task A_file_that_is_gone_for_a_while_changes_nothing()
    {
        Install(_authority.Issue("one.example"));
        var server = Server();
        File.Move(_key, _key + ".away");
        PassCheckPeriod();
        Assert.Equal("CN=one.example", await ShownByAsync(server));
        Assert.Contains($"failed to read private key file \"{_key}\"", Assert.Single(_log.At(LogLevel.Warning)), StringComparison.Ordinal);
        File.Move(_key + ".away", _key);
        PassCheckPeriod();
        Assert.Equal("CN=one.example", await ShownByAsync(server));
        Assert.Single(_log.At(LogLevel.Warning));
    }

    [Fact]
    public async Task Links_that_are_exchanged_are_a_change()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need a privilege");
        // As Kubernetes mounts a secret: the files are links through a link to a folder, which alone is exchanged. All files have one time.
        var when = TimeProvider.System.GetUtcNow().UtcDateTime - TimeSpan.FromDays(1);
        foreach (string name in (string[])["one.example", "two.example"])
        {
            var folder = _folder.CreateSubdirectory(name);
            var (cert, key) = _authority.Issue(name);
            File.Copy(cert, Path.Combine(folder.FullName, "cert.pem"));
            File.Copy(key, Path.Combine(folder.FullName, "key.pem"));
            foreach (var file in folder.GetFiles()) File.SetLastWriteTimeUtc(file.FullName, when);
            when += TimeSpan.FromSeconds(1);
        }
        string data = Path.Combine(_folder.FullName, "..data");
        Directory.CreateSymbolicLink(data, "one.example");
        File.CreateSymbolicLink(_cert, "..data/cert.pem");
        File.CreateSymbolicLink(_key, "..data/key.pem");
        var server = Server();
        Assert.Equal("CN=one.example", await ShownByAsync(server));
        Directory.CreateSymbolicLink(data + ".new", "two.example");
        Directory.Delete(data);
        Directory.Move(data + ".new", data);
        PassCheckPeriod();
        Assert.Equal("CN=two.example", await ShownByAsync(server));
    }

    [Fact]
    public async Task Many_handshakes_at_once_read_the_files_once()
    {
        Install(_authority.Issue("one.example"));
        var server = Server();
        Install(_authority.Issue("two.example"));
        PassCheckPeriod();
        foreach (string shown in await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => ShownByAsync(server)))) Assert.Contains(shown, (string[])["CN=one.example", "CN=two.example"]);
        Assert.Equal("CN=two.example", await ShownByAsync(server));
        Assert.Single(_log.At(LogLevel.Information));
    }

    [Fact]
    public async Task A_server_asks_for_clients_of_new_authorities()
    {
        using var other = new TestAuthority("Other Root");
        string ca = Path.Combine(_folder.FullName, "ca.pem");
        Replace(_authority.CaFile, ca);
        var server = TlsServer.Load(new TlsServerOptions { TrustedCaFile = ca }, _time, logger: _log);
        var (cert, key) = other.Issue("client", san: false);
        var client = TlsClient.Load(new TlsClientOptions { CertFile = cert, KeyFile = key }, TimeProvider.System);
        await Assert.ThrowsAsync<AuthenticationException>(() => MeetAsync(client, server));
        Replace(other.CaFile, ca);
        PassCheckPeriod();
        await MeetAsync(client, server);
        Assert.Equal($"{ca} changed and read again: 1 trusted authorities", Assert.Single(_log.At(LogLevel.Information)));
        await File.WriteAllTextAsync(ca, "nothing\n", TestContext.Current.CancellationToken);
        PassCheckPeriod();
        await MeetAsync(client, server); // the last good ones
        Assert.Contains("no valid PEM certificates found", Assert.Single(_log.At(LogLevel.Warning)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_is_who_its_files_say_and_trusts_whom_they_say_when_it_dials()
    {
        using var other = new TestAuthority("Other Root");
        string ca = Path.Combine(_folder.FullName, "ca.pem");
        Replace(_authority.CaFile, ca);
        Install(_authority.Issue("client.one", san: false));
        var client = TlsClient.Load(new TlsClientOptions { CertFile = _cert, KeyFile = _key, TrustedCaFile = ca }, _time, logger: _log);
        var (serverCert, serverKey) = _authority.Issue("x");
        var (newCert, newKey) = other.Issue("x");
        var old = TlsServer.Load(new TlsServerOptions { CertFile = serverCert, KeyFile = serverKey, TrustedCaFile = _authority.CaFile }, TimeProvider.System);
        var renewed = TlsServer.Load(new TlsServerOptions { CertFile = newCert, KeyFile = newKey, TrustedCaFile = other.CaFile }, TimeProvider.System);
        Assert.Equal("CN=client.one", await MeetAsync(client, old));

        Replace(other.CaFile, ca);
        Install(other.Issue("client.two", san: false));
        PassCheckPeriod();
        Assert.Equal("CN=client.two", await MeetAsync(client, renewed));
        Assert.Equal(2, _log.At(LogLevel.Information).Count);
    }

    private TlsServer Server() => TlsServer.Load(new TlsServerOptions { CertFile = _cert, KeyFile = _key }, _time, logger: _log);

    private void PassCheckPeriod() => _time.Advance(FreshFiles<string>.CheckPeriod);

    private void Install((string Cert, string Key) pair)
    {
        Replace(pair.Cert, _cert);
        Replace(pair.Key, _key);
    }

    // Files that are issued in the same tick of the file system's clock have one time; a renewal comes months later.
    private void Replace(string source, string target)
    {
        File.Copy(source, target, overwrite: true);
        File.SetLastWriteTimeUtc(target, _time.Start.UtcDateTime - TimeSpan.FromHours(1) + TimeSpan.FromSeconds(++_replaced));
    }

    private static async Task<string> ShownByAsync(TlsServer server)
    {
        var (peer, ours) = await Peers.ConnectionPairAsync();
        var accept = server.AuthenticateAsync(ours, Patience.Token).AsTask();
        var dialled = await TlsClient.Load(new TlsClientOptions(), TimeProvider.System).AuthenticateAsync(peer, "x", null, Patience.Token).Soon();
        await accept.Soon();
        return ((SslStream)dialled.Stream).RemoteCertificate!.Subject;
    }

    // What the server says of the client, whose own handshake may be over before it is refused.
    private static async Task<string> MeetAsync(TlsClient client, TlsServer server)
    {
        var (peer, ours) = await Peers.ConnectionPairAsync();
        var dial = client.AuthenticateAsync(peer, "x", null, Patience.Token).AsTask();
        var accepted = await server.AuthenticateAsync(ours, Patience.Token).Soon();
        await dial.Soon();
        return ((SslStream)accepted.Stream).RemoteCertificate is X509Certificate2 certificate ? certificate.Subject : "";
    }
}
