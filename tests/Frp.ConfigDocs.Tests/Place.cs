using System.Text.Json.Nodes;
using ConfigDocs;
using Frp.Config;

namespace Frp.ConfigDocs.Tests;

/// <summary>A key of the model at a place where a file may have it, with the smallest file that has such a place.</summary>
/// <param name="Program">frps or frpc.</param>
/// <param name="Owner">The keys beside it.</param>
/// <param name="Key">The key.</param>
/// <param name="Path">From the root to the owner.</param>
/// <param name="Around">A configuration without faults in which the owner is there.</param>
internal sealed record Place(string Program, ObjectShape Owner, Key Key, IReadOnlyList<object> Path, JsonObject Around)
{
    /// <summary>The owner as messages name it.</summary>
    public string OwnerName => Path.Aggregate("", (name, step) => step is int i ? $"{name}[{i}]" : Join(name, (string)step));

    /// <summary>The key as messages name it.</summary>
    public string Name => Join(OwnerName, Key.Name);

    /// <summary>Every key at every place, once.</summary>
    public static IEnumerable<Place> All() =>
        [.. Of("frps", ModelReader.Server(), [], [], []), .. Of("frpc", ModelReader.Client(), [], [], [])];

    /// <summary>The configuration with this value at the place.</summary>
    public JsonObject With(JsonNode? value) => Changed(owner => owner[Key.Name] = value);

    // What is needed only under a condition is looked at only under it.
    private JsonObject InUse(JsonNode value) => Changed(owner =>
    {
        owner[Key.Name] = value;
        if (Key.NeededWhen is var (decider, decision)) owner[decider] = decision;
    });

    /// <summary>The configuration without the key.</summary>
    public JsonObject Without() => Changed(owner => owner.Remove(Key.Name));

    /// <summary>The configuration after a change beside the key.</summary>
    public JsonObject Changed(Action<JsonObject> change)
    {
        var copy = Around.DeepClone().AsObject();
        change(At(copy));
        return copy;
    }

    /// <summary>A value that the key may have.</summary>
    public static JsonNode Sample(Key key) => key.Shape switch
    {
        ScalarShape { Kind: ScalarKind.Text } => key.Allowed?[0] ?? "x",
        ScalarShape { Kind: ScalarKind.Number } => 1,
        ScalarShape { Kind: ScalarKind.Flag } => true,
        ScalarShape => "1MB",
        ListShape { Item: ScalarShape } => new JsonArray(key.Allowed?[0] ?? "x"),
        ListShape { Item: ObjectShape item } => new JsonArray(Least(item)),
        ListShape { Item: UnionShape union } => new JsonArray(Least(union.Kinds[0].Keys, union.Kinds[0].Name)),
        MapShape { Value: ScalarShape { Kind: ScalarKind.Flag } } => new JsonObject { [key.Allowed?[0] ?? "x"] = true },
        MapShape => new JsonObject { [key.Allowed?[0] ?? "x"] = "y" },
        ObjectShape keys => Least(keys),
        UnionShape union => Least(union.Kinds[0].Keys, union.Kinds[0].Name),
        _ => throw new InvalidOperationException($"{key.Name} has no sample"),
    };

    private JsonObject At(JsonNode root) => Path.Aggregate(root, (node, step) => step is int i ? node[i]! : node[(string)step]!).AsObject();

    private static string Join(string name, string key) => name.Length == 0 ? key : $"{name}.{key}";

    private static JsonObject Least(ObjectShape shape, string? kind = null)
    {
        var least = new JsonObject(shape.Keys.Where(k => k.IsNeeded).Select(k => KeyValuePair.Create(k.Name, k.Name == "type" && kind is not null ? (JsonNode?)kind : Sample(k))));
        if (shape.NeedsOneOf.Count > 0)
            least[shape.NeedsOneOf[0]] = Sample(shape.Keys.Single(k => k.Name == shape.NeedsOneOf[0]));
        foreach (var key in shape.Keys)
            if (key.NeededWhen is var (decider, value) && (string?)least[decider] == value)
                least[key.Name] = Sample(key);
        // The programs want the name of a variable, and take a header without one: the schema wants neither.
        if (shape.Type == typeof(NameValueConfig))
            least["name"] = "x";
        return least;
    }

    private static IEnumerable<Place> Of(string program, ObjectShape owner, JsonObject around, IReadOnlyList<object> path, HashSet<string> seen)
    {
        foreach (var key in owner.Keys)
        {
            var place = new Place(program, owner, key, path, around);
            yield return place;
            foreach (var (inner, value, steps) in Inside(key, seen))
                foreach (var deeper in Of(program, inner, place.InUse(value), [.. path, key.Name, .. steps], seen))
                    yield return deeper;
        }
    }

    private static IEnumerable<(ObjectShape Inner, JsonNode Value, object[] Steps)> Inside(Key key, HashSet<string> seen)
    {
        switch (key.Shape)
        {
            case ObjectShape inner:
                yield return (inner, Least(inner), []);
                break;
            case ListShape { Item: ObjectShape item }:
                yield return (item, new JsonArray(Least(item)), [0]);
                break;
            case ListShape { Item: UnionShape union }:
                foreach (var (name, keys) in union.Kinds) yield return (keys, new JsonArray(Least(keys, name)), [0]);
                break;
            // Once is enough for plugins, which every kind of proxy has.
            case UnionShape union when seen.Add(union.Name):
                foreach (var (name, keys) in union.Kinds) yield return (keys, Least(keys, name), []);
                break;
        }
    }
}
