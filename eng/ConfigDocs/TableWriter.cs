using System.Text;
using System.Text.Json.Nodes;
using Frp.Config;

namespace ConfigDocs;

/// <summary>Writes the keys of a program as Markdown tables, one for each place that has a name of its own in the documentation.</summary>
internal sealed class TableWriter
{
    private readonly Dictionary<string, string> _tables = new(StringComparer.Ordinal);

    /// <summary>The tables by name: <c>frps</c>, <c>frps transport</c>, <c>proxy</c>, <c>proxy tcp</c>, <c>value source</c>.</summary>
    public static IReadOnlyDictionary<string, string> Write(ObjectShape server, ObjectShape client)
    {
        var writer = new TableWriter();
        writer.Program("frps", server);
        writer.Program("frpc", client);
        return writer._tables;
    }

    private void Program(string program, ObjectShape root)
    {
        _tables.Add(program, Table(root.Keys.Where(k => k.Shape is not ObjectShape)));
        foreach (var key in root.Keys)
            if (key.Shape is ObjectShape)
                _tables.Add($"{program} {key.Name}", Table([key]));
    }

    private string Table(IEnumerable<Key> keys)
    {
        var rows = new StringBuilder();
        foreach (var key in keys)
            Rows(rows, key, key.Name);
        return rows.Length == 0 ? "No keys of its own.\n" : "| key | type | default | meaning |\n|---|---|---|---|\n" + rows;
    }

    private void Rows(StringBuilder rows, Key key, string path)
    {
        switch (key.Shape)
        {
            case ObjectShape { Type: var type } source when type == typeof(ValueSource):
                _tables.TryAdd("value source", Table(source.Keys));
                Row(rows, key, path);
                break;
            case ObjectShape { Keys: var keys } when keys.Count > 0:
                foreach (var inner in keys)
                    Rows(rows, inner, $"{path}.{inner.Name}");
                break;
            case ListShape { Item: ObjectShape item }:
                Row(rows, key, path);
                foreach (var inner in item.Keys)
                    Rows(rows, inner, $"{path}[].{inner.Name}");
                break;
            default:
                if (key.Shape is UnionShape direct) Union(direct);
                if (key.Shape is ListShape { Item: UnionShape each }) Union(each);
                Row(rows, key, path);
                break;
        }
    }

    private void Union(UnionShape union)
    {
        if (_tables.ContainsKey(union.Name))
            return;
        _tables.Add(union.Name, "");
        // A key that all kinds have is declared by a type that they derive from.
        _tables[union.Name] = Table(union.Kinds[0].Keys.Keys.Where(k => k.Declarer.IsAssignableFrom(union.Base))
            .Select(k => k.Name == "type" ? k with { Allowed = [.. union.Kinds.Select(kind => kind.Name)] } : k));
        foreach (var (kind, keys) in union.Kinds)
            _tables.Add($"{union.Name} {kind}", $"{keys.Summary}\n\n{Table(keys.Keys.Where(k => !k.Declarer.IsAssignableFrom(union.Base)))}");
    }

    private static void Row(StringBuilder rows, Key key, string path) =>
        rows.Append($"| `{path}` | {TypeOf(key)} | {DefaultOf(key)} | {Cell(key.Summary)} |\n");

    private static string TypeOf(Key key)
    {
        var values = key.Allowed is { } allowed ? string.Join(", ", allowed.Select(v => $"`{v}`")) : null;
        return key.Shape switch
        {
            ListShape => $"list of {values ?? PluralOf(key.Shape)}",
            MapShape => $"map of {PluralOf(key.Shape)}{(values is null ? "" : $" by name: {values}")}",
            _ when values is not null => values,
            ScalarShape { Kind: ScalarKind.Number } => (key.Unit.Length > 0 ? key.Unit : "number") + RangeOf(key.Bounds),
            ScalarShape { Kind: ScalarKind.Flag } => "`true`, `false`",
            ScalarShape { Kind: ScalarKind.Bandwidth } => "text such as `1MB`, `512KB`",
            ScalarShape => "text",
            UnionShape union => Link(union.Name, union),
            _ => "[value source](#value-sources)",
        };
    }

    private static string PluralOf(Shape shape) => shape switch
    {
        ListShape { Item: UnionShape union } => Link(union.Plural, union),
        ListShape { Item: ObjectShape } => "tables",
        MapShape { Value: ScalarShape { Kind: ScalarKind.Flag } } => "`true`, `false`",
        _ => "texts",
    };

    private static string Link(string words, UnionShape union) => $"[{words}](#{union.Plural.Replace(' ', '-')})";

    private static string RangeOf(BoundsAttribute? bounds) => bounds switch
    {
        null => "",
        { Min: int.MinValue } => $", at most {bounds.Max}",
        _ => $", {bounds.Min} to {bounds.Max}",
    };

    private static string DefaultOf(Key key)
    {
        if (key.IsNeeded) return "**needed**";
        if (key.NeededWhen is var (other, value)) return $"needed if `{other}` is `{value}`";
        if (key.DefaultWords is { } words) return Cell(words);
        return key.Default is JsonValue known ? $"`{(known.TryGetValue(out string? text) ? text : known.ToJsonString())}`" : "";
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
