using Frp.Config;
using Frp.Proxies.Plugins;

namespace Frp.Proxies;

/// <summary>What serves the users of the kinds whose users are byte streams: the local service, or a plug-in in its place.</summary>
internal static class Backend
{
    /// <summary>Makes it.</summary>
    /// <param name="config">The proxy, completed.</param>
    /// <param name="host">What it may ask of the client.</param>
    /// <returns>Null where this release does not serve the plug-in.</returns>
    /// <exception cref="Frp.Transport.TlsFileException">A file of the plug-in's cannot be used.</exception>
    internal static IClientProxy? Create(ProxyConfig config, IClientProxyHost host)
    {
        if (config.Plugin is { } plugin) return ClientPlugins.Find(plugin.Type)?.Create?.Invoke(config, host);
        return new BackendProxy(config, host, token => host.DialLocalAsync(config.LocalIP, config.LocalPort, token));
    }
}
