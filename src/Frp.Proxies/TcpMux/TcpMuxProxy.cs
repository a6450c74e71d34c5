using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Frp.Config;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>Host names on the server's multiplexer port, reached by HTTP CONNECT.</summary>
public sealed class TcpMuxProxyConfig : DomainProxyConfig
{
    /// <summary>How users say which host they want: <c>httpconnect</c>.</summary>
    public string Multiplexer { get; set; } = "";
    /// <summary>Proxy-auth user that the server demands.</summary>
    [JsonPropertyName("httpUser")] public string HttpUser { get; set; } = "";
    /// <summary>Proxy-auth password that the server demands.</summary>
    [JsonPropertyName("httpPassword")] public string HttpPassword { get; set; } = "";
    /// <summary>Proxy-auth user name that routes here.</summary>
    [JsonPropertyName("routeByHTTPUser")] public string RouteByHttpUser { get; set; } = "";

    /// <inheritdoc/>
    public override void Validate(ConfigErrors errors)
    {
        ArgumentNullException.ThrowIfNull(errors);
        base.Validate(errors);
        if (Multiplexer != "httpconnect")
            errors.Add("multiplexer", "not support multiplexer: " + Multiplexer);
    }
}

/// <summary>The kind <c>tcpmux</c>.</summary>
internal sealed partial class TcpMuxProxy : ProxyKind
{
    public static readonly TcpMuxProxy Kind = new();

    public override string Name => "tcpmux";
    public override JsonTypeInfo ConfigType => Model.Of<TcpMuxProxyConfig>(TcpMuxJson.Default);

    protected override void Describe(ProxyConfig config, NewProxy message)
    {
        var mux = (TcpMuxProxyConfig)config;
        message.CustomDomains = mux.CustomDomains;
        message.Subdomain = mux.Subdomain;
        message.Multiplexer = mux.Multiplexer;
        message.HttpUser = mux.HttpUser;
        message.HttpPassword = mux.HttpPassword;
        message.RouteByHttpUser = mux.RouteByHttpUser;
    }

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
    [JsonSerializable(typeof(TcpMuxProxyConfig))]
    private sealed partial class TcpMuxJson : JsonSerializerContext;
}
