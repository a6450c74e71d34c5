using System.Net.Sockets;

namespace Frp.Transport;

/// <summary>What every TCP connection of the house is set to.</summary>
public static class TcpSettings
{
    // Source: tcp(7), TCP_KEEPIDLE: the kernel refuses more (MAX_TCP_KEEPIDLE).
    private const int MaxKeepAliveSeconds = 32767;

    // Source: Go's defaults, which hold for every connection of the reference but the carriers' idle time: a peer that vanished is
    // given up after nine probes (the system's number), and not after eleven minutes of the system's 75 s each.
    private const int ProbeIntervalSeconds = 15;

    /// <summary>Idle time of users, visitors and local services: who has vanished without a word is gone within three minutes.</summary>
    /// <remarks>Carriers have keys of their own for it, which default to two hours.</remarks>
    public static readonly TimeSpan DefaultKeepAlive = TimeSpan.FromSeconds(15);

    /// <summary>Sends small writes at once, and probes an idle peer.</summary>
    /// <param name="socket">A TCP socket, connected or not.</param>
    /// <param name="keepAlive">Idle time before the first probe; negative switches probing off, zero leaves the system's time.</param>
    public static void Apply(Socket socket, TimeSpan keepAlive)
    {
        // Measured: without it a TLS handshake and its first data wait 40 ms for a delayed acknowledgement.
        socket.NoDelay = true;
        if (keepAlive < TimeSpan.Zero) return;

        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, ProbeIntervalSeconds);
        if (keepAlive == TimeSpan.Zero) return;
        var seconds = (int)Math.Clamp(Math.Ceiling(keepAlive.TotalSeconds), 1, MaxKeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, seconds);
    }
}
