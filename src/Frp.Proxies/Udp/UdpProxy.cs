using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Frp.Config;
using Frp.Config.Flags;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>A UDP port on the server.</summary>
public sealed class UdpProxyConfig : ProxyConfig
{
    /// <summary>Port on the server; 0 lets the server choose.</summary>
    [Bounds(0, BoundsAttribute.MaxPort, Late = true)] public int RemotePort { get; set; }
}

/// <summary>The kind <c>udp</c>.</summary>
internal sealed partial class UdpProxy : ProxyKind
{
    public static readonly UdpProxy Kind = new();

    public override string Name => "udp";
    public override JsonTypeInfo ConfigType => Model.Of<UdpProxyConfig>(UdpJson.Default);

    public override bool TakesRemotePort => true;

    public override ValueTask<IServerProxy> StartServerAsync(IServerProxyHost host, CancellationToken cancellationToken) => UdpServerProxy.StartAsync(host, cancellationToken);

    public override IClientProxy? CreateClient(ProxyConfig config, IClientProxyHost host) => new DatagramClientProxy(config, host, single: true);

    protected override void DeclareFlags(FlagSet flags, ProxyConfig config) =>
        flags.Number("remote_port", 'r', 0, "port on the server", v => ((UdpProxyConfig)config).RemotePort = v);

    protected override void Describe(ProxyConfig config, NewProxy message) => message.RemotePort = ((UdpProxyConfig)config).RemotePort;

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
    [JsonSerializable(typeof(UdpProxyConfig))]
    private sealed partial class UdpJson : JsonSerializerContext;
}
