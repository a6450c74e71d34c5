using Frp.Config;
using Frp.Proxies.Plugins;

namespace Frp.Proxies;

/// <summary>Every kind of proxy there is. The order is that of status tables and dashboards.</summary>
public static class ProxyKinds
{
    private static readonly ProxyKind[] Kinds =
    [
        TcpProxy.Kind,
        UdpProxy.Kind,
        TcpMuxProxy.Kind,
        HttpProxy.Kind,
        HttpsProxy.Kind,
        StcpProxy.Kind,
        SudpProxy.Kind,
        XtcpProxy.Kind,
    ];

    /// <summary>Every kind.</summary>
    public static IReadOnlyList<ProxyKind> All => Kinds;

    /// <summary>What a client's configuration may name.</summary>
    public static ClientCatalog Catalog { get; } = new(
        Kinds.Select(k => KeyValuePair.Create(k.Name, () => k.ConfigType)),
        Kinds.Where(k => k.VisitorType is not null).Select(k => KeyValuePair.Create(k.Name, k.VisitorType!)),
        ClientPlugins.Models,
        PluginConfigs.ForVisitors);

    /// <summary>The kind that a registration without a type means.</summary>
    public static ProxyKind Default => TcpProxy.Kind;

    /// <summary>The kind of a name, or <c>null</c>.</summary>
    /// <param name="name">As in files and messages; <see cref="Frp.Wire.NewProxy.ProxyType"/> may be empty, which is for the caller to read.</param>
    public static ProxyKind? Find(string name) => Array.Find(Kinds, k => k.Name == name);
}
