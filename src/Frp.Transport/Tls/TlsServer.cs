using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Frp.Transport;

/// <summary>The server side of TLS: one identity, loaded once, and what clients must show.</summary>
public sealed class TlsServer
{
    private readonly ShownIdentity _identity;
    private readonly TrustAnchors? _clientAuthorities;
    private readonly bool _longLived;
    private readonly TimeProvider _timeProvider;

    // By then a program has started, and so have the clients that waited for it.
    private static readonly TimeSpan GenerationDelay = TimeSpan.FromMilliseconds(250);

    private TlsServer(ShownIdentity identity, TrustAnchors? clientAuthorities, bool longLived, TimeProvider timeProvider)
    {
        _identity = identity;
        _clientAuthorities = clientAuthorities;
        _longLived = longLived;
        _timeProvider = timeProvider;
    }

    /// <summary>Whether clients are refused that show no certificate of a trusted authority.</summary>
    public bool RequiresClientCertificate => _clientAuthorities is not null;

    /// <summary>The certificate that is shown to clients, once it is the lasting one.</summary>
    public async Task<X509Certificate2> GetCertificateAsync()
    {
        await _identity.Settled;
        return _identity.Context.TargetCertificate;
    }

    /// <summary>Loads what is needed for handshakes. Where a key has to be generated that goes on behind, with an interim one meanwhile.</summary>
    /// <param name="options">Which files.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="predecessor">Whom this one takes the place of: a generated certificate is passed on, and files are read again.</param>
    /// <exception cref="TlsFileException">A file is missing, unreadable or not what it should be.</exception>
    public static TlsServer Load(TlsServerOptions options, TimeProvider timeProvider, TlsServer? predecessor = null)
    {
        var authorities = options.TrustedCaFile.Length == 0 ? null : TrustAnchors.ForClients(options.TrustedCaFile);
        return new TlsServer(IdentityOf(options, timeProvider, predecessor), authorities, options.LongLived, timeProvider);
    }

    /// <summary>A server for one rehearsal: its certificate stays as simple as it is.</summary>
    internal static TlsServer Interim(TimeProvider timeProvider) =>
        new(new ShownIdentity(ContextOf(PemFiles.GenerateInterim(timeProvider), [])), clientAuthorities: null, longLived: true, timeProvider);

    private static ShownIdentity IdentityOf(TlsServerOptions options, TimeProvider timeProvider, TlsServer? predecessor)
    {
        if (options.CertFile.Length > 0 && options.KeyFile.Length > 0)
        {
            var (leaf, intermediates) = PemFiles.LoadIdentity(options.CertFile, options.KeyFile);
            return new ShownIdentity(ContextOf(leaf, intermediates));
        }
        if (predecessor is { _identity.IsGenerated: true }) return predecessor._identity;
        var generated = new ShownIdentity(ContextOf(PemFiles.GenerateInterim(timeProvider), [])) { IsGenerated = true };
        generated.Settled = GenerateAsync(generated, timeProvider);
        return generated;
    }

    // Measured: a key of RSA-2048 takes 80 to 400 ms of a processor. No client that comes before has to wait for it: whoever accepts a
    // certificate that names nobody accepts one with an elliptic key too. Compat: docs/COMPAT.md, "generated certificate".
    private static async Task GenerateAsync(ShownIdentity identity, TimeProvider timeProvider)
    {
        await Task.Delay(GenerationDelay, timeProvider);
        identity.Context = ContextOf(PemFiles.Generate(timeProvider), []);
    }

    // Offline: the chain that goes out is what the file holds; nobody is asked for the rest.
    private static SslStreamCertificateContext ContextOf(X509Certificate2 leaf, X509Certificate2Collection intermediates) =>
        SslStreamCertificateContext.Create(leaf, intermediates, offline: true);

    /// <summary>What is shown to clients; a generated one becomes another when its lasting key is there.</summary>
    private sealed class ShownIdentity(SslStreamCertificateContext context)
    {
        private volatile SslStreamCertificateContext _context = context;

        internal SslStreamCertificateContext Context { get => _context; set => _context = value; }

        internal bool IsGenerated { get; init; }

        internal Task Settled { get; set; } = Task.CompletedTask;
    }

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
            ServerCertificateContext = _identity.Context,
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
