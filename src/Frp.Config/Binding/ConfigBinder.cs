using System.Collections;
using System.Text.Json.Serialization.Metadata;

namespace Frp.Config;

/// <summary>
/// Walks a document's tree along the model, once: checks keys, types, nulls and ranges, sets what is right and notes every mistake.
/// </summary>
/// <remarks>
/// The model is described by metadata generated for JSON, so nothing here reflects. Keys match in any letter case, free-form
/// maps keep theirs. Nothing is coerced. <c>null</c> leaves an option as it is. Not safe for concurrent use.
/// </remarks>
internal sealed class ConfigBinder(ConfigErrors errors, ConfigDocument document, bool strict, IReadOnlyDictionary<Type, Variants> variants)
{
    // Compat: the reference refuses it ("schema key" in COMPAT.md).
    private const string SchemaKey = "$schema";

    // Compat: read leniently, a number or boolean of YAML is a text where one is wanted; not in proxies and visitors.
    private readonly bool _coerces = document.IsYaml && !strict;
    private readonly bool _strict = strict && !document.IsLegacy;
    private readonly Dictionary<Type, Dictionary<string, JsonPropertyInfo>> _keys = [];
    private readonly Dictionary<Type, JsonTypeInfo> _descriptions = [];
    private readonly Dictionary<Func<JsonTypeInfo>, JsonTypeInfo> _kinds = [];

    /// <summary>Sets what the document says.</summary>
    public void Bind(object target, JsonTypeInfo model)
    {
        if (document.Root.Kind == ConfigNodeKind.Object)
            Bind(document.Root, target, model, BindScope.Root);
        else if (document.Root.Kind != ConfigNodeKind.Null)
            WrongType(document.Root, "object", BindScope.Root, document.Root.Line);
    }

    // Sets the members of an object of the model.
    private void Bind(ConfigNode node, object target, JsonTypeInfo model, BindScope at)
    {
        var keys = KeysOf(model);
        // A key in its very spelling wins over the same key in another letter case, wherever they stand.
        foreach (var exact in (ReadOnlySpan<bool>)[false, true])
            foreach (var member in node.Members)
            {
                if (!keys.TryGetValue(member.Key, out var property))
                {
                    if (!exact) Unknown(member, keys, at);
                }
                else if (exact == (property.Name == member.Key))
                {
                    Member(member, target, property, model, at.Member(property.Name));
                }
            }
    }

    private void Member(ConfigMember member, object target, JsonPropertyInfo property, JsonTypeInfo model, BindScope at)
    {
        var node = member.Value;
        if (node.Kind == ConfigNodeKind.Null)
            return;
        if (TryValue(node, property.PropertyType, property.Get?.Invoke(target), model, at, member.Line, out var value))
            property.Set!(target, value);
    }

    private bool TryValue(ConfigNode node, Type type, object? current, JsonTypeInfo model, BindScope at, int line, out object? value)
    {
        if (TryScalar(node, type, at, line, out value, out var isScalar) || isScalar)
            return value is not null;
        if (variants.TryGetValue(type, out var variant))
            return TryVariant(node, variant, at, line, out value);
        var info = DescriptionOf(type, model);
        switch (info.Kind)
        {
            case JsonTypeInfoKind.Enumerable when node.Kind == ConfigNodeKind.Array:
                value = Items(node, info, at);
                return true;
            case JsonTypeInfoKind.Dictionary when node.Kind == ConfigNodeKind.Object:
                value = current ?? info.CreateObject!();
                Entries(node, (IDictionary)value, info, at);
                return true;
            case JsonTypeInfoKind.Object when node.Kind == ConfigNodeKind.Object:
                value = current ?? info.CreateObject!();
                Bind(node, value, info, at);
                return true;
            default:
                WrongType(node, ModelWords.Of(info), at, line);
                return false;
        }
    }

    private IList Items(ConfigNode node, JsonTypeInfo info, BindScope at)
    {
        var list = (IList)info.CreateObject!();
        var type = info.ElementType!;
        for (var i = 0; i < node.Items.Count; i++)
        {
            var item = node.Items[i];
            var (scope, value) = (at.Item(i), default(object));
            if (variants.TryGetValue(type, out var variant))
                scope = at.Item(i).Document(variant.At(i));
            else if (item.Kind == ConfigNodeKind.Null)
                value = Zero(type, info);
            if (value is not null || TryValue(item, type, null, info, scope, item.Line, out value))
            {
                if (value is EntryConfig entry)
                    entry.Index = i;
                list.Add(value);
            }
            else if (type == typeof(string))
            {
                // A list of texts is judged as a whole, so not at all when one is missing.
                errors.MarkUnreadable(at.Path);
            }
        }
        return list;
    }

    private static object? Zero(Type type, JsonTypeInfo info) => type == typeof(string) ? "" : Model.Of(type, info).CreateObject?.Invoke();

    private void Entries(ConfigNode node, IDictionary map, JsonTypeInfo info, BindScope at)
    {
        foreach (var member in node.Members)
            if (member.Value.Kind == ConfigNodeKind.Null)
                map[member.Key] = info.ElementType == typeof(bool) ? false : "";
            else if (TryValue(member.Value, info.ElementType!, null, info, at.Member(member.Key), member.Line, out var value))
                map[member.Key] = value;
    }

    private bool TryVariant(ConfigNode node, Variants variant, BindScope at, int line, out object? value)
    {
        value = null;
        if (node.Kind == ConfigNodeKind.Null)
        {
            errors.AddUnreadable(line, at.Path, at.Prefix + "type is required");
            return false;
        }
        if (node.Kind != ConfigNodeKind.Object)
        {
            WrongType(node, "object", at, line);
            return false;
        }
        var type = TypeOf(node);
        if (type is { Value.Kind: not (ConfigNodeKind.String or ConfigNodeKind.Null) })
        {
            WrongType(type.Value.Value, "string", at.Member("type"), type.Value.Line);
            return false;
        }
        var name = type?.Value.Text ?? "";
        if (!variant.Kinds.TryGetValue(name, out var modelOf))
        {
            var words = name.Length == 0 && variant.Missing is { } missing ? missing : variant.Unknown + name + Nearest.Hint(name, variant.Kinds.Keys);
            errors.AddUnreadable(type?.Line ?? line, ConfigErrors.Join(at.Path, "type"), at.Prefix + words);
            return false;
        }
        if (!_kinds.TryGetValue(modelOf, out var model)) _kinds.Add(modelOf, model = modelOf());
        value = model.CreateObject!();
        Bind(node, value, model, at.Document(variant.Inside));
        return true;
    }

    private static ConfigMember? TypeOf(ConfigNode node)
    {
        ConfigMember? found = null;
        foreach (var member in node.Members)
            if (member.Key == "type")
                return member;
            else if (member.Key.Equals("type", StringComparison.OrdinalIgnoreCase))
                found = member;
        return found;
    }

    private bool TryScalar(ConfigNode node, Type type, BindScope at, int line, out object? value, out bool isScalar)
    {
        value = null;
        isScalar = true;
        if (type == typeof(string))
            value = node.Kind == ConfigNodeKind.String || IsCoerced(node, at) ? node.Text : WrongType(node, "string", at, line);
        else if (type == typeof(bool) || type == typeof(bool?))
            value = node.Kind == ConfigNodeKind.Boolean ? node.Boolean : WrongType(node, "bool", at, line);
        else if (type == typeof(int))
            value = node is { Kind: ConfigNodeKind.Integer, Integer: >= int.MinValue and <= int.MaxValue } ? (int)node.Integer : WrongType(node, "int", at, line);
        else if (type == typeof(BandwidthQuantity))
            value = Bandwidth(node, at, line);
        else
            isScalar = false;
        return value is not null;
    }

    private bool IsCoerced(ConfigNode node, BindScope at) =>
        _coerces && at.Prefix.Length == 0 && node.Kind is ConfigNodeKind.Integer or ConfigNodeKind.Float or ConfigNodeKind.Boolean;

    private object? Bandwidth(ConfigNode node, BindScope at, int line)
    {
        if (node.Kind != ConfigNodeKind.String)
            return WrongType(node, "string", at, line);
        if (BandwidthQuantity.TryParse(node.Text, out var quantity, out var fault))
            return quantity;
        errors.AddUnreadable(line, at.Path, $"{at.Prefix}field \"{at.Field}\": {fault}: \"{node.Text}\" (expected a number with KB or MB, such as 1MB)");
        return null;
    }

    private object? WrongType(ConfigNode node, string target, BindScope at, int line)
    {
        // A number of the right type that does not fit is told with its value.
        var type = target == "int" && node.Kind is ConfigNodeKind.Integer or ConfigNodeKind.Float ? $"number {node.Text}" : node.TypeName;
        var field = at.Field.Length == 0 ? "" : $"field \"{at.Field}\": ";
        errors.AddUnreadable(line, at.Path, $"{at.Prefix}{field}cannot unmarshal {type} into {target}");
        return null;
    }

    private void Unknown(ConfigMember member, Dictionary<string, JsonPropertyInfo> keys, BindScope at)
    {
        // At the top, keys that begin with a dot hold what other places refer to, and editors are told the schema there.
        if (!_strict || (at.Path.Length == 0 && (member.Key.StartsWith('.') || member.Key == SchemaKey)))
            return;
        // Beyond the bound mistakes are only counted, so nobody reads the hint.
        var hint = errors.IsFull ? "" : Nearest.Hint(member.Key, keys.Values.Select(p => p.Name));
        errors.AddUnknown(member.Line, ConfigErrors.Join(at.Path, member.Key), $"{at.Prefix}json: unknown field \"{member.Key}\"{hint}");
    }

    private JsonTypeInfo DescriptionOf(Type type, JsonTypeInfo parent)
    {
        if (!_descriptions.TryGetValue(type, out var description)) _descriptions.Add(type, description = Model.Of(type, parent));
        return description;
    }

    private Dictionary<string, JsonPropertyInfo> KeysOf(JsonTypeInfo model)
    {
        if (_keys.TryGetValue(model.Type, out var keys))
            return keys;
        keys = new Dictionary<string, JsonPropertyInfo>(StringComparer.OrdinalIgnoreCase);
        foreach (var property in model.Properties)
            if (property.Set is not null)
                keys.Add(property.Name, property);
        _keys.Add(model.Type, keys);
        return keys;
    }
}
