using System.Text.Json.Serialization;

namespace Frp.Config;

/// <summary>How the server carries clients.</summary>
public sealed class ServerTransportConfig
{
    private const int DefaultMuxKeepaliveSeconds = 30;
    private const int DefaultTcpKeepaliveSeconds = 7200;

    /// <summary>Many streams share one connection; must equal the client's.</summary>
    public bool TcpMux { get; set; } = true;
    /// <summary>Period of the multiplexer's own pings.</summary>
    [JsonPropertyName("tcpMuxKeepaliveInterval")] public int TcpMuxKeepaliveIntervalSeconds { get; set; }
    /// <summary>Period of TCP keepalive on accepted connections; negative = off.</summary>
    [JsonPropertyName("tcpKeepalive")] public int TcpKeepaliveSeconds { get; set; }
    /// <summary>Upper bound of a client's pool of work connections; a negative number is no pool.</summary>
    public int MaxPoolCount { get; set; }
    /// <summary>A client silent for so long is closed; negative = never.</summary>
    [DefaultIs("`-1` with `tcpMux`, else `90`")] [JsonPropertyName("heartbeatTimeout")] public int HeartbeatTimeoutSeconds { get; set; }
    /// <summary>QUIC parameters.</summary>
    public QuicConfig Quic { get; set; } = new();
    /// <summary>TLS on the control port.</summary>
    public ServerTlsConfig Tls { get; set; } = new();

    /// <summary>Period of the multiplexer's own pings.</summary>
    [JsonIgnore] public TimeSpan TcpMuxKeepaliveInterval { get; private set; }
    /// <summary>Period of TCP keepalive on accepted connections; <c>null</c> = off.</summary>
    [JsonIgnore] public TimeSpan? TcpKeepalive { get; private set; }
    /// <summary>A client silent for so long is closed; <c>null</c> = never.</summary>
    [JsonIgnore] public TimeSpan? HeartbeatTimeout { get; private set; }

    internal void Complete()
    {
        TcpMuxKeepaliveIntervalSeconds = Default.Of(TcpMuxKeepaliveIntervalSeconds, DefaultMuxKeepaliveSeconds);
        TcpMuxKeepaliveInterval = Default.Deadline(TcpMuxKeepaliveIntervalSeconds, DefaultMuxKeepaliveSeconds);
        TcpKeepaliveSeconds = Default.Of(TcpKeepaliveSeconds, DefaultTcpKeepaliveSeconds);
        TcpKeepalive = Default.Timer(TcpKeepaliveSeconds);
        MaxPoolCount = Default.Of(MaxPoolCount, 5);
        HeartbeatTimeoutSeconds = Default.Of(HeartbeatTimeoutSeconds, TcpMux ? -1 : 90);
        HeartbeatTimeout = Default.Timer(HeartbeatTimeoutSeconds);
        Quic.Complete();
        Tls.Complete();
    }
}

/// <summary>QUIC parameters, the same on both sides.</summary>
public sealed class QuicConfig
{
    private const int DefaultKeepaliveSeconds = 10;
    private const int DefaultIdleSeconds = 30;

    /// <summary>Period of QUIC keepalive.</summary>
    [JsonPropertyName("keepalivePeriod")] public int KeepalivePeriodSeconds { get; set; }
    /// <summary>A connection silent for so long is gone.</summary>
    [JsonPropertyName("maxIdleTimeout")] public int MaxIdleTimeoutSeconds { get; set; }
    /// <summary>Streams a peer may have open.</summary>
    public int MaxIncomingStreams { get; set; }

    /// <summary>Period of QUIC keepalive.</summary>
    [JsonIgnore] public TimeSpan KeepalivePeriod { get; private set; }
    /// <summary>A connection silent for so long is gone.</summary>
    [JsonIgnore] public TimeSpan MaxIdleTimeout { get; private set; }

    internal void Complete()
    {
        KeepalivePeriodSeconds = Default.Of(KeepalivePeriodSeconds, DefaultKeepaliveSeconds);
        KeepalivePeriod = Default.Deadline(KeepalivePeriodSeconds, DefaultKeepaliveSeconds);
        MaxIdleTimeoutSeconds = Default.Of(MaxIdleTimeoutSeconds, DefaultIdleSeconds);
        MaxIdleTimeout = Default.Deadline(MaxIdleTimeoutSeconds, DefaultIdleSeconds);
        MaxIncomingStreams = Default.Of(MaxIncomingStreams, 100_000);
    }
}

/// <summary>TLS on the server's control port.</summary>
public sealed class ServerTlsConfig
{
    /// <summary>Clients without TLS are refused.</summary>
    [DefaultIs("`false`; with `trustedCaFile` always `true`")] public bool Force { get; set; }
    /// <summary>Server certificate, PEM; without it or its key one is generated at start.</summary>
    public string CertFile { get; set; } = "";
    /// <summary>Key of the certificate, PEM.</summary>
    public string KeyFile { get; set; } = "";
    /// <summary>PEM bundle; with it clients need a certificate that it verifies.</summary>
    public string TrustedCaFile { get; set; } = "";
    /// <summary>Accepted, without meaning on the server.</summary>
    public string ServerName { get; set; } = "";

    internal void Complete() => Force |= TrustedCaFile.Length > 0;
}
