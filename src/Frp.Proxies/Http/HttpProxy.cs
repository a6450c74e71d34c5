using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Frp.Config;
using Frp.Config.Flags;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>HTTP host names and paths on the server's virtual-host port.</summary>
public sealed class HttpProxyConfig : DomainProxyConfig
{
    /// <summary>Path prefixes, the longest that fits wins; none = every path.</summary>
    public List<string> Locations { get; set; } = [];
    /// <summary>Basic-auth user that the server demands.</summary>
    [JsonPropertyName("httpUser")] public string HttpUser { get; set; } = "";
    /// <summary>Basic-auth password that the server demands.</summary>
    [JsonPropertyName("httpPassword")] public string HttpPassword { get; set; } = "";
    /// <summary>Value that replaces the request's Host.</summary>
    public string HostHeaderRewrite { get; set; } = "";
    /// <summary>Request headers to set.</summary>
    public HeaderOperations RequestHeaders { get; set; } = new();
    /// <summary>Response headers to set.</summary>
    public HeaderOperations ResponseHeaders { get; set; } = new();
    /// <summary>Requests of this basic-auth user come here; empty = of every user whom no other proxy wants.</summary>
    [JsonPropertyName("routeByHTTPUser")] public string RouteByHttpUser { get; set; } = "";
}

/// <summary>What is done to the headers of a request or an answer.</summary>
public sealed class HeaderOperations
{
    /// <summary>Headers to set, whatever they were.</summary>
    public Dictionary<string, string> Set { get; set; } = [];
}

/// <summary>The kind <c>http</c>.</summary>
internal sealed partial class HttpProxy : ProxyKind
{
    public static readonly HttpProxy Kind = new();

    public override string Name => "http";
    public override JsonTypeInfo ConfigType => Model.Of<HttpProxyConfig>(HttpJson.Default);

    public override ValueTask<IServerProxy> StartServerAsync(IServerProxyHost host, CancellationToken cancellationToken) => ValueTask.FromResult<IServerProxy>(HttpServerProxy.Start(host));

    public override IClientProxy? CreateClient(ProxyConfig config, IClientProxyHost host) => Backend.Create(config, host);

    protected override void DeclareFlags(FlagSet flags, ProxyConfig config)
    {
        var http = (HttpProxyConfig)config;
        http.DeclareFlags(flags);
        flags.List("locations", null, "path prefixes", v => http.Locations = v);
        flags.Text("http_user", null, "", "user that the server demands", v => http.HttpUser = v);
        flags.Secret("http_pwd", null, "", "password that the server demands", v => http.HttpPassword = v);
        flags.Text("host_header_rewrite", null, "", "value that replaces the request's Host", v => http.HostHeaderRewrite = v);
    }

    protected override void Describe(ProxyConfig config, NewProxy message)
    {
        var http = (HttpProxyConfig)config;
        message.CustomDomains = http.CustomDomains;
        message.Subdomain = http.Subdomain;
        message.Locations = http.Locations;
        message.HttpUser = http.HttpUser;
        message.HttpPassword = http.HttpPassword;
        message.HostHeaderRewrite = http.HostHeaderRewrite;
        message.Headers = http.RequestHeaders.Set;
        message.ResponseHeaders = http.ResponseHeaders.Set;
        message.RouteByHttpUser = http.RouteByHttpUser;
    }

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
    [JsonSerializable(typeof(HttpProxyConfig))]
    private sealed partial class HttpJson : JsonSerializerContext;
}
