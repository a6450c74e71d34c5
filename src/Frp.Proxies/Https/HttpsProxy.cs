using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Frp.Config;
using Frp.Config.Flags;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>TLS host names on the server's virtual-host port; TLS ends at the service.</summary>
public sealed class HttpsProxyConfig : DomainProxyConfig;

/// <summary>The kind <c>https</c>.</summary>
internal sealed partial class HttpsProxy : ProxyKind
{
    public static readonly HttpsProxy Kind = new();

    public override string Name => "https";
    public override JsonTypeInfo ConfigType => Model.Of<HttpsProxyConfig>(HttpsJson.Default);

    public override ValueTask<IServerProxy> StartServerAsync(IServerProxyHost host, CancellationToken cancellationToken)
    {
        if (host.Config.VhostHttpsPort == 0) throw new PeerRefusedException("type [https] not supported when vhost https port is not set");
        return VhostServerProxy.StartAsync(host, VhostDomains.Of(host.Registration, host.Config), host.Config.VhostHttpsPort, host.ListenTls);
    }

    public override IClientProxy? CreateClient(ProxyConfig config, IClientProxyHost host) => Backend.Create(config, host);

    protected override void DeclareFlags(FlagSet flags, ProxyConfig config) => ((HttpsProxyConfig)config).DeclareFlags(flags);

    protected override void Describe(ProxyConfig config, NewProxy message)
    {
        var https = (HttpsProxyConfig)config;
        message.CustomDomains = https.CustomDomains;
        message.Subdomain = https.Subdomain;
    }

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
    [JsonSerializable(typeof(HttpsProxyConfig))]
    private sealed partial class HttpsJson : JsonSerializerContext;
}
