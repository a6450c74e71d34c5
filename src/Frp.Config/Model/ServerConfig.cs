using System.Text.Json.Serialization;

namespace Frp.Config;

/// <summary>Everything a server's configuration file can say.</summary>
/// <remarks>
/// Bound by <see cref="ConfigLoader"/>, then completed and validated once; nobody changes it afterwards. Zero means unset: a
/// number 0 or an empty text takes the default. A property without a key of its own is derived by <see cref="Complete"/>.
/// </remarks>
public sealed class ServerConfig
{
    /// <summary>Accepted and ignored, for files that carry a version of their own.</summary>
    public string Version { get; set; } = "";
    /// <summary>How clients prove themselves.</summary>
    public ServerAuthConfig Auth { get; set; } = new();
    /// <summary>Address of the control port, KCP, QUIC and the SSH gateway; IPv6 without brackets.</summary>
    public string BindAddr { get; set; } = "";
    /// <summary>TCP control port; also WebSocket and TLS.</summary>
    [Bounds(0, BoundsAttribute.MaxPort)] public int BindPort { get; set; }
    /// <summary>UDP port for KCP; 0 = off.</summary>
    [Bounds(0, BoundsAttribute.MaxPort)] public int KcpBindPort { get; set; }
    /// <summary>UDP port for QUIC; 0 = off.</summary>
    [Bounds(0, BoundsAttribute.MaxPort)] public int QuicBindPort { get; set; }
    /// <summary>Address of the ports that users reach.</summary>
    [DefaultIs("value of `bindAddr`")] public string ProxyBindAddr { get; set; } = "";
    /// <summary>Port of http proxies; 0 = off. May equal <c>bindPort</c>.</summary>
    [Bounds(0, BoundsAttribute.MaxPort)] [JsonPropertyName("vhostHTTPPort")] public int VhostHttpPort { get; set; }
    /// <summary>How long a service may take until its response headers; then the user gets 504.</summary>
    [JsonPropertyName("vhostHTTPTimeout")] public int VhostHttpTimeoutSeconds { get; set; }
    /// <summary>Port of https proxies; 0 = off. May equal <c>bindPort</c>.</summary>
    [Bounds(0, BoundsAttribute.MaxPort)] [JsonPropertyName("vhostHTTPSPort")] public int VhostHttpsPort { get; set; }
    /// <summary>Port of the HTTP CONNECT multiplexer; 0 = off.</summary>
    [Bounds(0, BoundsAttribute.MaxPort)] [JsonPropertyName("tcpmuxHTTPConnectPort")] public int TcpmuxHttpConnectPort { get; set; }
    /// <summary>The CONNECT request itself is forwarded and the server answers nothing.</summary>
    public bool TcpmuxPassthrough { get; set; }
    /// <summary>Parent domain of sub-domain proxies; empty = off.</summary>
    public string SubDomainHost { get; set; } = "";
    /// <summary>File served for every request without a route; empty = the built-in page.</summary>
    public string Custom404Page { get; set; } = "";
    /// <summary>The SSH listener.</summary>
    public SshTunnelGatewayConfig SshTunnelGateway { get; set; } = new();
    /// <summary>Dashboard, API and metrics over HTTP.</summary>
    public WebServerConfig WebServer { get; set; } = new();
    /// <summary>Serve <c>/metrics</c> on the web server.</summary>
    public bool EnablePrometheus { get; set; }
    /// <summary>The log.</summary>
    public LogConfig Log { get; set; } = new();
    /// <summary>How clients are carried.</summary>
    public ServerTransportConfig Transport { get; set; } = new();
    /// <summary>Clients learn the cause of a refusal, not only a summary.</summary>
    public bool DetailedErrorsToClient { get; set; } = true;
    /// <summary>How many tcp and udp proxies a client may have; 0 = no limit.</summary>
    public int MaxPortsPerClient { get; set; }
    /// <summary>How long a user connection waits for a work connection.</summary>
    [JsonPropertyName("userConnTimeout")] public int UserConnTimeoutSeconds { get; set; }
    /// <summary>Bytes of the largest datagram; must match the client's.</summary>
    [JsonPropertyName("udpPacketSize")] public int UdpPacketSize { get; set; }
    /// <summary>How long statistics of NAT traversal are kept.</summary>
    [JsonPropertyName("natholeAnalysisDataReserveHours")] public int NatHoleAnalysisDataReserveHours { get; set; }
    /// <summary>Ports that tcp and udp proxies may use; empty = every port.</summary>
    /// <remarks>As written; <see cref="AllowedPorts"/> is the set.</remarks>
    public List<PortsRangeConfig> AllowPorts { get; set; } = [];
    /// <summary>HTTP services asked about operations.</summary>
    [JsonPropertyName("httpPlugins")] public List<HttpPluginConfig> HttpPlugins { get; set; } = [];

    /// <summary>How long a backend may take until its response headers.</summary>
    [JsonIgnore] public TimeSpan VhostHttpTimeout { get; private set; }
    /// <summary>How long a user connection waits for a work connection.</summary>
    [JsonIgnore] public TimeSpan UserConnTimeout { get; private set; }
    /// <summary>How long statistics of NAT traversal are kept.</summary>
    [JsonIgnore] public TimeSpan NatHoleAnalysisDataReserve { get; private set; }
    /// <summary>Ports that tcp and udp proxies may use; everything from 1 to 65535 when nothing was said.</summary>
    [JsonIgnore] public PortRanges AllowedPorts { get; private set; } = PortRanges.All;

    /// <summary>Fills in the defaults and what is derived. A second call changes nothing.</summary>
    public void Complete()
    {
        Auth.Complete();
        BindAddr = Default.Of(BindAddr, "0.0.0.0");
        BindPort = Default.Of(BindPort, 7000);
        ProxyBindAddr = Default.Of(ProxyBindAddr, BindAddr);
        WebServer.Complete();
        SshTunnelGateway.Complete();
        Log.Complete();
        Transport.Complete();
        VhostHttpTimeoutSeconds = Default.Of(VhostHttpTimeoutSeconds, DefaultVhostHttpTimeoutSeconds);
        VhostHttpTimeout = Default.Deadline(VhostHttpTimeoutSeconds, DefaultVhostHttpTimeoutSeconds);
        UserConnTimeoutSeconds = Default.Of(UserConnTimeoutSeconds, DefaultUserConnTimeoutSeconds);
        UserConnTimeout = Default.Deadline(UserConnTimeoutSeconds, DefaultUserConnTimeoutSeconds);
        UdpPacketSize = Default.UdpPacketSize(UdpPacketSize);
        NatHoleAnalysisDataReserveHours = Default.Of(NatHoleAnalysisDataReserveHours, DefaultReserveHours);
        NatHoleAnalysisDataReserve = TimeSpan.FromHours(NatHoleAnalysisDataReserveHours > 0 ? Math.Min(NatHoleAnalysisDataReserveHours, MaxReserveHours) : DefaultReserveHours);
        AllowedPorts = PortRanges.From(AllowPorts);
    }

    /// <summary>Reports everything that cannot be used.</summary>
    /// <param name="errors">Where the findings go.</param>
    /// <param name="allowUnsafe">Features the user allowed by flag.</param>
    public void Validate(ConfigErrors errors, UnsafeFeatures allowUnsafe)
    {
        ArgumentNullException.ThrowIfNull(errors);
        Auth.Validate(errors.In("auth"), allowUnsafe);
        Log.Validate(errors.In("log"));
        WebServer.Validate(errors.In("webServer"));
        Check.Port(errors, "bindPort", BindPort);
        Check.Port(errors, "kcpBindPort", KcpBindPort);
        Check.Port(errors, "quicBindPort", QuicBindPort);
        Check.Port(errors, "vhostHTTPPort", VhostHttpPort);
        Check.Port(errors, "vhostHTTPSPort", VhostHttpsPort);
        // Compat: the text spells the key with a capital M, the key itself does not.
        Check.Port(errors, "tcpmuxHTTPConnectPort", TcpmuxHttpConnectPort, "tcpMuxHTTPConnectPort");
        for (var i = 0; i < HttpPlugins.Count; i++)
            HttpPlugins[i].Validate(errors.In($"httpPlugins[{i}]"));
    }

    private const int DefaultVhostHttpTimeoutSeconds = 60;
    private const int DefaultUserConnTimeoutSeconds = 10;
    private const int DefaultReserveHours = 168;
    private const int MaxReserveHours = 100 * 365 * 24; // the number may be larger than a TimeSpan can be
}

/// <summary>The listener for <c>ssh -R</c> users.</summary>
public sealed class SshTunnelGatewayConfig
{
    /// <summary>SSH port; 0 = off.</summary>
    [Bounds(0, BoundsAttribute.MaxPort, Late = true)] public int BindPort { get; set; }
    /// <summary>Host key file; empty = the generated one.</summary>
    public string PrivateKeyFile { get; set; } = "";
    /// <summary>Where a generated host key is kept.</summary>
    public string AutoGenPrivateKeyPath { get; set; } = "";
    /// <summary>OpenSSH authorized_keys file; empty = users are not authenticated by key.</summary>
    public string AuthorizedKeysFile { get; set; } = "";

    internal void Complete() => AutoGenPrivateKeyPath = Default.Of(AutoGenPrivateKeyPath, "./.autogen_ssh_key");
}

/// <summary>An HTTP service that the server asks about operations.</summary>
public sealed class HttpPluginConfig
{
    private static readonly string[] Operations = ["Login", "NewProxy", "CloseProxy", "Ping", "NewWorkConn", "NewUserConn"];

    /// <summary>Name in the log.</summary>
    public string Name { get; set; } = "";
    /// <summary><c>host:port</c>, with an optional <c>http://</c> or <c>https://</c> before it.</summary>
    public string Addr { get; set; } = "";
    /// <summary>Path appended to the address.</summary>
    public string Path { get; set; } = "";
    /// <summary>Operations that are sent.</summary>
    [Allowed("Login", "NewProxy", "CloseProxy", "Ping", "NewWorkConn", "NewUserConn")] public List<string> Ops { get; set; } = [];
    /// <summary>The service's certificate is verified.</summary>
    // Compat: off by default, as the reference behaves.
    public bool TlsVerify { get; set; }

    internal void Validate(ConfigErrors errors)
    {
        foreach (var op in Ops)
            if (!Operations.Contains(op, StringComparer.Ordinal))
            {
                errors.Add("ops", "invalid http plugin ops, optional values are [Login NewProxy CloseProxy Ping NewWorkConn NewUserConn]");
                return;
            }
    }
}

/// <summary>One element of <c>allowPorts</c>: a range or a single port.</summary>
public sealed class PortsRangeConfig
{
    /// <summary>First port of the range.</summary>
    [Bounds(0, BoundsAttribute.MaxPort, Late = true)] public int Start { get; set; }
    /// <summary>Last port of the range.</summary>
    [Bounds(0, BoundsAttribute.MaxPort, Late = true)] public int End { get; set; }
    /// <summary>The only port; above 0 it wins over the range.</summary>
    [Bounds(0, BoundsAttribute.MaxPort, Late = true)] public int Single { get; set; }
}
