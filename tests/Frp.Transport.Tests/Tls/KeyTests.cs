using System.Security.Authentication;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace Frp.Transport.Tests;

/// <summary>Servers that are known by their key: pinned, or seen before.</summary>
public sealed class KeyTests : IDisposable
{
    private const string Name = "frps.example:7000";
    private static readonly string Stranger = KeyPin.Prefix + Convert.ToBase64String(SHA256.HashData("a stranger"u8));

    private readonly TestAuthority _authority = new("Test Root");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("frp-known-");
    private readonly Sayings _log = new();
    private readonly TlsServer _server;
    private readonly string _known;

    public KeyTests()
    {
        var (cert, key) = _authority.Issue("example.com", expired: true); // which only authorities mind
        _server = TlsServer.Load(new TlsServerOptions { CertFile = cert, KeyFile = key }, TimeProvider.System);
        _known = Path.Combine(_folder.FullName, "known");
    }

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_pin_is_what_other_programs_make_of_the_certificate()
    {
        Foreign.RequireTool("openssl");
        var (cert, key) = _authority.Issue("example.com", rsa: true);
        var (code, output) = await Foreign.RunAsync("sh", "", "-c", $"openssl x509 -in {cert} -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64");
        Assert.True(code == 0, output);
        var server = TlsServer.Load(new TlsServerOptions { CertFile = cert, KeyFile = key }, TimeProvider.System);
        Assert.Equal("sha256/" + output.Trim(), await server.GetKeyPinAsync());
    }

    [Fact]
    public async Task A_pin_alone_makes_any_certificate_good()
    {
        await MeetAsync(_server, new TlsClientOptions { PinnedKeys = [Stranger, await _server.GetKeyPinAsync()] });
        var generated = TlsServer.Load(new TlsServerOptions(), TimeProvider.System);
        await MeetAsync(generated, new TlsClientOptions { PinnedKeys = [await generated.GetKeyPinAsync()] });
    }

    [Fact]
    public async Task Another_key_than_the_pinned_one_is_refused() => Assert.Equal(
        $"server certificate refused: its key {await _server.GetKeyPinAsync()} is not the pinned one", await RefusalAsync(_server, new TlsClientOptions { PinnedKeys = [Stranger] }));

    [Fact]
    public async Task Authorities_and_pin_must_both_be_content()
    {
        var (cert, key) = _authority.Issue("example.com");
        var good = TlsServer.Load(new TlsServerOptions { CertFile = cert, KeyFile = key }, TimeProvider.System);
        var options = new TlsClientOptions { TrustedCaFile = _authority.CaFile, PinnedKeys = [await good.GetKeyPinAsync()] };
        await MeetAsync(good, options);
        Assert.Contains("is not the pinned one", await RefusalAsync(good, options with { PinnedKeys = [Stranger] }), StringComparison.Ordinal);
        Assert.Contains("has expired", await RefusalAsync(_server, options with { PinnedKeys = [await _server.GetKeyPinAsync()] }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_key_is_kept_and_demanded_from_then_on()
    {
        string pin = await _server.GetKeyPinAsync();
        await MeetAsync(_server, Known());
        Assert.Equal($"{Name} {pin}\n", await ReadAsync());
        Assert.Contains($"{Name} is trusted from now on by its key {pin}", Assert.Single(_log.At(LogLevel.Warning)), StringComparison.Ordinal);
        await MeetAsync(_server, Known());
        Assert.Equal($"{Name} {pin}\n", await ReadAsync());
        Assert.Single(_log.At(LogLevel.Warning));

        var other = TlsServer.Load(new TlsServerOptions(), TimeProvider.System);
        string otherPin = await other.GetKeyPinAsync();
        Assert.Equal($"server certificate refused: the key of {Name} is now {otherPin}, and was {pin}: if that is right, delete line 1 of \"{_known}\"", await RefusalAsync(other, Known()));
        Assert.Equal($"{Name} {pin}\n", await ReadAsync());
    }

    [Fact]
    public async Task A_running_client_sees_that_a_line_was_deleted()
    {
        var client = Load(Known());
        await MeetAsync(_server, client);
        var other = TlsServer.Load(new TlsServerOptions(), TimeProvider.System);
        string otherPin = await other.GetKeyPinAsync();
        await RefusalAsync(other, client);
        File.Delete(_known);
        await MeetAsync(other, client);
        Assert.Equal($"{Name} {otherPin}\n", await ReadAsync());
    }

    [Fact]
    public async Task What_people_wrote_into_the_file_stays_there()
    {
        string pin = await _server.GetKeyPinAsync();
        string text = $"# servers\n\nother.example:7000\t{Stranger}\n  {Name}0 {Stranger}"; // no end of line: an editor's
        await WriteAsync(text);
        await MeetAsync(_server, Known());
        Assert.Equal($"{text}\n{Name} {pin}\n", await ReadAsync());
    }

    [Fact]
    public async Task Each_of_several_keys_is_good()
    {
        await WriteAsync($"{Name} {Stranger}\r\n{Name} {await _server.GetKeyPinAsync()}\r\n");
        await MeetAsync(_server, Known());
        var other = TlsServer.Load(new TlsServerOptions(), TimeProvider.System);
        await other.GetCertificateAsync();
        Assert.Contains($"and was {Stranger}: if that is right, delete line 1 of", await RefusalAsync(other, Known()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("frps.example:7000 sha256/AAAA\n")]
    [InlineData("frps.example:7000")]
    [InlineData("sha256/AAAA")]
    [InlineData("\0\0\0\0")]
    public async Task A_damaged_file_trusts_nobody(string damage)
    {
        string text = $"# servers\n{damage}";
        await WriteAsync(text);
        string expected = $"line 2 of the file of known servers \"{_known}\" is not of the form \"host:port sha256/BASE64\"";
        Assert.Equal(expected, Assert.Throws<TlsFileException>(() => Load(Known())).Message);
        File.Delete(_known);
        var client = Load(Known());
        await WriteAsync(text); // under a client that runs
        Assert.Equal($"server certificate refused: {expected}", await RefusalAsync(_server, client));
        Assert.Equal(text, await ReadAsync());
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_trusts_nobody()
    {
        string missing = Path.Combine(_folder.FullName, "nowhere", "known");
        Assert.StartsWith($"the file of known servers \"{missing}\" cannot be used: ", Assert.Throws<TlsFileException>(() => Load(Known() with { KnownServersFile = missing })).Message, StringComparison.Ordinal);
        var client = Load(Known());
        _folder.Delete(recursive: true);
        Assert.StartsWith($"server certificate refused: the file of known servers \"{_known}\" cannot be used: ", await RefusalAsync(_server, client), StringComparison.Ordinal);
        _folder.Create();
    }

    [Fact]
    public async Task A_file_without_end_is_not_read()
    {
        await using (var file = File.Create(_known)) file.SetLength(KnownServers.MaxBytes + 1);
        Assert.Contains($"is longer than {KnownServers.MaxBytes} bytes", Assert.Throws<TlsFileException>(() => Load(Known())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clients_that_come_at_once_keep_one_key()
    {
        string pin = await _server.GetKeyPinAsync();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => MeetAsync(_server, Load(Known())))); // each as a process of its own would
        Assert.Equal($"{Name} {pin}\n", await ReadAsync());
    }

    [Fact]
    public async Task Of_two_keys_that_come_at_once_one_is_kept_and_the_other_refused()
    {
        var other = TlsServer.Load(new TlsServerOptions(), TimeProvider.System);
        string[] pins = [await _server.GetKeyPinAsync(), await other.GetKeyPinAsync()];
        var outcomes = await Task.WhenAll(pins.Select(pin => Record.ExceptionAsync(() => KnownServers.Open(_known, Name, TimeProvider.System, _log).AdmitAsync(pin, Patience.Token).AsTask()).AsTask()));
        int winner = outcomes[0] is null ? 0 : 1;
        Assert.Null(outcomes[winner]);
        Assert.Contains($"is now {pins[1 - winner]}, and was {pins[winner]}", Assert.IsType<AuthenticationException>(outcomes[1 - winner]).Message, StringComparison.Ordinal);
        Assert.Equal($"{Name} {pins[winner]}\n", await ReadAsync());
    }

    [Fact]
    public async Task A_file_that_somebody_holds_is_waited_for_until_the_deadline()
    {
        var known = KnownServers.Open(_known, Name, TimeProvider.System, _log);
        using var deadline = new CancellationTokenSource();
        await using (var held = new FileStream(_known, FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            KnownServers.Open(_known, Name, TimeProvider.System, _log); // no reason not to start
            var late = known.AdmitAsync(Stranger, deadline.Token).AsTask();
            await deadline.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => late.Soon());
            Assert.Equal(0, held.Length);
        }
        await known.AdmitAsync(Stranger, Patience.Token).Soon();
        Assert.Equal($"{Name} {Stranger}\n", await ReadAsync());
    }

    [Fact]
    public async Task A_file_that_knows_the_server_may_be_read_only()
    {
        await WriteAsync($"{Name} {await _server.GetKeyPinAsync()}\n");
        // A lock, since the superuser may write to every file.
        await using var reader = new FileStream(_known, FileMode.Open, FileAccess.Read, FileShare.Read);
        Assert.Throws<IOException>(() => new FileStream(_known, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose());
        await MeetAsync(_server, Known());
    }

    private TlsClientOptions Known() => new() { KnownServersFile = _known };

    private TlsClient Load(TlsClientOptions options) => TlsClient.Load(options, TimeProvider.System, Name, _log);

    private Task<string> ReadAsync() => File.ReadAllTextAsync(_known, TestContext.Current.CancellationToken);

    private Task WriteAsync(string text) => File.WriteAllTextAsync(_known, text, TestContext.Current.CancellationToken);

    private Task MeetAsync(TlsServer server, TlsClientOptions options) => MeetAsync(server, Load(options));

    private static async Task MeetAsync(TlsServer server, TlsClient client)
    {
        var (peer, ours) = await Peers.ConnectionPairAsync();
        var accept = server.AuthenticateAsync(ours, Patience.Token).AsTask();
        var dialled = await client.AuthenticateAsync(peer, "example.com", null, Patience.Token).Soon();
        await Peers.AssertEchoAsync(dialled, await accept.Soon());
    }

    private Task<string> RefusalAsync(TlsServer server, TlsClientOptions options) => RefusalAsync(server, Load(options));

    private static async Task<string> RefusalAsync(TlsServer server, TlsClient client)
    {
        var (peer, ours) = await Peers.ConnectionPairAsync();
        var accept = server.AuthenticateAsync(ours, Patience.Token).AsTask();
        var e = await Assert.ThrowsAsync<AuthenticationException>(() => client.AuthenticateAsync(peer, "example.com", null, Patience.Token).Soon());
        await Record.ExceptionAsync(() => accept.Soon()); // may have been done with its part
        return e.Message;
    }
}
