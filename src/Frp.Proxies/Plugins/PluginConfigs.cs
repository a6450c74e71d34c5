using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Frp.Config;

namespace Frp.Proxies.Plugins;

/// <summary>The models of the plugins.</summary>
internal static partial class PluginConfigs
{
    /// <summary>The description of a model of this list.</summary>
    internal static JsonTypeInfo ModelOf<T>() where T : PluginConfig => Model.Of<T>(PluginJson.Default);

    public static IReadOnlyDictionary<string, Func<JsonTypeInfo>> ForVisitors { get; } = new Dictionary<string, Func<JsonTypeInfo>>(StringComparer.Ordinal)
    {
        ["virtual_net"] = static () => Model.Of<VirtualNetVisitorPluginConfig>(PluginJson.Default),
    };

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
    [JsonSerializable(typeof(HttpProxyPluginConfig))]
    [JsonSerializable(typeof(Socks5PluginConfig))]
    [JsonSerializable(typeof(StaticFilePluginConfig))]
    [JsonSerializable(typeof(UnixDomainSocketPluginConfig))]
    [JsonSerializable(typeof(Http2HttpPluginConfig))]
    [JsonSerializable(typeof(Http2HttpsPluginConfig))]
    [JsonSerializable(typeof(Https2HttpPluginConfig))]
    [JsonSerializable(typeof(Https2HttpsPluginConfig))]
    [JsonSerializable(typeof(Tls2RawPluginConfig))]
    [JsonSerializable(typeof(VirtualNetPluginConfig))]
    [JsonSerializable(typeof(VirtualNetVisitorPluginConfig))]
    private sealed partial class PluginJson : JsonSerializerContext;
}

/// <summary>An HTTP forward proxy.</summary>
public sealed class HttpProxyPluginConfig : PluginConfig
{
    /// <summary>Proxy-auth user; empty together with the password = everyone.</summary>
    [JsonPropertyName("httpUser")] public string HttpUser { get; set; } = "";
    /// <summary>Proxy-auth password.</summary>
    [JsonPropertyName("httpPassword")] public string HttpPassword { get; set; } = "";
}

/// <summary>A SOCKS5 proxy.</summary>
public sealed class Socks5PluginConfig : PluginConfig
{
    /// <summary>User; empty together with the password = everyone.</summary>
    public string Username { get; set; } = "";
    /// <summary>Password.</summary>
    public string Password { get; set; } = "";
}

/// <summary>A directory served over HTTP.</summary>
public sealed class StaticFilePluginConfig : PluginConfig
{
    /// <summary>The directory.</summary>
    [Needed] public string LocalPath { get; set; } = "";
    /// <summary>Path prefix under which it is served.</summary>
    public string StripPrefix { get; set; } = "";
    /// <summary>Basic-auth user; empty together with the password = everyone.</summary>
    [JsonPropertyName("httpUser")] public string HttpUser { get; set; } = "";
    /// <summary>Basic-auth password.</summary>
    [JsonPropertyName("httpPassword")] public string HttpPassword { get; set; } = "";

    /// <inheritdoc/>
    public override void Validate(ConfigErrors errors) => Required.Text(errors, "localPath", LocalPath);
}

/// <summary>A Unix-domain socket.</summary>
public sealed class UnixDomainSocketPluginConfig : PluginConfig
{
    /// <summary>The socket's path.</summary>
    [Needed] public string UnixPath { get; set; } = "";

    /// <inheritdoc/>
    public override void Validate(ConfigErrors errors) => Required.Text(errors, "unixPath", UnixPath);
}

/// <summary>What the plugins have in common that forward requests to an HTTP service.</summary>
public abstract class ReverseProxyPluginConfig : PluginConfig
{
    /// <summary>The service, <c>host:port</c>.</summary>
    public string LocalAddr { get; set; } = "";
    /// <summary>Value that replaces the request's Host.</summary>
    public string HostHeaderRewrite { get; set; } = "";
    /// <summary>Request headers to set.</summary>
    public HeaderOperations RequestHeaders { get; set; } = new();

    /// <inheritdoc/>
    public override void Validate(ConfigErrors errors) => Required.Text(errors, "localAddr", LocalAddr);
}

/// <summary>HTTP users, HTTP service.</summary>
public sealed class Http2HttpPluginConfig : ReverseProxyPluginConfig
{
    /// <inheritdoc/>
    // Compat: the only one of its family whose address is not demanded.
    public override void Validate(ConfigErrors errors) { }
}

/// <summary>HTTP users, HTTPS service.</summary>
[Needs(nameof(LocalAddr))]
public sealed class Http2HttpsPluginConfig : ReverseProxyPluginConfig;

/// <summary>What the plugins have in common whose users speak HTTPS.</summary>
[Needs(nameof(LocalAddr))]
public abstract class TlsReverseProxyPluginConfig : ReverseProxyPluginConfig
{
    /// <summary>Certificate, PEM; without it or its key one is generated.</summary>
    public string CrtPath { get; set; } = "";
    /// <summary>Key of the certificate, PEM.</summary>
    public string KeyPath { get; set; } = "";
    /// <summary>HTTP/2 is offered.</summary>
    [JsonPropertyName("enableHTTP2")] public bool? EnableHttp2 { get; set; }

    /// <inheritdoc/>
    public override void Complete() => EnableHttp2 ??= true;
}

/// <summary>HTTPS users, HTTP service.</summary>
public sealed class Https2HttpPluginConfig : TlsReverseProxyPluginConfig;

/// <summary>HTTPS users, HTTPS service.</summary>
public sealed class Https2HttpsPluginConfig : TlsReverseProxyPluginConfig;

/// <summary>TLS users, plain service.</summary>
public sealed class Tls2RawPluginConfig : PluginConfig
{
    /// <summary>The service, <c>host:port</c>.</summary>
    [Needed] public string LocalAddr { get; set; } = "";
    /// <summary>Certificate, PEM; without it or its key one is generated.</summary>
    public string CrtPath { get; set; } = "";
    /// <summary>Key of the certificate, PEM.</summary>
    public string KeyPath { get; set; } = "";

    /// <inheritdoc/>
    public override void Validate(ConfigErrors errors) => Required.Text(errors, "localAddr", LocalAddr);
}

/// <summary>The client's virtual network as the service.</summary>
public sealed class VirtualNetPluginConfig : PluginConfig;

/// <summary>A host of the virtual network behind a visitor.</summary>
public sealed class VirtualNetVisitorPluginConfig : VisitorPluginConfig
{
    /// <summary>The host's address; needed, and judged when the visitor starts.</summary>
    [JsonPropertyName("destinationIP")] public string DestinationIP { get; set; } = "";
}

/// <summary>The check that several plugins share.</summary>
internal static class Required
{
    public static void Text(ConfigErrors errors, string key, string value)
    {
        if (value.Length == 0)
            errors.Add(key, key + " is required");
    }
}
