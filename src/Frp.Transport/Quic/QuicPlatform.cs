using System.Net.Quic;
using System.Net.Security;
using System.Runtime.Versioning;

namespace Frp.Transport;

/// <summary>What QUIC needs of the machine: TLS 1.3, and the platform's implementation.</summary>
public static class QuicPlatform
{
    /// <summary>What to tell an operator whose machine lacks it.</summary>
    public const string Missing = "QUIC needs the library libmsquic (2.2 or later), which is not there: install the package libmsquic, or use another transport";

    /// <summary>The name of what is spoken inside (ALPN). Source: wire specification §4.5.</summary>
    internal static readonly SslApplicationProtocol Frp = new("frp");

    /// <summary>Whether it is there. Asking loads it, which takes milliseconds: for those who want QUIC.</summary>
    [SupportedOSPlatformGuard("linux")]
    [SupportedOSPlatformGuard("macos")]
    [SupportedOSPlatformGuard("windows")]
    public static bool IsSupported => (OperatingSystem.IsLinux() || OperatingSystem.IsMacOS() || OperatingSystem.IsWindows()) && QuicListener.IsSupported && QuicConnection.IsSupported;
}

/// <summary>Parameters of QUIC connections, <c>transport.quic.*</c>.</summary>
public sealed record QuicSettings
{
    private const int MostStreams = 65_535; // the platform's bound; the reference allows 100,000

    /// <summary>Silence after which a packet asks whether the peer is there.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Silence after which the peer is gone.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Streams that a peer may have open.</summary>
    public int MaxStreams { get; init; } = MostStreams;

    // The handshake of either side, from the first packet. Source: wire specification §4.5.
    internal static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    [SupportedOSPlatform("linux")]
    [SupportedOSPlatform("macos")]
    [SupportedOSPlatform("windows")]
    internal void ApplyTo(QuicConnectionOptions options)
    {
        (options.DefaultStreamErrorCode, options.DefaultCloseErrorCode) = (0, 0);
        options.IdleTimeout = IdleTimeout;
        // As the reference does it: a connection that is kept alive must not be taken for idle first.
        options.KeepAliveInterval = KeepAlive < IdleTimeout / 2 ? KeepAlive : IdleTimeout / 2;
        options.HandshakeTimeout = HandshakeTimeout;
        // A stream's window grows with the link; the connection's does not, and is what a stranger can make us hold (docs/SECURITY.md).
        options.InitialReceiveWindowSizes = new QuicReceiveWindowSizes
        {
            Connection = 4 * 1024 * 1024,
            LocallyInitiatedBidirectionalStream = 256 * 1024,
            RemotelyInitiatedBidirectionalStream = 256 * 1024,
        };
        options.MaxInboundUnidirectionalStreams = 0;
        options.MaxInboundBidirectionalStreams = Math.Clamp(MaxStreams, 1, MostStreams);
    }
}
