using System.Diagnostics;
using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;

namespace Frp.Transport.Tests;

/// <summary>TLS with OpenSSL's own programs at the other end.</summary>
public class ForeignTlsTests
{
    private static readonly Lazy<TlsServer> Generated = new(() => TlsServer.Load(new TlsServerOptions(), TimeProvider.System));

    [Theory]
    [InlineData("-tls1_3", SslProtocols.Tls13)]
    [InlineData("-tls1_2", SslProtocols.Tls12)]
    public async Task A_foreign_client_is_served(string version, SslProtocols protocol)
    {
        Foreign.RequireTool("openssl");
        await using var listener = await Peers.ListenAsync();
        using var client = Foreign.Start("openssl", "s_client", "-connect", $"127.0.0.1:{listener.Port}", version, "-quiet", "-ign_eof");
        var connection = await AcceptAsync(listener);
        Assert.Equal(protocol, ((SslStream)connection.Stream).SslProtocol);
        await client.StandardInput.WriteAsync("hello\n");
        await client.StandardInput.FlushAsync();
        Assert.Equal("hello\n"u8.ToArray(), await connection.Stream.ReadAsync(6));
        await connection.Stream.WriteAsync("answer\n"u8.ToArray());
        await connection.DisposeAsync();
        Assert.Equal("answer\n", await client.StandardOutput.ReadToEndAsync(Patience.Token));
        await client.WaitForExitAsync(Patience.Token);
    }

    [Theory]
    [InlineData("-tls1_1")]
    [InlineData("-tls1")]
    public async Task Old_versions_are_refused(string version)
    {
        Foreign.RequireTool("openssl");
        await using var listener = await Peers.ListenAsync();
        var client = Foreign.RunAsync("openssl", "", "s_client", "-connect", $"127.0.0.1:{listener.Port}", version, "-cipher", "DEFAULT@SECLEVEL=0");
        await Assert.ThrowsAsync<AuthenticationException>(() => AcceptAsync(listener));
        var (code, output) = await client.Soon();
        Assert.NotEqual(0, code);
        Assert.Contains("alert protocol version", output, StringComparison.Ordinal); // refused by us, and told so
    }

    [Fact]
    public async Task Long_connections_get_the_cheap_cipher_whatever_the_client_prefers()
    {
        Foreign.RequireTool("openssl");
        Assert.SkipWhen(CipherPreference.Fastest is null || OperatingSystem.IsWindows(), "the platform leaves no choice of ciphers");
        if (OperatingSystem.IsWindows()) return; // for the platform analyzer
        await using var listener = await Peers.ListenAsync();
        using var client = Foreign.Start("openssl", "s_client", "-connect", $"127.0.0.1:{listener.Port}", "-tls1_3", "-quiet", "-ciphersuites",
            "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256");
        var connection = await AcceptAsync(listener);
        Assert.Equal(CipherPreference.Fastest!.AllowedCipherSuites.First(), ((SslStream)connection.Stream).NegotiatedCipherSuite);
        await connection.DisposeAsync();
        await client.WaitForExitAsync(Patience.Token);
    }

    [Fact]
    public async Task Short_connections_resume_their_handshakes()
    {
        Foreign.RequireTool("openssl");
        var server = TlsServer.Load(new TlsServerOptions { LongLived = false }, TimeProvider.System);
        await server.GetCertificateAsync(); // a session made under the interim key does not outlive it
        var folder = Directory.CreateTempSubdirectory("frp-session-");
        var session = Path.Combine(folder.FullName, "session");
        await using var listener = await Peers.ListenAsync();
        foreach (var (option, outcome) in new[] { ("-sess_out", "New, TLSv1.2"), ("-sess_in", "Reused, TLSv1.2") })
        {
            var client = Foreign.RunAsync("openssl", "Q\n", "s_client", "-connect", $"127.0.0.1:{listener.Port}", "-tls1_2", option, session);
            var accepted = await listener.AcceptConnectionAsync();
            await using var connection = await server.AuthenticateAsync(accepted, Patience.Token).Soon();
            Assert.Contains(outcome, (await client.Soon()).Output, StringComparison.Ordinal);
        }
        folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("example.com", true)]
    [InlineData("127.0.0.1", false)]
    public async Task Names_are_sent_as_SNI_and_addresses_are_not(string host, bool sent)
    {
        string? name = null;
        var certificate = await Generated.Value.GetCertificateAsync();
        var (client, server) = await Peers.ConnectionPairAsync();
        await using var ssl = new SslStream(server.Stream);
        var accept = ssl.AuthenticateAsServerAsync((_, hello, _, _) =>
        {
            name = hello.ServerName;
            return new(new SslServerAuthenticationOptions { ServerCertificate = certificate });
        }, null, Patience.Token);
        await using var authenticated = await TlsClient.Load(new TlsClientOptions(), TimeProvider.System).AuthenticateAsync(client, host, null, Patience.Token).Soon();
        await accept.Soon();
        Assert.Equal(sent ? host : "", name);
    }

    [Fact]
    public async Task A_foreign_server_is_verified()
    {
        Foreign.RequireTool("openssl");
        using var authority = new TestAuthority("Foreign Root");
        var (cert, key) = authority.Issue("example.com");
        var (clientCert, clientKey) = authority.Issue("a client", san: false);
        using var server = Foreign.Start(
            "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", cert, "-key", key, "-CAfile", authority.CaFile, "-Verify", "2", "-verify_return_error", "-naccept", "1");
        var options = new ServerDialOptions
        {
            ServerAddress = "127.0.0.1",
            ServerPort = await PortOfAsync(server),
            Tls = new TlsClientOptions { TrustedCaFile = authority.CaFile, ServerName = "example.com", CertFile = clientCert, KeyFile = clientKey },
        };
        var connection = await ServerDialer.Create(options, TimeProvider.System).DialAsync(Patience.Token).Soon();
        await server.StandardInput.WriteAsync("hi!\n");
        await server.StandardInput.FlushAsync();
        Assert.Equal("hi!\n"u8.ToArray(), await connection.Stream.ReadAsync(4));
        await connection.DisposeAsync();
        await server.WaitForExitAsync(Patience.Token);
    }

    [Theory]
    [InlineData(false, "the peer refused TLS: certificate required")]
    [InlineData(true, "the peer refused TLS: unknown ca")]
    public async Task A_foreign_servers_refusal_is_understood(bool withCertificate, string reason)
    {
        Foreign.RequireTool("openssl");
        using var authority = new TestAuthority("Foreign Root");
        using var other = new TestAuthority("Other Root");
        var (cert, key) = authority.Issue("example.com");
        using var server = Foreign.Start("openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", cert, "-key", key, "-CAfile", authority.CaFile, "-Verify", "2", "-verify_return_error", "-naccept", "1");
        int port = await PortOfAsync(server);
        var (clientCert, clientKey) = withCertificate ? other.Issue("a client", san: false) : ("", "");
        var log = new Sayings();
        var options = new ServerDialOptions { ServerAddress = "127.0.0.1", ServerPort = port, Tls = new TlsClientOptions { CertFile = clientCert, KeyFile = clientKey } };
        var connection = await ServerDialer.Create(options, TimeProvider.System, log).DialAsync(Patience.Token).Soon(); // TLS 1.3: the refusal comes with the first read
        var e = await Assert.ThrowsAnyAsync<IOException>(() => connection.Stream.ReadAsync(1));
        Assert.StartsWith(reason, TlsFailure.MessageOf(e), StringComparison.Ordinal);
        Assert.Equal(withCertificate ? 0 : 1, log.At(LogLevel.Warning).Count(line => line.StartsWith("the server asks for a certificate, and there is none", StringComparison.Ordinal)));
        await connection.DisposeAsync(); // and does not throw
        await server.WaitForExitAsync(Patience.Token);
    }

    [Fact]
    public async Task Ed25519_identities_are_refused_by_name()
    {
        Foreign.RequireTool("openssl");
        var folder = Directory.CreateTempSubdirectory("frp-ed25519-");
        var (cert, key) = (Path.Combine(folder.FullName, "c.pem"), Path.Combine(folder.FullName, "k.pem"));
        var (code, output) = await Foreign.RunAsync(
            "openssl", "", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x", "-keyout", key, "-out", cert);
        Assert.True(code == 0, output);
        var e = Assert.Throws<TlsFileException>(() => TlsServer.Load(new TlsServerOptions { CertFile = cert, KeyFile = key }, TimeProvider.System));
        Assert.Contains("Ed25519", e.Message, StringComparison.Ordinal);
        Assert.Contains(cert, e.Message, StringComparison.Ordinal);
        folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("-traditional")]
    [InlineData("")]
    public async Task Keys_as_OpenSSL_writes_them_are_read(string form)
    {
        Foreign.RequireTool("openssl");
        var folder = Directory.CreateTempSubdirectory("frp-key-");
        var (cert, key, again) = (Path.Combine(folder.FullName, "c.pem"), Path.Combine(folder.FullName, "k.pem"), Path.Combine(folder.FullName, "t.pem"));
        var (code, output) = await Foreign.RunAsync("openssl", "", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", key, "-out", cert);
        Assert.True(code == 0, output);
        (code, output) = form.Length > 0 ? await Foreign.RunAsync("openssl", "", "rsa", "-in", key, form, "-out", again)
            : await Foreign.RunAsync("openssl", "", "pkcs8", "-topk8", "-nocrypt", "-in", key, "-out", again);
        Assert.True(code == 0, output);
        Assert.True((await TlsServer.Load(new TlsServerOptions { CertFile = cert, KeyFile = again }, TimeProvider.System).GetCertificateAsync()).HasPrivateKey);
        folder.Delete(recursive: true);
    }

    private static async Task<int> PortOfAsync(Process server)
    {
        const string Listening = "ACCEPT 127.0.0.1:";
        string line;
        do line = await server.StandardOutput.ReadLineAsync(Patience.Token) ?? throw new EndOfStreamException("openssl does not listen");
        while (!line.StartsWith(Listening, StringComparison.Ordinal));
        return int.Parse(line[Listening.Length..], CultureInfo.InvariantCulture);
    }

    private static async Task<Connection> AcceptAsync(TcpBindListener listener)
    {
        var accepted = await listener.AcceptConnectionAsync();
        return (await new BindPortHandshake(Generated.Value, requireTls: true, TimeProvider.System).RunAsync(accepted, Patience.Token).Soon())!;
    }
}
