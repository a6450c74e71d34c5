using System.Text.Json.Serialization.Metadata;

namespace Frp.Config;

/// <summary>The kinds of proxies, visitors and plugins that a client's configuration may name, each with its model.</summary>
/// <remarks>
/// The descriptions come from contexts generated with camel-case names, and are asked for when a file names the kind: to build all of
/// them costs more than to read a file. Immutable; share one.
/// </remarks>
public sealed class ClientCatalog
{
    /// <summary>Makes a catalogue of kinds by name.</summary>
    /// <param name="proxies">Descriptions of types derived from <see cref="ProxyConfig"/>.</param>
    /// <param name="visitors">Descriptions of types derived from <see cref="VisitorConfig"/>.</param>
    /// <param name="plugins">Descriptions of types derived from <see cref="PluginConfig"/>.</param>
    /// <param name="visitorPlugins">Descriptions of types derived from <see cref="VisitorPluginConfig"/>.</param>
    public ClientCatalog(
        IEnumerable<KeyValuePair<string, Func<JsonTypeInfo>>> proxies, IEnumerable<KeyValuePair<string, Func<JsonTypeInfo>>> visitors,
        IEnumerable<KeyValuePair<string, Func<JsonTypeInfo>>> plugins, IEnumerable<KeyValuePair<string, Func<JsonTypeInfo>>> visitorPlugins)
    {
        Proxies = proxies.ToDictionary(StringComparer.Ordinal);
        Visitors = visitors.ToDictionary(StringComparer.Ordinal);
        Plugins = plugins.ToDictionary(StringComparer.Ordinal);
        VisitorPlugins = visitorPlugins.ToDictionary(StringComparer.Ordinal);
    }

    /// <summary>Kinds of proxies.</summary>
    public IReadOnlyDictionary<string, Func<JsonTypeInfo>> Proxies { get; }
    /// <summary>Kinds of visitors.</summary>
    public IReadOnlyDictionary<string, Func<JsonTypeInfo>> Visitors { get; }
    /// <summary>Kinds of plugins of a proxy.</summary>
    public IReadOnlyDictionary<string, Func<JsonTypeInfo>> Plugins { get; }
    /// <summary>Kinds of plugins of a visitor.</summary>
    public IReadOnlyDictionary<string, Func<JsonTypeInfo>> VisitorPlugins { get; }
}
