using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Frp.Config;
using Frp.Config.Flags;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>A TCP service without a port on the server, for visitors that know the key.</summary>
public sealed class StcpProxyConfig : SecretProxyConfig;

/// <summary>A local TCP port that leads to an stcp proxy.</summary>
public sealed class StcpVisitorConfig : VisitorConfig;

/// <summary>The kind <c>stcp</c>.</summary>
internal sealed partial class StcpProxy : ProxyKind
{
    public static readonly StcpProxy Kind = new();

    public override string Name => "stcp";
    public override JsonTypeInfo ConfigType => Model.Of<StcpProxyConfig>(StcpJson.Default);
    public override Func<JsonTypeInfo> VisitorType => static () => Model.Of<StcpVisitorConfig>(StcpJson.Default);

    public override ValueTask<IServerProxy> StartServerAsync(IServerProxyHost host, CancellationToken cancellationToken) => ValueTask.FromResult(SecretStreamProxy.Start(host));

    public override IClientProxy? CreateClient(ProxyConfig config, IClientProxyHost host) => Backend.Create(config, host);

    public override IVisitor? CreateVisitor(VisitorConfig config, IVisitorHost host) => new StcpVisitor((StcpVisitorConfig)config, host);

    protected override void DeclareFlags(FlagSet flags, ProxyConfig config) => ((SecretProxyConfig)config).DeclareFlags(flags);

    protected override void Describe(ProxyConfig config, NewProxy message) => ((StcpProxyConfig)config).Describe(message);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
    [JsonSerializable(typeof(StcpProxyConfig))]
    [JsonSerializable(typeof(StcpVisitorConfig))]
    private sealed partial class StcpJson : JsonSerializerContext;
}
