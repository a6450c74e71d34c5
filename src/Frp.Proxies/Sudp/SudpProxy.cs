using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Frp.Config;
using Frp.Config.Flags;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>A UDP service without a port on the server, for visitors that know the key.</summary>
public sealed class SudpProxyConfig : SecretProxyConfig;

/// <summary>A local UDP port that leads to an sudp proxy.</summary>
public sealed class SudpVisitorConfig : VisitorConfig;

/// <summary>The kind <c>sudp</c>.</summary>
internal sealed partial class SudpProxy : ProxyKind
{
    public static readonly SudpProxy Kind = new();

    public override string Name => "sudp";
    public override JsonTypeInfo ConfigType => Model.Of<SudpProxyConfig>(SudpJson.Default);
    public override Func<JsonTypeInfo> VisitorType => static () => Model.Of<SudpVisitorConfig>(SudpJson.Default);

    public override ValueTask<IServerProxy> StartServerAsync(IServerProxyHost host, CancellationToken cancellationToken) => ValueTask.FromResult(SudpServerProxy.Start(host));

    public override IClientProxy? CreateClient(ProxyConfig config, IClientProxyHost host) => new DatagramClientProxy(config, host, single: false);

    public override IVisitor? CreateVisitor(VisitorConfig config, IVisitorHost host) => new SudpVisitor((SudpVisitorConfig)config, host);

    protected override void DeclareFlags(FlagSet flags, ProxyConfig config) => ((SecretProxyConfig)config).DeclareFlags(flags);

    protected override void Describe(ProxyConfig config, NewProxy message) => ((SudpProxyConfig)config).Describe(message);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
    [JsonSerializable(typeof(SudpProxyConfig))]
    [JsonSerializable(typeof(SudpVisitorConfig))]
    private sealed partial class SudpJson : JsonSerializerContext;
}
