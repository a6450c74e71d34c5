using System.Globalization;
using System.Text.Json.Serialization.Metadata;

namespace Frp.Config;

/// <summary>A place of the model where the member <c>type</c> decides which keys there are, and the words for its mistakes.</summary>
/// <param name="Kinds">Models by the name of the kind.</param>
/// <param name="Where">Words for the place; <c>{0}</c> is its index.</param>
/// <param name="Inside">Words for mistakes among the kind's own keys.</param>
/// <param name="Unknown">Words before the name of an unknown kind.</param>
/// <param name="Missing">Words for an empty name; <c>null</c> when it is told like an unknown one.</param>
internal sealed record Variants(IReadOnlyDictionary<string, Func<JsonTypeInfo>> Kinds, string Where, string Inside, string Unknown, string? Missing)
{
    public string At(int index) => string.Format(CultureInfo.InvariantCulture, Where, index);

    /// <summary>The variable places of a client's configuration, by the declared type of the property or element.</summary>
    public static IReadOnlyDictionary<Type, Variants> Of(ClientCatalog catalog) => new Dictionary<Type, Variants>
    {
        [typeof(ProxyConfig)] = new(catalog.Proxies, "decode proxy at index {0}: ", "unmarshal ProxyConfig error: ", "unknown proxy type: ", null),
        [typeof(VisitorConfig)] = new(catalog.Visitors, "decode visitor at index {0}: ", "unmarshal VisitorConfig error: ", "unknown visitor type: ", null),
        [typeof(PluginConfig)] = new(catalog.Plugins, "", "unmarshal proxy plugin error: unmarshal ClientPluginOptions error: ", "unknown plugin type: ", "plugin type is empty"),
        [typeof(VisitorPluginConfig)] = new(catalog.VisitorPlugins, "", "unmarshal visitor plugin error: unmarshal VisitorPluginOptions error: ",
            "unknown visitor plugin type: ", "visitor plugin type is empty"),
    };
}
