using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ConfigDocs;

/// <summary>Writes a program's keys as a JSON Schema.</summary>
/// <remarks>
/// Draft 7: the newest that the editors' engines for TOML, YAML and JSON all read. A kind is chosen by <c>if</c> and <c>then</c>, so
/// that mistakes are told at their key; the engine for TOML completes keys only from <c>anyOf</c>, so there the kinds stand once more,
/// beside <c>true</c>, where they refuse nothing.
/// </remarks>
internal sealed class SchemaWriter
{
    // A number with KB or MB, as BandwidthQuantity reads it, or nothing.
    private const string BandwidthPattern = @"^\s*([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?(KB|MB))?\s*$";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly SortedDictionary<string, JsonObject> _definitions = new(StringComparer.Ordinal);

    /// <summary>The schema of a program's configuration.</summary>
    public static string Write(string program, ObjectShape root)
    {
        var writer = new SchemaWriter();
        var keys = writer.Object(root, null);
        var properties = keys["properties"]!.AsObject();
        properties.Insert(0, "$schema", new JsonObject { ["type"] = "string", ["description"] = "Where this schema is, for editors. Ignored by the programs." });
        keys["patternProperties"] = new JsonObject { ["^\\."] = new JsonObject { ["description"] = "A place for YAML anchors. Ignored by the programs." } };
        var schema = new JsonObject { ["$schema"] = "http://json-schema.org/draft-07/schema#", ["title"] = $"Configuration of {program}" };
        foreach (var (name, value) in keys.ToList())
        {
            keys.Remove(name);
            schema[name] = value;
        }
        if (writer._definitions.Count > 0)
            schema["definitions"] = new JsonObject(writer._definitions.Select(d => KeyValuePair.Create<string, JsonNode?>(d.Key, d.Value)));
        return schema.ToJsonString(Indented) + "\n";
    }

    private JsonObject Schema(Shape shape) => shape switch
    {
        ScalarShape { Kind: ScalarKind.Number } => new JsonObject { ["type"] = "integer" },
        ScalarShape { Kind: ScalarKind.Flag } => new JsonObject { ["type"] = "boolean" },
        ScalarShape { Kind: ScalarKind.Bandwidth } => new JsonObject { ["type"] = "string", ["pattern"] = BandwidthPattern, ["examples"] = new JsonArray("1MB", "512KB") },
        ScalarShape => new JsonObject { ["type"] = "string" },
        ListShape list => new JsonObject { ["type"] = "array", ["items"] = Schema(list.Item) },
        MapShape map => new JsonObject { ["type"] = "object", ["additionalProperties"] = Schema(map.Value) },
        ObjectShape keys => Object(keys, null),
        UnionShape union => Reference(union),
        _ => throw new InvalidOperationException($"{shape} has no schema"),
    };

    private JsonObject Reference(UnionShape union)
    {
        var name = union.Name.Replace(' ', '-');
        if (_definitions.TryAdd(name, []))
            Define(union, name);
        return new JsonObject { ["$ref"] = "#/definitions/" + name };
    }

    private void Define(UnionShape union, string name)
    {
        foreach (var (kind, keys) in union.Kinds)
            _definitions.Add($"{name}-{kind}", Object(keys, kind, $"{kind} {union.Name}"));
        var definition = _definitions[name];
        definition["title"] = union.Name;
        definition["description"] = union.Summary;
        definition["type"] = "object";
        definition["required"] = new JsonArray("type");
        definition["properties"] = new JsonObject { ["type"] = new JsonObject { ["enum"] = Texts(union.Kinds.Select(k => k.Name)) } };
        definition["allOf"] = new JsonArray([.. union.Kinds.Select(k => new JsonObject
        {
            ["if"] = new JsonObject { ["properties"] = new JsonObject { ["type"] = new JsonObject { ["const"] = k.Name } }, ["required"] = new JsonArray("type") },
            ["then"] = KindReference(k.Name),
        })]);
        definition["anyOf"] = new JsonArray([.. union.Kinds.Select(k => (JsonNode)KindReference(k.Name)), true]);

        JsonObject KindReference(string kind) => new() { ["$ref"] = $"#/definitions/{name}-{kind}" };
    }

    private JsonObject Object(ObjectShape shape, string? kind, string? title = null)
    {
        var schema = new JsonObject();
        if (title is not null)
            schema["title"] = title;
        schema["description"] = shape.Summary;
        schema["type"] = "object";
        schema["properties"] = new JsonObject(shape.Keys.Select(k => KeyValuePair.Create<string, JsonNode?>(k.Name, k.Name == "type" && kind is not null ? Type(k, kind) : Value(k))));
        if (shape.Keys.Where(k => k.IsNeeded).Select(k => k.Name).ToList() is { Count: > 0 } needed)
            schema["required"] = Texts(needed);
        schema["additionalProperties"] = false;
        Relate(schema, shape);
        return schema;
    }

    // The rules stand beside the keys, not in an allOf: under one, the engine for TOML completes nothing.
    private static void Relate(JsonObject schema, ObjectShape shape)
    {
        if (shape.NeedsOneOf.Count > 0)
            schema["anyOf"] = new JsonArray([.. shape.Keys.Where(k => shape.NeedsOneOf.Contains(k.Name)).Select(k =>
            {
                var said = Said(k);
                said["title"] = "with " + k.Name;
                return said;
            })]);
        var dependencies = new JsonObject();
        foreach (var key in shape.Keys.Where(k => k.Excludes.Count > 0))
        {
            var others = shape.Keys.Where(k => key.Excludes.Contains(k.Name)).Select(k => KeyValuePair.Create<string, JsonNode?>(k.Name, Empty(k.Shape)));
            dependencies[key.Name] = new JsonObject { ["properties"] = new JsonObject(others) };
        }
        if (dependencies.Count > 0)
            schema["dependencies"] = dependencies;
        var conditional = shape.Keys.Where(k => k.NeededWhen is not null).ToList();
        if (conditional.Select(k => k.NeededWhen!.Value.Key).Distinct(StringComparer.Ordinal).Count() > 1)
            throw new InvalidOperationException($"{shape.Type}: what is needed must depend on one key");
        var place = schema;
        foreach (var key in conditional)
        {
            if (place.ContainsKey("if"))
            {
                var other = new JsonObject();
                place["else"] = other;
                place = other;
            }
            var (decider, value) = key.NeededWhen!.Value;
            place["if"] = new JsonObject { ["properties"] = new JsonObject { [decider] = new JsonObject { ["const"] = value } }, ["required"] = new JsonArray(decider) };
            place["then"] = Said(key);
        }
    }

    private static JsonObject Said(Key key)
    {
        var said = new JsonObject();
        if (Filled(key.Shape) is { Count: > 0 } filled)
            said["properties"] = new JsonObject { [key.Name] = filled };
        said["required"] = new JsonArray(key.Name);
        return said;
    }

    private static JsonObject Type(Key key, string kind) => new() { ["description"] = key.Summary, ["type"] = "string", ["const"] = kind };

    private JsonObject Value(Key key)
    {
        var schema = Schema(key.Shape);
        // Beside a reference nothing else is read.
        if (schema.ContainsKey("$ref"))
            return schema;
        schema.Remove("description");
        var description = Description(key);
        schema.Insert(0, "description", description);
        if (key.Allowed is { } allowed)
            Allow(schema, allowed, key);
        if (key.Bounds is { } bounds)
        {
            if (bounds.Min != int.MinValue) schema["minimum"] = bounds.Min;
            if (bounds.Max != int.MaxValue) schema["maximum"] = bounds.Max;
        }
        if (key.IsNeeded && key.Allowed is null)
            foreach (var (name, value) in Filled(key.Shape).ToList())
                schema[name] = value!.DeepClone();
        if (key.Default is { } known)
            schema["default"] = known.DeepClone();
        return schema;
    }

    private static string Description(Key key)
    {
        var unit = key.Unit.Length > 0 && !key.Summary.StartsWith(key.Unit, StringComparison.OrdinalIgnoreCase) ? $" In {key.Unit}." : "";
        return key.Summary + unit + (key.DefaultWords is { } words ? $" Default: {words}." : "");
    }

    private static void Allow(JsonObject schema, IReadOnlyList<string> allowed, Key key)
    {
        switch (key.Shape)
        {
            case ListShape:
                schema["items"]!["enum"] = Texts(allowed);
                break;
            case MapShape:
                schema["propertyNames"] = new JsonObject { ["enum"] = Texts(allowed) };
                break;
            default:
                // Nothing said is the default.
                schema["enum"] = Texts(key.IsNeeded ? allowed : [.. allowed, ""]);
                break;
        }
    }

    private static JsonObject Filled(Shape shape) => shape switch
    {
        ScalarShape { Kind: ScalarKind.Text } => new JsonObject { ["minLength"] = 1 },
        ScalarShape { Kind: ScalarKind.Number } => new JsonObject { ["not"] = new JsonObject { ["const"] = 0 } },
        ListShape => new JsonObject { ["minItems"] = 1 },
        _ => [],
    };

    private static JsonObject Empty(Shape shape) => shape switch
    {
        ScalarShape { Kind: ScalarKind.Text } => new JsonObject { ["maxLength"] = 0 },
        ScalarShape { Kind: ScalarKind.Flag } => new JsonObject { ["const"] = false },
        MapShape => new JsonObject { ["maxProperties"] = 0 },
        _ => throw new InvalidOperationException($"{shape} is never excluded"),
    };

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(t => (JsonNode)JsonValue.Create(t))]);
}
