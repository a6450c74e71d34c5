using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Frp.Config;
using Frp.Config.Flags;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>A TCP service that visitors reach directly, peer to peer, when NAT can be traversed.</summary>
public sealed class XtcpProxyConfig : SecretProxyConfig
{
    /// <summary>What is offered to the peer.</summary>
    /// <remarks><c>null</c> = everything.</remarks>
    public NatTraversalConfig? NatTraversal { get; set; }
}

/// <summary>A local TCP port that leads to an xtcp proxy, directly where NAT lets it.</summary>
public sealed class XtcpVisitorConfig : VisitorConfig
{
    private const int DefaultRetryIntervalSeconds = 90;
    private const int DefaultFallbackMilliseconds = 1000;

    /// <summary>Carrier of the direct tunnel.</summary>
    [Allowed("quic", "kcp")] public string Protocol { get; set; } = "";
    /// <summary>The tunnel is probed and rebuilt though nobody uses it.</summary>
    public bool KeepTunnelOpen { get; set; }
    /// <summary>How often an hour the tunnel is rebuilt at most.</summary>
    public int MaxRetriesAnHour { get; set; }
    /// <summary>Period of probing a tunnel that is kept open.</summary>
    [JsonPropertyName("minRetryInterval")] public int MinRetryIntervalSeconds { get; set; }
    /// <summary>Visitor that takes a connection when the tunnel is not open in time; empty = none.</summary>
    public string FallbackTo { get; set; } = "";
    /// <summary>How long a connection waits for the tunnel before it falls back.</summary>
    public int FallbackTimeoutMs { get; set; }
    /// <summary>What is offered to the peer.</summary>
    /// <remarks><c>null</c> = everything.</remarks>
    public NatTraversalConfig? NatTraversal { get; set; }

    /// <summary>Period of probing the tunnel.</summary>
    [JsonIgnore] public TimeSpan MinRetryInterval { get; private set; }
    /// <summary>How long a connection waits for the tunnel before it falls back.</summary>
    [JsonIgnore] public TimeSpan FallbackTimeout { get; private set; }

    /// <inheritdoc/>
    public override void Complete()
    {
        base.Complete();
        Protocol = Default.Of(Protocol, PeerTunnels.Default);
        MaxRetriesAnHour = Default.Of(MaxRetriesAnHour, 8);
        MinRetryIntervalSeconds = Default.Of(MinRetryIntervalSeconds, DefaultRetryIntervalSeconds);
        MinRetryInterval = Default.Deadline(MinRetryIntervalSeconds, DefaultRetryIntervalSeconds);
        FallbackTimeoutMs = Default.Of(FallbackTimeoutMs, DefaultFallbackMilliseconds);
        FallbackTimeout = TimeSpan.FromMilliseconds(FallbackTimeoutMs > 0 ? FallbackTimeoutMs : DefaultFallbackMilliseconds);
    }

    /// <inheritdoc/>
    public override void Validate(ConfigErrors errors)
    {
        ArgumentNullException.ThrowIfNull(errors);
        base.Validate(errors);
        if (Protocol is not ("quic" or "kcp"))
            errors.Add("protocol", "protocol should be kcp or quic");
    }
}

/// <summary>The kind <c>xtcp</c>.</summary>
internal sealed partial class XtcpProxy : ProxyKind
{
    public static readonly XtcpProxy Kind = new();

    public override string Name => "xtcp";
    public override JsonTypeInfo ConfigType => Model.Of<XtcpProxyConfig>(XtcpJson.Default);
    public override Func<JsonTypeInfo> VisitorType => static () => Model.Of<XtcpVisitorConfig>(XtcpJson.Default);

    public override ValueTask<IServerProxy> StartServerAsync(IServerProxyHost host, CancellationToken cancellationToken) => ValueTask.FromResult(XtcpServerProxy.Start(host));

    public override IClientProxy? CreateClient(ProxyConfig config, IClientProxyHost host) =>
        Backend.Create(config, host) is { } backend ? new XtcpClientProxy((XtcpProxyConfig)config, host, backend) : null;

    public override IVisitor? CreateVisitor(VisitorConfig config, IVisitorHost host)
    {
        var xtcp = (XtcpVisitorConfig)config;
        return PeerTunnels.Find(xtcp.Protocol) is { } starter
            ? new XtcpVisitor(xtcp, host, new VisitorTunnel(xtcp, host, starter))
            : throw new ConfigException($"protocol [{xtcp.Protocol}] of xtcp visitors is not supported by this release of the client yet: leave it out, or use kcp");
    }

    protected override void DeclareFlags(FlagSet flags, ProxyConfig config) => ((SecretProxyConfig)config).DeclareFlags(flags);

    protected override void Describe(ProxyConfig config, NewProxy message) => ((XtcpProxyConfig)config).Describe(message);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
    [JsonSerializable(typeof(XtcpProxyConfig))]
    [JsonSerializable(typeof(XtcpVisitorConfig))]
    private sealed partial class XtcpJson : JsonSerializerContext;
}
