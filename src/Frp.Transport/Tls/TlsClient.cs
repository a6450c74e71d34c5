using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Frp.Transport;

/// <summary>The client side of TLS: whom we trust, and who we are. Files are read again when they change (<see cref="FreshFiles{T}"/>).</summary>
public sealed partial class TlsClient
{
    private readonly FreshFiles<SslStreamCertificateContext>? _identity;
    private readonly ServerTrust _trust;
    private readonly bool _longLived;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;
    private int _hasDialled;
    private int _hasToldDemand;

    private TlsClient(
        string serverName, FreshFiles<SslStreamCertificateContext>? identity, ServerTrust trust, bool longLived, TimeProvider timeProvider, ILogger logger)
    {
        ServerName = serverName;
        _identity = identity;
        _trust = trust;
        _longLived = longLived;
        _timeProvider = timeProvider;
        _logger = logger;
    }

    /// <summary>The configured name; empty for the address dialled.</summary>
    public string ServerName { get; }

    /// <summary>Whether a server can be refused at all.</summary>
    public bool VerifiesServer => _trust.Verifies;

    /// <summary>Loads what is needed for handshakes.</summary>
    /// <param name="options">Which files and keys.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="server">What the server is called in <see cref="TlsClientOptions.KnownServersFile"/>: host and port.</param>
    /// <param name="logger">Where it is told that files were read again, or could not be; nowhere by default.</param>
    /// <exception cref="TlsFileException">A file is missing, unreadable or not what it should be.</exception>
    public static TlsClient Load(TlsClientOptions options, TimeProvider timeProvider, string server = "", ILogger? logger = null)
    {
        logger ??= NullLogger.Instance;
        var trust = ServerTrust.Load(options, server, timeProvider, logger);
        var identity = options.CertFile.Length > 0 && options.KeyFile.Length > 0 ? TlsIdentity.Watch(options.CertFile, options.KeyFile, timeProvider, logger) : null;
        return new TlsClient(options.ServerName, identity, trust, options.LongLived, timeProvider, logger);
    }

    /// <summary>Runs the handshake.</summary>
    /// <param name="inner">Owned from here on: closed when the handshake fails.</param>
    /// <param name="host">The address dialled, which stands in for an empty <see cref="ServerName"/>. IPv6 without brackets.</param>
    /// <param name="markerByte">Sent in clear before the ClientHello, in the same packet; null for none.</param>
    /// <param name="cancellationToken">Carries the deadline.</param>
    /// <exception cref="AuthenticationException">The two sides have nothing in common, or the server's certificate is not good.</exception>
    public async ValueTask<Connection> AuthenticateAsync(Connection inner, string host, byte? markerByte, CancellationToken cancellationToken)
    {
        var (options, judge) = await CreateOptionsAsync(host);
        if (_longLived) options.CipherSuitesPolicy = CipherPreference.Fastest;
        // The question costs the platform's resumption, which long connections do not have anyway.
        if (_identity is null && (_longLived || Interlocked.Exchange(ref _hasDialled, 1) == 0)) options.LocalCertificateSelectionCallback = TellIfAsked;
        var connection = await TlsConnection.HandshakeAsync(
            inner, _timeProvider, markerByte, isHeavy: _identity is not null || VerifiesServer, (ssl, token) => ssl.AuthenticateAsClientAsync(options, token), () => judge.Refusal, cancellationToken);
        try
        {
            await judge.AdmitAsync(cancellationToken);
            return connection;
        }
        catch (Exception)
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>What the platform is told for one handshake, and who judges the server in it.</summary>
    /// <param name="host">The address dialled.</param>
    internal async ValueTask<(SslClientAuthenticationOptions Options, ServerTrust.Judge Judge)> CreateOptionsAsync(string host)
    {
        var name = ServerName.Length > 0 ? ServerName : host;
        var judge = await _trust.BeginAsync(name);
        var options = new SslClientAuthenticationOptions
        {
            // The platform sends it as SNI unless it is an address.
            TargetHost = name,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ClientCertificateContext = _identity is null ? null : await _identity.GetAsync(),
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = judge.CreatePolicy(),
            RemoteCertificateValidationCallback = judge.IsGood,
        };
        return (options, judge);
    }

    // Asked once before the handshake, without the server's certificate, and again if the server wants one.
    private X509Certificate TellIfAsked(object sender, string host, X509CertificateCollection local, X509Certificate? remote, string[] issuers)
    {
        if (remote is not null && Interlocked.Exchange(ref _hasToldDemand, 1) == 0) Log.CertificateWanted(_logger);
        return null!; // none; the delegate's annotation does not know that it may be
    }

    /// <summary>A client that verifies against the system's authorities, for proxies reached by https.</summary>
    internal static async ValueTask<Connection> AuthenticatePublicAsync(
        Connection inner, string host, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = host,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        return await TlsConnection.HandshakeAsync(
            inner, timeProvider, default, isHeavy: true, (ssl, token) => ssl.AuthenticateAsClientAsync(options, token), static () => null, cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(3, LogLevel.Warning, "the server asks for a certificate, and there is none: set transport.tls.certFile and keyFile")]
        internal static partial void CertificateWanted(ILogger logger);
    }
}
