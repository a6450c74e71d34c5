using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Frp.Transport;

/// <summary>The server side of TLS: one identity, loaded once, and what clients must show.</summary>
public sealed class TlsServer
{
    private readonly TrustAnchors? _clientAuthorities;
    private readonly bool _longLived;
    private readonly TimeProvider _timeProvider;
    private readonly Task _settled;
    private volatile SslStreamCertificateContext _identity;

    // By then a program has started, and so have the clients that waited for it.
    private static readonly TimeSpan GenerationDelay = TimeSpan.FromMilliseconds(250);

    private TlsServer(SslStreamCertificateContext identity, bool generated, TrustAnchors? clientAuthorities, bool longLived, TimeProvider timeProvider)
    {
        _identity = identity;
        _clientAuthorities = clientAuthorities;
        _longLived = longLived;
        _timeProvider = timeProvider;
        _settled = generated ? GenerateAsync() : Task.CompletedTask;
    }

    /// <summary>Whether clients are refused that show no certificate of a trusted authority.</summary>
    public bool RequiresClientCertificate => _clientAuthorities is not null;

    /// <summary>The certificate that is shown to clients, once it is the lasting one.</summary>
    public async Task<X509Certificate2> GetCertificateAsync()
    {
        await _settled;
        return _identity.TargetCertificate;
    }

    /// <summary>Loads what is needed for handshakes. Where a key has to be generated that goes on behind, with an interim one meanwhile.</summary>
    /// <exception cref="TlsFileException">A file is missing, unreadable or not what it should be.</exception>
    public static TlsServer Load(TlsServerOptions options, TimeProvider timeProvider)
    {
        var authorities = options.TrustedCaFile.Length == 0 ? null : TrustAnchors.ForClients(options.TrustedCaFile);
        bool generated = options.CertFile.Length == 0 || options.KeyFile.Length == 0;
        var (leaf, intermediates) = generated ? (PemFiles.GenerateInterim(timeProvider), []) : PemFiles.LoadIdentity(options.CertFile, options.KeyFile);
        return new TlsServer(ContextOf(leaf, intermediates), generated, authorities, options.LongLived, timeProvider);
    }

    /// <summary>A server for one rehearsal: its certificate stays as simple as it is.</summary>
    internal static TlsServer Interim(TimeProvider timeProvider) =>
        new(ContextOf(PemFiles.GenerateInterim(timeProvider), []), generated: false, clientAuthorities: null, longLived: true, timeProvider);

    // Measured: a key of RSA-2048 takes 80 to 400 ms of a processor. No client that comes before has to wait for it: whoever accepts a
    // certificate that names nobody accepts one with an elliptic key too. Compat: docs/COMPAT.md, "generated certificate".
    private async Task GenerateAsync()
    {
        await Task.Delay(GenerationDelay, _timeProvider);
        _identity = ContextOf(PemFiles.Generate(_timeProvider), []);
    }

    // Offline: the chain that goes out is what the file holds; nobody is asked for the rest.
    private static SslStreamCertificateContext ContextOf(X509Certificate2 leaf, X509Certificate2Collection intermediates) =>
        SslStreamCertificateContext.Create(leaf, intermediates, offline: true);

    /// <summary>Runs the handshake.</summary>
    /// <param name="inner">Owned from here on: closed when the handshake fails.</param>
    /// <param name="cancellationToken">Carries the deadline.</param>
    /// <exception cref="AuthenticationException">The two sides have nothing in common, or the client's certificate is not good.</exception>
    public async ValueTask<Connection> AuthenticateAsync(Connection inner, CancellationToken cancellationToken)
    {
        // Signing costs a millisecond of RSA: never on the event thread that brought the first byte, where every
        // other connection of that thread would wait for it.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);

        string? refusal = null;
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = _identity,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            // The server's order decides, whatever the client's is.
            CipherSuitesPolicy = _longLived ? CipherPreference.Fastest : null,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        if (_clientAuthorities is { } authorities)
        {
            options.ClientCertificateRequired = true;
            options.CertificateChainPolicy = authorities.CreatePolicy();
            options.RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                (refusal = authorities.Judge(certificate, chain, errors, host: null)) is null;
        }
        return await TlsConnection.HandshakeAsync(
            inner, _timeProvider, default, (ssl, token) => ssl.AuthenticateAsServerAsync(options, token),
            () => refusal is null ? null : $"client certificate refused: {refusal}", cancellationToken);
    }
}
