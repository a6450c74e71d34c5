using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Frp.Config;
using Frp.Config.Flags;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>A TCP port on the server.</summary>
public sealed class TcpProxyConfig : ProxyConfig
{
    /// <summary>Port on the server; 0 lets the server choose.</summary>
    [Bounds(0, BoundsAttribute.MaxPort, Late = true)] public int RemotePort { get; set; }
}

/// <summary>The kind <c>tcp</c>.</summary>
internal sealed partial class TcpProxy : ProxyKind
{
    public static readonly TcpProxy Kind = new();

    public override string Name => "tcp";
    public override JsonTypeInfo ConfigType => Model.Of<TcpProxyConfig>(TcpJson.Default);

    public override bool TakesRemotePort => true;

    public override ValueTask<IServerProxy> StartServerAsync(IServerProxyHost host, CancellationToken cancellationToken) => TcpServerProxy.StartAsync(host, cancellationToken);

    public override IClientProxy? CreateClient(ProxyConfig config, IClientProxyHost host) => Backend.Create(config, host);

    protected override void DeclareFlags(FlagSet flags, ProxyConfig config) =>
        flags.Number("remote_port", 'r', 0, "port on the server", v => ((TcpProxyConfig)config).RemotePort = v);

    protected override void Describe(ProxyConfig config, NewProxy message) => message.RemotePort = ((TcpProxyConfig)config).RemotePort;

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
    [JsonSerializable(typeof(TcpProxyConfig))]
    private sealed partial class TcpJson : JsonSerializerContext;
}
