using System.Text.Json.Serialization;

namespace Frp.Config;

/// <summary>What proxies and visitors have in common: a name, a kind and a switch.</summary>
public abstract class EntryConfig
{
    /// <summary>Name, unique among a client's proxies or visitors; without the user's prefix.</summary>
    [Needed] public string Name { get; set; } = "";
    /// <summary>Name of the kind.</summary>
    [Needed] public string Type { get; set; } = "";
    /// <summary><c>false</c> takes the entry out before it is validated.</summary>
    [DefaultIs("`true`")] public bool? Enabled { get; set; }

    /// <summary>Position in the file's list, for messages.</summary>
    [JsonIgnore] internal int Index { get; set; }

    /// <summary>Fills in the defaults and what is derived.</summary>
    public abstract void Complete();

    /// <summary>Reports everything that cannot be used; call after <see cref="Complete"/>.</summary>
    /// <param name="errors">Where the findings go, with paths relative to the entry.</param>
    public abstract void Validate(ConfigErrors errors);
}

/// <summary>A service that a client offers through the server: the keys that all kinds have.</summary>
public abstract class ProxyConfig : EntryConfig
{
    /// <summary>Shown in the dashboard; names are like those of Kubernetes: <c>example.com/name</c> or <c>name</c>.</summary>
    public Dictionary<string, string> Annotations { get; set; } = [];
    /// <summary>What the tunnel does to the payload.</summary>
    public ProxyTransportConfig Transport { get; set; } = new();
    /// <summary>Free metadata for server plugins.</summary>
    public Dictionary<string, string> Metadatas { get; set; } = [];
    /// <summary>The group that shares the proxy's load.</summary>
    public LoadBalancerConfig LoadBalancer { get; set; } = new();
    /// <summary>Whether the service is asked how it is.</summary>
    public HealthCheckConfig HealthCheck { get; set; } = new();
    /// <summary>Host of the service.</summary>
    [JsonPropertyName("localIP")] public string LocalIP { get; set; } = "";
    /// <summary>Port of the service.</summary>
    [Bounds(0, BoundsAttribute.MaxPort)] public int LocalPort { get; set; }
    /// <summary>What serves inside the client, instead of a service at <see cref="LocalIP"/>.</summary>
    public PluginConfig? Plugin { get; set; }

    /// <inheritdoc/>
    public override void Complete()
    {
        LocalIP = Default.Of(LocalIP, "127.0.0.1");
        Transport.BandwidthLimitMode = Default.Of(Transport.BandwidthLimitMode, "client");
        HealthCheck.Complete();
        Plugin?.Complete();
    }

    /// <inheritdoc/>
    public override void Validate(ConfigErrors errors)
    {
        ArgumentNullException.ThrowIfNull(errors);
        if (Name.Length == 0)
            errors.Add("name", "name should not be empty");
        AnnotationRules.Validate(Annotations, errors.In("annotations"));
        if (Transport.BandwidthLimitMode is not ("client" or "server"))
            errors.Add("transport.bandwidthLimitMode", "bandwidth limit mode should be client or server");
        if (Transport.ProxyProtocolVersion is not ("" or "v1" or "v2"))
            errors.Add("transport.proxyProtocolVersion", "not support proxy protocol version: " + Transport.ProxyProtocolVersion);
        // Compat: the text names the key twice.
        if (Plugin is null)
            Check.Port(errors, "localPort", LocalPort, "localPort: localPort");
        HealthCheck.Validate(errors.In("healthCheck"));
        Plugin?.Validate(errors.In("plugin", $"plugin {Plugin.Type}: "));
    }
}

/// <summary>What a proxy's tunnel does to the payload.</summary>
public sealed class ProxyTransportConfig
{
    /// <summary>The tunnel is encrypted.</summary>
    public bool UseEncryption { get; set; }
    /// <summary>The tunnel is compressed.</summary>
    public bool UseCompression { get; set; }
    /// <summary>How much may pass each second; empty, zero or negative = no limit.</summary>
    public BandwidthQuantity BandwidthLimit { get; set; }
    /// <summary>Which side throttles.</summary>
    [Allowed("client", "server")] public string BandwidthLimitMode { get; set; } = "";
    /// <summary>PROXY header that tells the service the user's address; empty = none.</summary>
    [Allowed("v1", "v2")] public string ProxyProtocolVersion { get; set; } = "";
}

/// <summary>The group that shares a proxy's load.</summary>
public sealed class LoadBalancerConfig
{
    /// <summary>Name of the group; empty = none.</summary>
    public string Group { get; set; } = "";
    /// <summary>Secret that all members share.</summary>
    public string GroupKey { get; set; } = "";
}

/// <summary>Whether and how a service is asked how it is.</summary>
public sealed class HealthCheckConfig
{
    private const int DefaultTimeoutSeconds = 3;
    private const int DefaultIntervalSeconds = 10;

    /// <summary>A connection is tried, or a GET; empty = no check.</summary>
    [Allowed("tcp", "http")] public string Type { get; set; } = "";
    /// <summary>How long one attempt may take.</summary>
    public int TimeoutSeconds { get; set; }
    /// <summary>Failures in a row before the proxy is taken from the server.</summary>
    public int MaxFailed { get; set; }
    /// <summary>Pause between attempts.</summary>
    public int IntervalSeconds { get; set; }
    /// <summary>Path that a GET asks for.</summary>
    [Needed(When = nameof(Type), Is = "http")] public string Path { get; set; } = "";
    /// <summary>Headers that a GET sends; <c>Host</c> sets the request's host.</summary>
    [JsonPropertyName("httpHeaders")] public List<NameValueConfig> HttpHeaders { get; set; } = [];

    /// <summary>How long one attempt may take.</summary>
    [JsonIgnore] public TimeSpan Timeout { get; private set; }
    /// <summary>Pause between attempts.</summary>
    [JsonIgnore] public TimeSpan Interval { get; private set; }

    internal void Complete()
    {
        if (Type.Length == 0)
            return;
        TimeoutSeconds = Default.Of(TimeoutSeconds, DefaultTimeoutSeconds);
        MaxFailed = Default.Of(MaxFailed, 1);
        IntervalSeconds = Default.Of(IntervalSeconds, DefaultIntervalSeconds);
        Timeout = Default.Deadline(TimeoutSeconds, DefaultTimeoutSeconds);
        Interval = Default.Deadline(IntervalSeconds, DefaultIntervalSeconds);
    }

    internal void Validate(ConfigErrors errors)
    {
        if (Type is not ("" or "tcp" or "http"))
            errors.Add("type", "not support health check type: " + Type);
        else if (Type == "http" && Path.Length == 0)
            errors.Add("path", "health check path should not be empty");
    }
}

/// <summary>What serves a proxy's users inside the client; a kind has its keys in a type derived from this.</summary>
public abstract class PluginConfig
{
    /// <summary>Name of the plugin.</summary>
    [Needed] public string Type { get; set; } = "";

    /// <summary>Fills in the defaults.</summary>
    public virtual void Complete() { }

    /// <summary>Reports everything that cannot be used.</summary>
    /// <param name="errors">Where the findings go, with paths relative to the plugin.</param>
    public virtual void Validate(ConfigErrors errors) { }
}

/// <summary>A local door to a secret proxy of another client: the keys that all kinds have.</summary>
public abstract class VisitorConfig : EntryConfig
{
    /// <summary>What the visitor's leg of the tunnel does to the payload.</summary>
    public VisitorTransportConfig Transport { get; set; } = new();
    /// <summary>Secret; must equal the proxy's.</summary>
    public string SecretKey { get; set; } = "";
    /// <summary>The proxy's user.</summary>
    [DefaultIs("the own `user`")] public string ServerUser { get; set; } = "";
    /// <summary>The proxy's name without its user's prefix.</summary>
    [Needed] public string ServerName { get; set; } = "";
    /// <summary>Listen address.</summary>
    public string BindAddr { get; set; } = "";
    /// <summary>Listen port; negative = no listener, only connections handed over by other visitors.</summary>
    [Needed] [Bounds(int.MinValue, BoundsAttribute.MaxPort, Late = true)] public int BindPort { get; set; }
    /// <summary>What uses the visitor besides its listener.</summary>
    public VisitorPluginConfig? Plugin { get; set; }

    /// <inheritdoc/>
    public override void Complete()
    {
        BindAddr = Default.Of(BindAddr, "127.0.0.1");
        Plugin?.Complete();
    }

    /// <inheritdoc/>
    public override void Validate(ConfigErrors errors)
    {
        ArgumentNullException.ThrowIfNull(errors);
        if (Name.Length == 0)
            errors.Add("name", "name is required");
        if (ServerName.Length == 0)
            errors.Add("serverName", "server name is required");
        if (BindPort == 0)
            errors.Add("bindPort", "bind port is required");
        Plugin?.Validate(errors.In("plugin"));
    }
}

/// <summary>What the visitor's leg of a tunnel does to the payload.</summary>
public sealed class VisitorTransportConfig
{
    /// <summary>The leg is encrypted with the secret key.</summary>
    public bool UseEncryption { get; set; }
    /// <summary>The leg is compressed.</summary>
    public bool UseCompression { get; set; }
}

/// <summary>What uses a visitor besides its listener; a kind has its keys in a type derived from this.</summary>
public abstract class VisitorPluginConfig
{
    /// <summary>Name of the plugin.</summary>
    [Needed] public string Type { get; set; } = "";

    /// <summary>Fills in the defaults.</summary>
    public virtual void Complete() { }

    /// <summary>Reports everything that cannot be used.</summary>
    /// <param name="errors">Where the findings go, with paths relative to the plugin.</param>
    public virtual void Validate(ConfigErrors errors) { }
}
