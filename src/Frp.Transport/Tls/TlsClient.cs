using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Frp.Transport;

/// <summary>The client side of TLS: whom we trust, and who we are, loaded once.</summary>
public sealed class TlsClient
{
    private readonly SslStreamCertificateContext? _identity;
    private readonly TrustAnchors? _authorities;
    private readonly bool _longLived;
    private readonly TimeProvider _timeProvider;

    private TlsClient(
        string serverName, SslStreamCertificateContext? identity, TrustAnchors? authorities, bool longLived, TimeProvider timeProvider)
    {
        ServerName = serverName;
        _identity = identity;
        _authorities = authorities;
        _longLived = longLived;
        _timeProvider = timeProvider;
    }

    /// <summary>The configured name; empty for the address dialled.</summary>
    public string ServerName { get; }

    /// <summary>Loads what is needed for handshakes.</summary>
    /// <exception cref="TlsFileException">A file is missing, unreadable or not what it should be.</exception>
    public static TlsClient Load(TlsClientOptions options, TimeProvider timeProvider)
    {
        var authorities = options.TrustedCaFile.Length == 0 ? null : TrustAnchors.ForServers(options.TrustedCaFile);
        SslStreamCertificateContext? identity = null;
        if (options.CertFile.Length > 0 && options.KeyFile.Length > 0)
        {
            var (leaf, intermediates) = PemFiles.LoadIdentity(options.CertFile, options.KeyFile);
            identity = SslStreamCertificateContext.Create(leaf, intermediates, offline: true);
        }
        return new TlsClient(options.ServerName, identity, authorities, options.LongLived, timeProvider);
    }

    /// <summary>Runs the handshake.</summary>
    /// <param name="inner">Owned from here on: closed when the handshake fails.</param>
    /// <param name="host">The address dialled, which stands in for an empty <see cref="ServerName"/>. IPv6 without brackets.</param>
    /// <param name="markerByte">Sent in clear before the ClientHello, in the same packet; null for none.</param>
    /// <param name="cancellationToken">Carries the deadline.</param>
    /// <exception cref="AuthenticationException">The two sides have nothing in common, or the server's certificate is not good.</exception>
    public async ValueTask<Connection> AuthenticateAsync(Connection inner, string host, byte? markerByte, CancellationToken cancellationToken)
    {
        var name = ServerName.Length > 0 ? ServerName : host;
        string? refusal = null;
        var options = new SslClientAuthenticationOptions
        {
            // The platform sends it as SNI unless it is an address.
            TargetHost = name,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ClientCertificateContext = _identity,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = (_authorities ?? TrustAnchors.None).CreatePolicy(),
            // Compat: without a CA file the reference accepts any server; its own generated certificate names nobody.
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                _authorities is null || (refusal = _authorities.Judge(certificate, chain, errors, name)) is null,
        };
        if (_longLived) options.CipherSuitesPolicy = CipherPreference.Fastest;
        return await TlsConnection.HandshakeAsync(
            inner, _timeProvider, markerByte, (ssl, token) => ssl.AuthenticateAsClientAsync(options, token),
            () => refusal is null ? null : $"server certificate refused: {refusal}", cancellationToken);
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
            inner, timeProvider, default, (ssl, token) => ssl.AuthenticateAsClientAsync(options, token), static () => null, cancellationToken);
    }
}
