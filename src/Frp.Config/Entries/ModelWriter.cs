using System.Collections;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Frp.Config;

/// <summary>
/// Writes objects of the model as JSON: the way back from what <see cref="ConfigBinder"/> has read. What is empty is left out, so that
/// what was read from the text is the same again.
/// </summary>
/// <remarks>
/// <para>The common keys of a kind come before its own, and the keys of free-form maps are sorted: the text is canonical, and two objects
/// are equal when their texts are. With <c>forComparison</c> it says what an object does and not how that was written.</para>
/// <para>Single use by one thread: descriptions are kept meanwhile. Source: http-api specification §7.1, configuration specification §12.</para>
/// </remarks>
internal sealed class ModelWriter(ClientCatalog catalog, bool forComparison = false)
{
    /// <summary>How the programs write JSON: non-ASCII text and quotation marks as they are, in one line.</summary>
    public static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The same for people: 2 blanks a level.</summary>
    public static readonly JsonWriterOptions Indented = Compact with { Indented = true, IndentSize = 2, NewLine = "\n" };

    // Compat: written although they are empty.
    private static readonly HashSet<(Type, string)> AlwaysWritten =
    [
        (typeof(ProxyTransportConfig), "bandwidthLimit"),
        (typeof(LoadBalancerConfig), "group"),
        (typeof(HealthCheckConfig), "type"),
        (typeof(HealthCheckConfig), "intervalSeconds"),
        (typeof(NameValueConfig), "name"),
        (typeof(NameValueConfig), "value"),
    ];

    private readonly Dictionary<Type, JsonPropertyInfo[]> _keys = [];
    private readonly Dictionary<Type, JsonTypeInfo> _descriptions = [];

    /// <summary>Writes a proxy or visitor as an object.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="entry">Of a kind that the catalogue knows.</param>
    public void Entry(Utf8JsonWriter writer, EntryConfig entry)
    {
        writer.WriteStartObject();
        foreach (var key in KeysOf(DescriptionOf(entry)))
        {
            // Entries that are compared are both wanted; whether that was said makes no difference.
            if (!forComparison || key.DeclaringType != typeof(EntryConfig) || key.Name != "enabled")
                Member(writer, key, entry, DescriptionOf(entry));
        }
        writer.WriteEndObject();
    }

    /// <summary>Writes any object of the model.</summary>
    public void Object(Utf8JsonWriter writer, object target, JsonTypeInfo model)
    {
        writer.WriteStartObject();
        foreach (var key in KeysOf(model))
            Member(writer, key, target, model);
        writer.WriteEndObject();
    }

    /// <summary>Writes the value of a key.</summary>
    private void Value(Utf8JsonWriter writer, object? value, JsonTypeInfo parent)
    {
        switch (value)
        {
            case null:
                writer.WriteNullValue();
                break;
            case string text:
                writer.WriteStringValue(text);
                break;
            case bool flag:
                writer.WriteBooleanValue(flag);
                break;
            case int number:
                writer.WriteNumberValue(number);
                break;
            case BandwidthQuantity quantity when forComparison:
                writer.WriteNumberValue(quantity.BytesPerSecond);
                break;
            case BandwidthQuantity quantity:
                writer.WriteStringValue(quantity.Text);
                break;
            case IDictionary map:
                writer.WriteStartObject();
                foreach (var key in map.Keys.Cast<string>().Order(StringComparer.Ordinal))
                {
                    writer.WritePropertyName(key);
                    Value(writer, map[key], parent);
                }
                writer.WriteEndObject();
                break;
            case IList list:
                writer.WriteStartArray();
                foreach (var item in list)
                    Value(writer, item, parent);
                writer.WriteEndArray();
                break;
            case EntryConfig entry:
                Entry(writer, entry);
                break;
            case PluginConfig plugin:
                Object(writer, plugin, Kind(catalog.Plugins, plugin.Type, plugin));
                break;
            case VisitorPluginConfig plugin:
                Object(writer, plugin, Kind(catalog.VisitorPlugins, plugin.Type, plugin));
                break;
            default:
                Object(writer, value, Description(value.GetType(), type => Model.Of(type, parent)));
                break;
        }
    }

    /// <summary>The keys of a model, those of its bases first.</summary>
    private JsonPropertyInfo[] KeysOf(JsonTypeInfo model)
    {
        if (_keys.TryGetValue(model.Type, out var keys))
            return keys;
        keys = [.. model.Properties.Where(p => p.Set is not null && p.Get is not null).OrderBy(p => Depth(p.DeclaringType))];
        _keys.Add(model.Type, keys);
        return keys;
    }

    private void Member(Utf8JsonWriter writer, JsonPropertyInfo key, object target, JsonTypeInfo model)
    {
        var value = key.Get!(target);
        if (IsEmpty(value, key.PropertyType) && !AlwaysWritten.Contains((key.DeclaringType, key.Name)))
            return;
        writer.WritePropertyName(key.Name);
        Value(writer, value, model);
    }

    // Compat: an absent plugin is written, as null.
    private static bool IsEmpty(object? value, Type type) => value switch
    {
        null => type != typeof(PluginConfig) && type != typeof(VisitorPluginConfig),
        string text => text.Length == 0,
        bool flag => !flag && type == typeof(bool),
        int number => number == 0,
        BandwidthQuantity quantity => quantity.Text.Length == 0,
        ICollection collection => collection.Count == 0,
        _ => false,
    };

    private JsonTypeInfo DescriptionOf(EntryConfig entry) =>
        entry is ProxyConfig ? Kind(catalog.Proxies, entry.Type, entry) : Kind(catalog.Visitors, entry.Type, entry);

    private JsonTypeInfo Kind(IReadOnlyDictionary<string, Func<JsonTypeInfo>> kinds, string name, object value) => Description(value.GetType(), type =>
        kinds.TryGetValue(name, out var modelOf) ? modelOf() : throw new ArgumentException($"the catalogue has no [{name}], which a {type.Name} claims to be", nameof(value)));

    private JsonTypeInfo Description(Type type, Func<Type, JsonTypeInfo> find)
    {
        if (!_descriptions.TryGetValue(type, out var description)) _descriptions.Add(type, description = find(type));
        return description;
    }

    private static int Depth(Type type)
    {
        var depth = 0;
        for (var at = type.BaseType; at is not null; at = at.BaseType)
            depth++;
        return depth;
    }
}
