using System.Net.Security;

namespace Frp.Transport;

/// <summary>The server's TLS settings, <c>transport.tls.*</c>.</summary>
public sealed record TlsServerOptions
{
    /// <summary>PEM file with the certificate and any intermediates. When this or <see cref="KeyFile"/> is empty, a certificate is generated.</summary>
    public string CertFile { get; init; } = "";

    /// <summary>PEM file with the private key.</summary>
    public string KeyFile { get; init; } = "";

    /// <summary>PEM bundle of authorities: when set, clients must show a certificate that one of them has issued.</summary>
    public string TrustedCaFile { get; init; } = "";

    /// <summary>
    /// Whether connections are few and long (multiplexed sessions) and so worth the cheapest cipher, rather than many and short
    /// and in want of resumed handshakes: set it to <c>transport.tcpMux</c>. The platform does not offer both at once.
    /// </summary>
    // Measured: choosing ciphers costs the platform's resumption: 2.6 ms of CPU for both ends of a handshake against 1.1,
    // and 10 KB more; AES-128 first gives 500-535 MB/s against 475.
    public bool LongLived { get; init; } = true;

    /// <summary>What is spoken inside, the preferred first, to be agreed upon with clients that name any (ALPN). Empty: nothing is said about it.</summary>
    public IReadOnlyList<SslApplicationProtocol> ApplicationProtocols { get; init; } = [];
}

/// <summary>The client's TLS settings, <c>transport.tls.*</c>.</summary>
public sealed record TlsClientOptions
{
    /// <summary>PEM file with the client certificate; used only together with <see cref="KeyFile"/>.</summary>
    public string CertFile { get; init; } = "";

    /// <summary>PEM file with the private key.</summary>
    public string KeyFile { get; init; } = "";

    /// <summary>PEM bundle of authorities the server is verified against. When nothing of this and the next three is set, any server certificate is accepted.</summary>
    public string TrustedCaFile { get; init; } = "";

    /// <summary>The server is verified against the system's authorities. Not together with <see cref="TrustedCaFile"/>.</summary>
    public bool TrustSystemCAs { get; init; }

    /// <summary>Keys of which the server must have one, as <c>sha256/BASE64</c>. Without authorities nothing else of its certificate is looked at.</summary>
    public IReadOnlyList<string> PinnedKeys { get; init; } = [];

    /// <summary>File in which the key that the server shows first is kept, and demanded from then on.</summary>
    public string KnownServersFile { get; init; } = "";

    /// <summary>The name sent and verified; when empty, the address dialled.</summary>
    public string ServerName { get; init; } = "";

    /// <inheritdoc cref="TlsServerOptions.LongLived"/>
    public bool LongLived { get; init; } = true;
}

/// <summary>A certificate or key file that cannot be used. The message names the file and says why.</summary>
public sealed class TlsFileException : Exception
{
    /// <summary>Creates the exception.</summary>
    public TlsFileException(string message) : base(message) { }

    /// <summary>Creates the exception around what the platform said.</summary>
    public TlsFileException(string message, Exception inner) : base(message, inner) { }
}
