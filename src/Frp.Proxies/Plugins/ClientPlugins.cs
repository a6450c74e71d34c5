using System.Text.Json.Serialization.Metadata;
using Frp.Config;

namespace Frp.Proxies.Plugins;

/// <summary>A client plug-in: something of ours in place of a local service.</summary>
/// <param name="Name">Its name in files.</param>
/// <param name="Model">Its configuration.</param>
/// <param name="Create">Makes the client half of a proxy that has it; null where this release does not serve it.</param>
internal sealed record ClientPlugin(string Name, Func<JsonTypeInfo> Model, Func<ProxyConfig, IClientProxyHost, IClientProxy>? Create = null);

/// <summary>All client plug-ins: the one list of them. One is a file, its model in <see cref="PluginConfigs"/>, and a line here.</summary>
internal static class ClientPlugins
{
    private static readonly ClientPlugin[] All =
    [
        new("http_proxy", PluginConfigs.ModelOf<HttpProxyPluginConfig>, static (config, host) => new HttpProxyPlugin((HttpProxyPluginConfig)config.Plugin!, host)),
        new("socks5", PluginConfigs.ModelOf<Socks5PluginConfig>, static (config, host) => new Socks5Plugin((Socks5PluginConfig)config.Plugin!, host)),
        new("static_file", PluginConfigs.ModelOf<StaticFilePluginConfig>, Http),
        new("unix_domain_socket", PluginConfigs.ModelOf<UnixDomainSocketPluginConfig>, UnixSocketPlugin.Create),
        new("http2http", PluginConfigs.ModelOf<Http2HttpPluginConfig>, Http),
        new("http2https", PluginConfigs.ModelOf<Http2HttpsPluginConfig>, Http),
        new("https2http", PluginConfigs.ModelOf<Https2HttpPluginConfig>, Http),
        new("https2https", PluginConfigs.ModelOf<Https2HttpsPluginConfig>, Http),
        new("tls2raw", PluginConfigs.ModelOf<Tls2RawPluginConfig>, Tls2RawPlugin.Create),
        new("virtual_net", PluginConfigs.ModelOf<VirtualNetPluginConfig>),
    ];

    /// <summary>Their models by name.</summary>
    internal static IReadOnlyDictionary<string, Func<JsonTypeInfo>> Models { get; } = All.ToDictionary(p => p.Name, p => p.Model, StringComparer.Ordinal);

    /// <summary>The plug-in of a name, or null.</summary>
    internal static ClientPlugin? Find(string name) => Array.Find(All, p => p.Name == name);

    private static IClientProxy Http(ProxyConfig config, IClientProxyHost host) => host.CreateHttpPlugin(config);
}
