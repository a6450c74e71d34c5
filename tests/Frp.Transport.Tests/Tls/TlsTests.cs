using System.Security.Authentication;

namespace Frp.Transport.Tests;

public sealed class TlsTests : IDisposable
{
    private static readonly Lazy<TlsServer> Generated = new(() => TlsServer.Load(new TlsServerOptions(), TimeProvider.System));
    private readonly TestAuthority _authority = new("Test Root");

    public void Dispose() => _authority.Dispose();

    [Fact]
    public async Task Without_a_CA_file_any_server_is_accepted()
    {
        var (client, server) = await HandshakeAsync(Generated.Value, new TlsClientOptions(), "example.com");
        Assert.Equal(CarrierLayers.Tls, client.Layers);
        await Peers.AssertEchoAsync(client, server);
    }

    [Fact]
    public async Task The_generated_certificate_is_as_the_reference_makes_it()
    {
        var certificate = await Generated.Value.GetCertificateAsync();
        Assert.Equal("", certificate.Subject);
        Assert.Equal("", certificate.Issuer);
        Assert.Empty(certificate.Extensions);
        Assert.Equal(16, certificate.SerialNumberBytes.Length);
        Assert.True(certificate.SerialNumberBytes.Span[0] is > 0 and < 0x80);
        Assert.Equal(2048, certificate.PublicKey.GetRSAPublicKey()!.KeySize);
        Assert.InRange(certificate.NotAfter - certificate.NotBefore, TimeSpan.FromDays(3650), TimeSpan.FromDays(3660));
    }

    [Theory]
    [InlineData("example.com")]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task The_right_name_is_accepted(string name)
    {
        var (cert, key) = _authority.Issue(name);
        var (client, server) = await HandshakeAsync(Load(cert, key), Trusting(_authority.CaFile), name);
        await Peers.AssertEchoAsync(client, server);
    }

    [Fact]
    public async Task The_configured_name_stands_for_the_address_dialled()
    {
        var (cert, key) = _authority.Issue("example.com", rsa: true);
        var (client, server) = await HandshakeAsync(Load(cert, key), Trusting(_authority.CaFile) with { ServerName = "example.com" }, "127.0.0.1");
        await Peers.AssertEchoAsync(client, server);
    }

    [Theory]
    [InlineData("invalid.com")]
    [InlineData("127.0.0.1")]
    public async Task A_wrong_name_is_refused(string host)
    {
        var (cert, key) = _authority.Issue("example.com");
        await AssertRefusedAsync(Load(cert, key), Trusting(_authority.CaFile), host, $"certificate is not valid for {host}");
    }

    [Fact]
    public async Task A_common_name_alone_is_no_name()
    {
        var (cert, key) = _authority.Issue("example.com", san: false);
        await AssertRefusedAsync(Load(cert, key), Trusting(_authority.CaFile), "example.com", "not valid for example.com");
    }

    [Fact]
    public async Task Another_authority_of_the_same_name_is_refused()
    {
        using var impostor = new TestAuthority("Test Root");
        var (cert, key) = impostor.Issue("example.com");
        await AssertRefusedAsync(Load(cert, key), Trusting(_authority.CaFile), "example.com", "server certificate refused");
    }

    [Fact]
    public async Task An_expired_certificate_is_refused()
    {
        var (cert, key) = _authority.Issue("example.com", expired: true);
        await AssertRefusedAsync(Load(cert, key), Trusting(_authority.CaFile), "example.com", "certificate has expired: it was valid until 2022-01-02");
    }

    [Fact]
    public async Task A_bundle_is_searched_whole_and_its_rubbish_is_skipped()
    {
        using var other = new TestAuthority("Other Root");
        var rubbish = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        var bundle = _authority.Write($"# comment\n{other.CaPem}\n{rubbish}{_authority.CaPem}\n");
        var (cert, key) = _authority.Issue("example.com");
        var (client, server) = await HandshakeAsync(Load(cert, key), Trusting(bundle), "example.com");
        await Peers.AssertEchoAsync(client, server);
    }

    [Fact]
    public async Task An_intermediate_sent_by_the_server_links_to_the_root()
    {
        using var middle = new TestAuthority("Middle", _authority);
        var (cert, key) = middle.Issue("example.com", chain: middle.CaPem);
        var (client, server) = await HandshakeAsync(Load(cert, key), Trusting(_authority.CaFile), "example.com");
        await Peers.AssertEchoAsync(client, server);
    }

    [Fact]
    public async Task An_intermediate_can_be_the_anchor_itself()
    {
        using var middle = new TestAuthority("Middle", _authority);
        var (cert, key) = middle.Issue("example.com");
        var (client, server) = await HandshakeAsync(Load(cert, key), Trusting(middle.CaFile), "example.com");
        await Peers.AssertEchoAsync(client, server);
    }

    [Fact]
    public async Task An_intermediate_anchor_does_not_vouch_for_an_impostor()
    {
        using var middle = new TestAuthority("Middle", _authority);
        using var forged = new TestAuthority("Middle", _authority);
        var (cert, key) = forged.Issue("example.com");
        await AssertRefusedAsync(Load(cert, key), Trusting(middle.CaFile), "example.com", "server certificate refused");
    }

    [Fact]
    public async Task The_leaf_itself_can_be_the_anchor()
    {
        var (cert, key) = _authority.Issue("example.com");
        var (client, server) = await HandshakeAsync(Load(cert, key), Trusting(cert), "example.com");
        await Peers.AssertEchoAsync(client, server);
    }

    [Fact]
    public async Task Mutual_TLS_wants_a_certificate_of_the_authority()
    {
        var server = TlsServer.Load(new TlsServerOptions { TrustedCaFile = _authority.CaFile }, TimeProvider.System);
        Assert.True(server.RequiresClientCertificate);
        var (cert, key) = _authority.Issue("some client", san: false);
        var (a, b) = await HandshakeAsync(server, new TlsClientOptions { CertFile = cert, KeyFile = key }, "x");
        await Peers.AssertEchoAsync(a, b);

        using var other = new TestAuthority("Other Root");
        var (strange, strangeKey) = other.Issue("some client", san: false);
        foreach (var options in new[] { new TlsClientOptions(), new TlsClientOptions { CertFile = strange, KeyFile = strangeKey } })
        {
            var (peer, ours) = await Peers.ConnectionPairAsync();
            var accept = server.AuthenticateAsync(ours, Patience.Token).AsTask();
            var dial = DialAndReadAsync(peer, options);
            var e = await Assert.ThrowsAsync<AuthenticationException>(() => accept.Soon());
            Assert.Contains("client certificate refused", e.Message, StringComparison.Ordinal);
            await Assert.ThrowsAnyAsync<Exception>(() => dial.Soon()); // TLS 1.3: the client learns it with its first read
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Half_close_leaves_the_other_direction_open(bool fromServer)
    {
        var (client, server) = await HandshakeAsync(Generated.Value, new TlsClientOptions(), "x");
        var (a, b) = fromServer ? (server, client) : (client, server);
        await a.Stream.WriteAsync("question"u8.ToArray());
        await a.CompleteWritesAsync(Patience.Token);
        Assert.Equal("question"u8.ToArray(), await b.Stream.ReadAsync(8));
        Assert.Equal(0, await b.Stream.ReadAsync(new byte[1], Patience.Token));
        await b.WriteAndFlushAsync("answer"u8.ToArray());
        Assert.Equal("answer"u8.ToArray(), await a.Stream.ReadAsync(6));
    }

    [Fact]
    public async Task Dispose_delivers_what_was_written_and_then_the_end()
    {
        var (client, server) = await HandshakeAsync(Generated.Value, new TlsClientOptions(), "x");
        await client.Stream.WriteAsync("last words"u8.ToArray());
        await client.DisposeAsync();
        Assert.Equal("last words"u8.ToArray(), await server.Stream.ReadAsync(10));
        Assert.Equal(0, await server.Stream.ReadAsync(new byte[1], Patience.Token));
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Abort_is_a_reset_and_no_end_of_stream()
    {
        var (client, server) = await HandshakeAsync(Generated.Value, new TlsClientOptions(), "x");
        client.Abort();
        await Assert.ThrowsAnyAsync<IOException>(() => server.Stream.ReadAsync(new byte[1], Patience.Token).AsTask());
        await client.DisposeAsync();
    }

    [Fact]
    public async Task Bulk_passes_intact_in_both_directions_at_once()
    {
        var (client, server) = await HandshakeAsync(Generated.Value, new TlsClientOptions(), "x");
        var data = new byte[3_000_000];
        new Random(1).NextBytes(data);
        await Task.WhenAll(SendAsync(client, data), SendAsync(server, data), CheckAsync(client, data), CheckAsync(server, data)).Soon();

        static async Task SendAsync(Connection c, byte[] data)
        {
            for (var i = 0; i < data.Length; i += 50_000) await c.Stream.WriteAsync(data.AsMemory(i, 50_000));
            await c.Stream.FlushAsync();
        }

        static async Task CheckAsync(Connection c, byte[] data) => Assert.Equal(data, await c.Stream.ReadAsync(data.Length));
    }

    [Fact]
    public void Errors_name_the_file()
    {
        var (cert, key) = _authority.Issue("example.com");
        var (_, otherKey) = _authority.Issue("example.com");
        var empty = _authority.Write("nothing here\n");
        AssertFails($"failed to parse CA certificate from file \"{empty}\": no valid PEM certificates found", new TlsServerOptions { TrustedCaFile = empty });
        AssertFails($"failed to read CA certificate file \"/nowhere/ca.pem\"", new TlsServerOptions { TrustedCaFile = "/nowhere/ca.pem" });
        AssertFails($"failed to read certificate file \"/nowhere/c.pem\"", new TlsServerOptions { CertFile = "/nowhere/c.pem", KeyFile = key });
        AssertFails($"failed to load certificate \"{cert}\" with private key \"{otherKey}\"", new TlsServerOptions { CertFile = cert, KeyFile = otherKey });
        AssertFails($"failed to load certificate \"{cert}\" with private key \"{empty}\"", new TlsServerOptions { CertFile = cert, KeyFile = empty });
        Assert.Throws<TlsFileException>(() => TlsClient.Load(Trusting(empty), TimeProvider.System));
    }

    private static void AssertFails(string message, TlsServerOptions options) =>
        Assert.StartsWith(message, Assert.Throws<TlsFileException>(() => TlsServer.Load(options, TimeProvider.System)).Message, StringComparison.Ordinal);

    private static TlsServer Load(string cert, string key) => TlsServer.Load(new TlsServerOptions { CertFile = cert, KeyFile = key }, TimeProvider.System);

    private static TlsClientOptions Trusting(string caFile) => new() { TrustedCaFile = caFile };

    private static async Task<(Connection Client, Connection Server)> HandshakeAsync(TlsServer server, TlsClientOptions options, string host)
    {
        var (peer, ours) = await Peers.ConnectionPairAsync();
        var accept = server.AuthenticateAsync(ours, Patience.Token).AsTask();
        var dial = TlsClient.Load(options, TimeProvider.System).AuthenticateAsync(peer, host, null, Patience.Token);
        return (await dial.Soon(), await accept.Soon());
    }

    private static async Task DialAndReadAsync(Connection peer, TlsClientOptions options)
    {
        var client = await TlsClient.Load(options, TimeProvider.System).AuthenticateAsync(peer, "x", null, Patience.Token);
        if (await client.Stream.ReadAsync(new byte[1], Patience.Token) == 0) throw new EndOfStreamException();
    }

    private static async Task AssertRefusedAsync(TlsServer server, TlsClientOptions options, string host, string reason)
    {
        var (peer, ours) = await Peers.ConnectionPairAsync();
        var accept = server.AuthenticateAsync(ours, Patience.Token).AsTask();
        var dial = TlsClient.Load(options, TimeProvider.System).AuthenticateAsync(peer, host, null, Patience.Token);
        var e = await Assert.ThrowsAsync<AuthenticationException>(() => dial.Soon());
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
        var theirs = await Record.ExceptionAsync(async () => await (await accept.Soon()).Stream.ReadAsync(1));
        Assert.NotNull(theirs);
    }
}
