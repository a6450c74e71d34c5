using System.Text.Json.Serialization;

namespace Frp.Config;

/// <summary>How a client reaches its server.</summary>
public sealed class ClientTransportConfig
{
    private const int DefaultDialTimeoutSeconds = 10;
    private const int DefaultMuxKeepaliveSeconds = 30;

    /// <summary>What carries the connection to the server; <c>wss</c> is WebSocket inside TLS.</summary>
    [Allowed("tcp", "kcp", "quic", "websocket", "wss")] public string Protocol { get; set; } = "";
    /// <summary>Version of the message framing.</summary>
    [Allowed("v1", "v2")] public string WireProtocol { get; set; } = "";
    /// <summary>How long connecting may take.</summary>
    [JsonPropertyName("dialServerTimeout")] public int DialServerTimeoutSeconds { get; set; }
    /// <summary>Period of TCP keepalive; negative = off.</summary>
    [JsonPropertyName("dialServerKeepalive")] public int DialServerKeepaliveSeconds { get; set; }
    /// <summary>Local address of TCP-based carriers; empty = any.</summary>
    [JsonPropertyName("connectServerLocalIP")] public string ConnectServerLocalIP { get; set; } = "";
    /// <summary>Proxy towards the server, for carriers over TCP: <c>scheme://user:password@host:port</c>, scheme http, https, socks5 or ntlm.</summary>
    [DefaultIs("the environment variable `http_proxy`")] [JsonPropertyName("proxyURL")] public string ProxyUrl { get; set; } = "";
    /// <summary>Work connections kept ready; the server caps them.</summary>
    /// <remarks>Never negative after <see cref="Complete"/>.</remarks>
    public int PoolCount { get; set; }
    /// <summary>Many streams share one connection; must equal the server's.</summary>
    public bool TcpMux { get; set; } = true;
    /// <summary>Period of the multiplexer's own pings.</summary>
    [JsonPropertyName("tcpMuxKeepaliveInterval")] public int TcpMuxKeepaliveIntervalSeconds { get; set; }
    /// <summary>QUIC parameters.</summary>
    public QuicConfig Quic { get; set; } = new();
    /// <summary>Period of pings to the server; negative = none.</summary>
    [DefaultIs("`-1` with `tcpMux`, else `30`")] [JsonPropertyName("heartbeatInterval")] public int HeartbeatIntervalSeconds { get; set; }
    /// <summary>A server that answers no ping for so long is lost; negative = never. Not below the interval.</summary>
    [DefaultIs("`-1` with `tcpMux`, else `90`")] [JsonPropertyName("heartbeatTimeout")] public int HeartbeatTimeoutSeconds { get; set; }
    /// <summary>TLS towards the server.</summary>
    public ClientTlsConfig Tls { get; set; } = new();

    /// <summary>How long connecting may take.</summary>
    [JsonIgnore] public TimeSpan DialServerTimeout { get; private set; }
    /// <summary>Period of TCP keepalive; <c>null</c> = off.</summary>
    [JsonIgnore] public TimeSpan? DialServerKeepalive { get; private set; }
    /// <summary>Period of the multiplexer's own pings.</summary>
    [JsonIgnore] public TimeSpan TcpMuxKeepaliveInterval { get; private set; }
    /// <summary>Period of pings to the server; <c>null</c> = none.</summary>
    [JsonIgnore] public TimeSpan? HeartbeatInterval { get; private set; }
    /// <summary>A server silent for so long is lost; <c>null</c> = never, as without <see cref="HeartbeatInterval"/>.</summary>
    [JsonIgnore] public TimeSpan? HeartbeatTimeout { get; private set; }

    internal void Complete(Func<string, string?> environment, string serverAddr)
    {
        Protocol = Default.Of(Protocol, "tcp");
        WireProtocol = Default.Of(WireProtocol, "v1");
        DialServerTimeoutSeconds = Default.Of(DialServerTimeoutSeconds, DefaultDialTimeoutSeconds);
        DialServerTimeout = Default.Deadline(DialServerTimeoutSeconds, DefaultDialTimeoutSeconds);
        DialServerKeepaliveSeconds = Default.Of(DialServerKeepaliveSeconds, 7200);
        DialServerKeepalive = Default.Timer(DialServerKeepaliveSeconds);
        // Compat: only the lower-case name counts.
        ProxyUrl = Default.Of(ProxyUrl, environment("http_proxy") ?? "");
        PoolCount = Math.Max(0, Default.Of(PoolCount, 1));
        TcpMuxKeepaliveIntervalSeconds = Default.Of(TcpMuxKeepaliveIntervalSeconds, DefaultMuxKeepaliveSeconds);
        TcpMuxKeepaliveInterval = Default.Deadline(TcpMuxKeepaliveIntervalSeconds, DefaultMuxKeepaliveSeconds);
        HeartbeatIntervalSeconds = Default.Of(HeartbeatIntervalSeconds, TcpMux ? -1 : 30);
        HeartbeatInterval = Default.Timer(HeartbeatIntervalSeconds);
        HeartbeatTimeoutSeconds = Default.Of(HeartbeatTimeoutSeconds, TcpMux ? -1 : 90);
        HeartbeatTimeout = HeartbeatInterval is null ? null : Default.Timer(HeartbeatTimeoutSeconds);
        Quic.Complete();
        Tls.Complete(serverAddr);
    }

    internal void Validate(ConfigErrors errors)
    {
        if (HeartbeatTimeoutSeconds > 0 && HeartbeatIntervalSeconds > 0 && HeartbeatTimeoutSeconds < HeartbeatIntervalSeconds)
            errors.Add("heartbeatTimeout", "invalid transport.heartbeatTimeout, heartbeat timeout should not less than heartbeat interval");
        if (!Tls.Enable)
        {
            WarnUnused("certFile", Tls.CertFile);
            WarnUnused("keyFile", Tls.KeyFile);
            WarnUnused("trustedCaFile", Tls.TrustedCaFile);
            if (Protocol != "wss")
            {
                WarnUnused("pinnedKey", Tls.PinnedKey);
                WarnUnused("trustOnFirstUseFile", Tls.TrustOnFirstUseFile);
                WarnUnused("trustSystemCAs", Tls.TrustSystemCAs ? "true" : "");
            }
        }
        Tls.Validate(errors.In("tls"));
        if (Protocol is not ("tcp" or "kcp" or "quic" or "websocket" or "wss"))
            errors.Add("protocol", "invalid transport.protocol, optional values are [tcp kcp quic websocket wss]");
        if (WireProtocol is not ("v1" or "v2"))
            errors.Add("wireProtocol", "invalid transport.wireProtocol, optional values are [v1 v2]");

        void WarnUnused(string key, string value)
        {
            if (value.Length > 0)
                errors.Warn($"transport.tls.{key} is invalid when transport.tls.enable is false");
        }
    }
}

/// <summary>TLS towards the server.</summary>
public sealed class ClientTlsConfig
{
    /// <summary>TLS is used; <c>quic</c> and <c>wss</c> use it always.</summary>
    public bool Enable { get; set; } = true;
    /// <summary>No marker byte 0x17 before the handshake; a server whose HTTPS port is its bind port needs the byte.</summary>
    [JsonPropertyName("disableCustomTLSFirstByte")] public bool DisableCustomTlsFirstByte { get; set; } = true;
    /// <summary>Client certificate, PEM; used only together with its key.</summary>
    public string CertFile { get; set; } = "";
    /// <summary>Key of the certificate, PEM.</summary>
    public string KeyFile { get; set; } = "";
    /// <summary>PEM bundle that verifies the server. Without it and the three keys below the server is not verified.</summary>
    public string TrustedCaFile { get; set; } = "";
    /// <summary>The system's authorities verify the server. Ours; frp does not know the key.</summary>
    [Excludes(nameof(TrustedCaFile))] [JsonPropertyName("trustSystemCAs")] public bool TrustSystemCAs { get; set; }
    /// <summary>The key that the server must have, <c>sha256/BASE64</c>, as frps tells it at its start; several apart by <c>;</c>. Ours; frp does not know the key.</summary>
    public string PinnedKey { get; set; } = "";
    /// <summary>File that keeps the key which the server shows first; another one later is refused. Ours; frp does not know the key.</summary>
    [Excludes(nameof(PinnedKey))] public string TrustOnFirstUseFile { get; set; } = "";
    /// <summary>Name for SNI and verification.</summary>
    [DefaultIs("value of `serverAddr`")] public string ServerName { get; set; } = "";

    /// <summary>The keys of <see cref="PinnedKey"/>, each as <c>sha256/BASE64</c>.</summary>
    [JsonIgnore] public IReadOnlyList<string> PinnedKeys { get; private set; } = [];

    internal void Complete(string serverAddr)
    {
        ServerName = Default.Of(ServerName, serverAddr);
        if (KeyPins.TryParse(PinnedKey, out var pins, out _)) PinnedKeys = pins;
    }

    internal void Validate(ConfigErrors errors)
    {
        if (!KeyPins.TryParse(PinnedKey, out _, out string? wrong)) errors.Add("pinnedKey", $"invalid transport.tls.pinnedKey \"{wrong}\": sha256/ and 44 characters of base64 are expected");
        if (TrustSystemCAs && TrustedCaFile.Length > 0) errors.Add("trustSystemCAs", "transport.tls.trustSystemCAs and transport.tls.trustedCaFile exclude each other");
        if (TrustOnFirstUseFile.Length > 0 && PinnedKey.Length > 0) errors.Add("trustOnFirstUseFile", "transport.tls.trustOnFirstUseFile and transport.tls.pinnedKey exclude each other");
    }
}
