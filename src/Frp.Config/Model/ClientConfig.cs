using System.Net;
using System.Text.Json.Serialization;

namespace Frp.Config;

/// <summary>Everything a client's configuration file can say.</summary>
/// <remarks>
/// Bound by <see cref="ConfigLoader"/>, then completed and validated once; nobody changes it afterwards. Zero means unset: a
/// number 0 or an empty text takes the default. A property without a key of its own is derived by <see cref="Complete"/>.
/// </remarks>
public sealed class ClientConfig
{
    /// <summary>Name of the only feature gate.</summary>
    public const string VirtualNetGate = "VirtualNet";

    /// <summary>Accepted and ignored, for files that carry a version of their own.</summary>
    public string Version { get; set; } = "";
    /// <summary>How the client proves itself.</summary>
    public ClientAuthConfig Auth { get; set; } = new();
    /// <summary>Prefix of the proxies' names at the server: <c>user.name</c>.</summary>
    public string User { get; set; } = "";
    /// <summary>Stable identity in dashboards; empty = the run id.</summary>
    [JsonPropertyName("clientID")] public string ClientId { get; set; } = "";
    /// <summary>The server; IPv6 without brackets.</summary>
    public string ServerAddr { get; set; } = "";
    /// <summary>The server's port for the chosen carrier.</summary>
    [Bounds(0, BoundsAttribute.MaxPort, Late = true)] public int ServerPort { get; set; }
    /// <summary>STUN server that tells a client its public address, <c>host:port</c>.</summary>
    public string NatHoleStunServer { get; set; } = "";
    /// <summary>DNS server for every look-up, <c>host</c> or <c>host:port</c>; empty = the system's.</summary>
    public string DnsServer { get; set; } = "";
    /// <summary>A first login that fails ends the program; otherwise it is tried again for ever, as later ones are.</summary>
    public bool LoginFailExit { get; set; } = true;
    /// <summary>Names of the only proxies and visitors to start; empty = all.</summary>
    public List<string> Start { get; set; } = [];
    /// <summary>The log.</summary>
    public LogConfig Log { get; set; } = new();
    /// <summary>The admin API.</summary>
    public WebServerConfig WebServer { get; set; } = new();
    /// <summary>How the server is reached.</summary>
    public ClientTransportConfig Transport { get; set; } = new();
    /// <summary>The virtual network.</summary>
    public VirtualNetConfig VirtualNet { get; set; } = new();
    /// <summary>Features switched on or off by name.</summary>
    [Allowed(VirtualNetGate)] public Dictionary<string, bool> FeatureGates { get; set; } = [];
    /// <summary>Bytes of the largest datagram; must match the server's.</summary>
    [JsonPropertyName("udpPacketSize")] public int UdpPacketSize { get; set; }
    /// <summary>Free metadata, sent at login to server plugins.</summary>
    public Dictionary<string, string> Metadatas { get; set; } = [];
    /// <summary>Patterns of further files with proxies and visitors, relative to the working directory.</summary>
    public List<string> Includes { get; set; } = [];
    /// <summary>Where proxies made over the API are kept.</summary>
    public StoreConfig Store { get; set; } = new();
    /// <summary>Services to offer through the server.</summary>
    /// <remarks>After loading in name order, without those switched off.</remarks>
    public List<ProxyConfig> Proxies { get; set; } = [];
    /// <summary>Local doors to secret proxies of other clients.</summary>
    /// <remarks>After loading in name order, without those switched off.</remarks>
    public List<VisitorConfig> Visitors { get; set; } = [];

    /// <summary>The virtual network's gate is on.</summary>
    [JsonIgnore] public bool VirtualNetEnabled => FeatureGates.TryGetValue(VirtualNetGate, out var on) && on;

    /// <summary>Fills in the defaults and what is derived, in the common part and in every proxy and visitor.</summary>
    /// <param name="environment">The environment's variables by name; <c>http_proxy</c> is read.</param>
    public void Complete(Func<string, string?> environment)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ServerAddr = Default.Of(ServerAddr, "0.0.0.0");
        ServerPort = Default.Of(ServerPort, 7000);
        NatHoleStunServer = Default.Of(NatHoleStunServer, "stun.easyvoip.com:3478");
        Auth.Complete();
        Log.Complete();
        WebServer.Complete();
        Transport.Complete(environment, ServerAddr);
        UdpPacketSize = Default.UdpPacketSize(UdpPacketSize);
        foreach (var proxy in Proxies)
            proxy.Complete();
        foreach (var visitor in Visitors)
            visitor.Complete();
    }

    /// <summary>Reports everything in the common part that cannot be used.</summary>
    /// <param name="errors">Where the findings go.</param>
    /// <param name="allowUnsafe">Features the user allowed by flag.</param>
    public void Validate(ConfigErrors errors, UnsafeFeatures allowUnsafe)
    {
        ArgumentNullException.ThrowIfNull(errors);
        if (VirtualNet.Address.Length > 0)
        {
            if (!VirtualNetEnabled)
                errors.Add("virtualNet.address", "VirtualNet feature is not enabled; enable it by setting featureGates.VirtualNet to true");
            else if (!IPNetwork.TryParse(VirtualNet.Address, out _) && !IsHostInNetwork(VirtualNet.Address))
                errors.Add("virtualNet.address", $"invalid virtualNet.address \"{VirtualNet.Address}\": an address with prefix length such as 100.86.0.1/24 is expected");
        }
        Auth.Validate(errors.In("auth"), allowUnsafe);
        Log.Validate(errors.In("log"));
        WebServer.Validate(errors.In("webServer"));
        Transport.Validate(errors.In("transport"));
        if (Auth.TlsBinding && !Transport.Tls.Enable && Transport.Protocol is not ("wss" or "quic"))
            errors.Add("auth.tlsBinding", "auth.tlsBinding needs TLS to the server, which transport.tls.enable = false takes away");
    }

    /// <summary>Reports feature gates that do not exist.</summary>
    /// <param name="errors">Where the findings go.</param>
    public void ValidateFeatureGates(ConfigErrors errors)
    {
        ArgumentNullException.ThrowIfNull(errors);
        foreach (var name in FeatureGates.Keys)
            if (name != VirtualNetGate)
                errors.Add("featureGates." + name, "unrecognized feature gate: " + name);
    }

    /// <summary>The same common options with other entries.</summary>
    internal ClientConfig With(List<ProxyConfig> proxies, List<VisitorConfig> visitors)
    {
        var copy = (ClientConfig)MemberwiseClone();
        (copy.Proxies, copy.Visitors) = (proxies, visitors);
        return copy;
    }

    // IPNetwork wants the host bits clear; a TUN device's address has them set.
    private static bool IsHostInNetwork(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && IPAddress.TryParse(text.AsSpan(0, slash), out var address)
            && byte.TryParse(text.AsSpan(slash + 1), System.Globalization.NumberStyles.None, null, out var bits)
            && bits <= (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128);
    }
}

/// <summary>The client's virtual network.</summary>
public sealed class VirtualNetConfig
{
    /// <summary>Address and prefix length of the TUN device, such as <c>100.86.0.1/24</c>; empty = off. Needs the feature gate <c>VirtualNet</c>.</summary>
    public string Address { get; set; } = "";
}

/// <summary>Where proxies made over the API are kept.</summary>
public sealed class StoreConfig
{
    /// <summary>File, relative to the configuration file; empty = off.</summary>
    public string Path { get; set; } = "";
}
