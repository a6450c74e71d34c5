using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Frp.Config;
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
