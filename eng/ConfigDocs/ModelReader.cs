using System.Collections;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Frp.Config;
using Frp.Proxies;

namespace ConfigDocs;

/// <summary>Reads the model that the loader binds to: the same descriptions, and what their source says about each key.</summary>
/// <remarks>Defaults are not written down anywhere: they are what completing an empty configuration gives.</remarks>
internal sealed class ModelReader
{
    private static readonly (string Suffix, string Unit)[] Units = [("Seconds", "seconds"), ("Ms", "milliseconds"), ("Hours", "hours"), ("Size", "bytes")];

    private readonly Summaries _summaries = new(Assemblies);
    private readonly Dictionary<Type, (string Name, string Plural, IReadOnlyDictionary<string, Func<JsonTypeInfo>> Kinds)> _unions;

    private ModelReader(ClientCatalog catalog) => _unions = new()
    {
        [typeof(ProxyConfig)] = ("proxy", "proxies", catalog.Proxies),
        [typeof(VisitorConfig)] = ("visitor", "visitors", catalog.Visitors),
        [typeof(PluginConfig)] = ("plugin", "plugins", catalog.Plugins),
        [typeof(VisitorPluginConfig)] = ("visitor plugin", "visitor plugins", catalog.VisitorPlugins),
    };

    /// <summary>Where the model is.</summary>
    public static IReadOnlyList<Assembly> Assemblies { get; } = [typeof(ServerConfig).Assembly, typeof(ProxyKinds).Assembly];

    /// <summary>The keys of frps.</summary>
    public static ObjectShape Server() => new ModelReader(ProxyKinds.Catalog).Completed(Model.Of<ServerConfig>(ConfigJson.Default));

    /// <summary>The keys of frpc.</summary>
    public static ObjectShape Client() => new ModelReader(ProxyKinds.Catalog).Completed(Model.Of<ClientConfig>(ConfigJson.Default));

    private ObjectShape Completed(JsonTypeInfo info)
    {
        object empty = info.CreateObject!(), chosen = info.CreateObject!();
        Complete(empty);
        // Some defaults are given only to what is switched on: once more with every choice made.
        Choose(chosen, info);
        Complete(chosen);
        return Object(info, empty, chosen);
    }

    private static void Complete(object config)
    {
        switch (config)
        {
            case ServerConfig server: server.Complete(); break;
            case ClientConfig client: client.Complete(_ => null); break;
            case EntryConfig entry: entry.Complete(); break;
            case PluginConfig plugin: plugin.Complete(); break;
            case VisitorPluginConfig plugin: plugin.Complete(); break;
            default: throw new InvalidOperationException($"{config.GetType()} completes itself nowhere");
        }
    }

    private static void Choose(object config, JsonTypeInfo info)
    {
        foreach (var property in info.Properties.Where(p => p.Set is not null))
            if (property.Get!(config) is not { } value)
                continue;
            else if (value is "" && Source(property).GetCustomAttribute<AllowedAttribute>() is { } allowed)
                property.Set!(config, allowed.Values[0]);
            else if (value is not (string or IEnumerable) && property.PropertyType.IsClass)
                Choose(value, Model.Of(property.PropertyType, info));
    }

    private ObjectShape Object(JsonTypeInfo info, object empty, object chosen)
    {
        var properties = info.Properties.Where(p => p.Set is not null).Select(p => (Json: p, Source: Source(p))).OrderBy(p => Depth(p.Source.DeclaringType!)).ToList();
        var needed = info.Type.GetCustomAttributes<NeedsAttribute>().Select(a => a.Property).ToHashSet(StringComparer.Ordinal);
        var keys = properties.Select(p => KeyOf(p.Json, p.Source, info, empty, chosen)).Select(k => needed.Contains(k.Source.Name) ? k.Key with { IsNeeded = true } : k.Key).ToList();
        var oneOf = info.Type.GetCustomAttribute<NeedsOneOfAttribute>()?.Properties.Select(name => Sibling(info, name)).ToList();
        return new ObjectShape(info.Type, _summaries.Of(info.Type), keys, oneOf ?? []);
    }

    private (PropertyInfo Source, Key Key) KeyOf(JsonPropertyInfo property, PropertyInfo source, JsonTypeInfo owner, object empty, object chosen)
    {
        var shape = ShapeOf(property.PropertyType, owner, property.Get!(empty), property.Get!(chosen));
        var allowed = source.GetCustomAttribute<AllowedAttribute>();
        var needed = source.GetCustomAttribute<NeededAttribute>();
        var words = source.GetCustomAttribute<DefaultIsAttribute>()?.Words;
        var key = new Key(property.Name, shape, _summaries.Of(source))
        {
            Declarer = source.DeclaringType!,
            Unit = shape is ScalarShape { Kind: ScalarKind.Number } ? Units.FirstOrDefault(u => source.Name.EndsWith(u.Suffix, StringComparison.Ordinal)).Unit ?? "" : "",
            DefaultWords = words,
            // What was chosen above is no default.
            Default = words is null && needed is null ? DefaultOf(property.Get!(empty), allowed is null ? property.Get!(chosen) : null) : null,
            Allowed = allowed?.Values,
            Bounds = source.GetCustomAttribute<BoundsAttribute>(),
            IsNeeded = needed is { When: null },
            NeededWhen = needed is { When: { } other, Is: { } value } ? (Sibling(owner, other), value) : null,
            Excludes = source.GetCustomAttribute<ExcludesAttribute>()?.Properties.Select(name => Sibling(owner, name)).ToList() ?? [],
        };
        return (source, key);
    }

    private Shape ShapeOf(Type type, JsonTypeInfo owner, object? empty, object? chosen)
    {
        if (type == typeof(string)) return new ScalarShape(ScalarKind.Text);
        if (type == typeof(int)) return new ScalarShape(ScalarKind.Number);
        if (type == typeof(bool) || type == typeof(bool?)) return new ScalarShape(ScalarKind.Flag);
        if (type == typeof(BandwidthQuantity)) return new ScalarShape(ScalarKind.Bandwidth);
        if (_unions.TryGetValue(type, out var union))
            return new UnionShape(union.Name, union.Plural, _summaries.Of(type), type, [.. union.Kinds.Select(k => (k.Key, Completed(k.Value())))]);
        var info = Model.Of(type, owner);
        return info.Kind switch
        {
            JsonTypeInfoKind.Enumerable => new ListShape(ShapeOf(info.ElementType!, info, null, null)),
            JsonTypeInfoKind.Dictionary => new MapShape(ShapeOf(info.ElementType!, info, null, null)),
            JsonTypeInfoKind.Object => Object(info, empty ?? info.CreateObject!(), chosen ?? info.CreateObject!()),
            _ => throw new InvalidOperationException($"{type} has no shape"),
        };
    }

    private static JsonValue? DefaultOf(object? empty, object? chosen) => empty switch
    {
        int number => JsonValue.Create(number == 0 && chosen is int other ? other : number),
        bool flag => JsonValue.Create(flag),
        string { Length: > 0 } text => JsonValue.Create(text),
        _ => null,
    };

    private static string Sibling(JsonTypeInfo owner, string property) => Summaries.KeyOf(owner.Type.GetProperty(property)!);

    private static PropertyInfo Source(JsonPropertyInfo property) => (PropertyInfo)property.AttributeProvider!;

    private static int Depth(Type type) => type.BaseType is { } parent ? Depth(parent) + 1 : 0;
}
