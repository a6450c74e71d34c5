using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Frp.Transport;

/// <summary>The server side of TLS: one identity, and what clients must show. Files are read again when they change (<see cref="FreshFiles{T}"/>).</summary>
public sealed class TlsServer
{
    private readonly FreshFiles<SslStreamCertificateContext>? _identity;
    private readonly GeneratedIdentity? _generated;
    private readonly FreshFiles<TrustAnchors>? _clientAuthorities;
    private readonly bool _longLived;
    private readonly List<SslApplicationProtocol>? _protocols;
    private readonly TimeProvider _timeProvider;

    // By then a program has started, and so have the clients that waited for it.
    private static readonly TimeSpan GenerationDelay = TimeSpan.FromMilliseconds(250);

    private TlsServer(
        FreshFiles<SslStreamCertificateContext>? identity, GeneratedIdentity? generated, FreshFiles<TrustAnchors>? clientAuthorities, TlsServerOptions options,
        TimeProvider timeProvider)
    {
        _identity = identity;
        _generated = generated;
        _clientAuthorities = clientAuthorities;
        _longLived = options.LongLived;
        _protocols = options.ApplicationProtocols.Count == 0 ? null : [.. options.ApplicationProtocols];
        _timeProvider = timeProvider;
    }

    /// <summary>Whether clients are refused that show no certificate of a trusted authority.</summary>
    public bool RequiresClientCertificate => _clientAuthorities is not null;

    /// <summary>Whether the certificate was made by the program, for as long as it runs.</summary>
    public bool IsGenerated => _generated is not null;

    /// <summary>The certificate that is shown to clients, once it is the lasting one.</summary>
    public async Task<X509Certificate2> GetCertificateAsync()
    {
        if (_identity is not null) return _identity.Current.TargetCertificate;
        await _generated!.Settled;
        return _generated.Context.TargetCertificate;
    }

    /// <summary>The name of its key, <c>sha256/BASE64</c>, by which clients may know the server.</summary>
    public async Task<string> GetKeyPinAsync() => KeyPin.Of(await GetCertificateAsync());

    /// <summary>Loads what is needed for handshakes. Where a key has to be generated that goes on behind, with an interim one meanwhile.</summary>
    /// <param name="options">Which files.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="predecessor">Whom this one takes the place of: a generated certificate is passed on, and files are read again.</param>
    /// <param name="logger">Where it is told that files were read again, or could not be; nowhere by default.</param>
    /// <exception cref="TlsFileException">A file is missing, unreadable or not what it should be.</exception>
    public static TlsServer Load(TlsServerOptions options, TimeProvider timeProvider, TlsServer? predecessor = null, ILogger? logger = null)
    {
        logger ??= NullLogger.Instance;
        var authorities = options.TrustedCaFile.Length == 0 ? null : TrustAnchors.Watch(options.TrustedCaFile, TrustAnchors.ForClients, timeProvider, logger);
        var identity = options.CertFile.Length > 0 && options.KeyFile.Length > 0 ? TlsIdentity.Watch(options.CertFile, options.KeyFile, timeProvider, logger) : null;
        var generated = identity is not null ? null : predecessor?._generated ?? Generate(timeProvider);
        return new TlsServer(identity, generated, authorities, options, timeProvider);
    }

    /// <summary>A server for one rehearsal: its certificate stays as simple as it is.</summary>
    internal static TlsServer Interim(TimeProvider timeProvider) =>
        new(identity: null, new GeneratedIdentity(TlsIdentity.Of(PemFiles.GenerateInterim(timeProvider), [])), clientAuthorities: null, new TlsServerOptions(), timeProvider);

    private static GeneratedIdentity Generate(TimeProvider timeProvider)
    {
        var generated = new GeneratedIdentity(TlsIdentity.Of(PemFiles.GenerateInterim(timeProvider), []));
        generated.Settled = SettleAsync(generated, timeProvider);
        return generated;
    }

    // Measured: a key of RSA-2048 takes 80 to 400 ms of a processor. No client that comes before has to wait for it: whoever accepts a
    // certificate that names nobody accepts one with an elliptic key too. Compat: docs/COMPAT.md, "generated certificate".
    private static async Task SettleAsync(GeneratedIdentity identity, TimeProvider timeProvider)
    {
        await Task.Delay(GenerationDelay, timeProvider);
        identity.Context = TlsIdentity.Of(PemFiles.Generate(timeProvider), []);
    }

    /// <summary>What is shown to clients where no files are configured; it becomes another when its lasting key is there.</summary>
    private sealed class GeneratedIdentity(SslStreamCertificateContext context)
    {
        private volatile SslStreamCertificateContext _context = context;

        internal SslStreamCertificateContext Context { get => _context; set => _context = value; }

        internal Task Settled { get; set; } = Task.CompletedTask;
    }

    /// <summary>Runs the handshake of a user, who has so much time for it.</summary>
    /// <param name="inner">Owned from here on: closed when the handshake fails.</param>
    /// <param name="limit">His time.</param>
    /// <param name="cancellationToken">Gives up earlier.</param>
    /// <exception cref="AuthenticationException">The two sides have nothing in common, or the client's certificate is not good.</exception>
    /// <exception cref="TimeoutException">His time has passed.</exception>
    public async ValueTask<Connection> AuthenticateAsync(Connection inner, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(limit, _timeProvider, cancellationToken);
        try
        {
            return await AuthenticateAsync(inner, deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Passed("TLS handshake");
        }
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
        var options = await CreateOptionsAsync(why => refusal = why);
        return await TlsConnection.HandshakeAsync(
            inner, _timeProvider, default, isHeavy: true, (ssl, token) => ssl.AuthenticateAsServerAsync(options, token),
            () => refusal is null ? null : $"client certificate refused: {refusal}", cancellationToken);
    }

    /// <summary>What the platform is told for one handshake.</summary>
    /// <param name="onRefused">Told why a client's certificate is not good.</param>
    internal async ValueTask<SslServerAuthenticationOptions> CreateOptionsAsync(Action<string?>? onRefused = null)
    {
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = await IdentityAsync(),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            // The server's order decides, whatever the client's is.
            CipherSuitesPolicy = _longLived ? CipherPreference.Fastest : null,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            ApplicationProtocols = _protocols,
        };
        if (_clientAuthorities is not null)
        {
            var authorities = await _clientAuthorities.GetAsync();
            options.ClientCertificateRequired = true;
            options.CertificateChainPolicy = authorities.CreatePolicy();
            options.RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            {
                string? refusal = authorities.Judge(certificate, chain, errors, host: null);
                onRefused?.Invoke(refusal);
                return refusal is null;
            };
        }
        return options;
    }

    private ValueTask<SslStreamCertificateContext> IdentityAsync() => _identity is null ? ValueTask.FromResult(_generated!.Context) : _identity.GetAsync();
}
