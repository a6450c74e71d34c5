using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Frp.Config.Tests;

/// <summary>Writes a tree as TOML, each object in a form that chance decides: table, dotted keys or inline.</summary>
internal sealed class TomlWriter(int seed)
{
    private uint _state = (uint)seed;

    public string Write(JsonNode root)
    {
        var text = new StringBuilder();
        Table(text, root.AsObject(), "");
        return text.ToString();
    }

    private int Chance(int bound)
    {
        _state = _state * 1664525 + 1013904223;
        return (int)((_state >> 16) % (uint)bound);
    }

    // TOML wants a table's own keys before its sub-tables.
    private void Table(StringBuilder text, JsonObject table, string path)
    {
        var later = new List<(string Path, JsonNode Node)>();
        foreach (var (key, value) in table)
        {
            var name = path.Length == 0 ? Key(key) : $"{path}.{Key(key)}";
            var isTables = value is JsonArray { Count: > 0 } list && list.All(i => i is JsonObject);
            if ((value is JsonObject || isTables) && Chance(3) == 0)
                later.Add((name, value!));
            else if (value is JsonObject { Count: > 0 } inner && Chance(2) == 0)
                Dotted(text, inner, Key(key));
            else
                text.Append(Chance(4) == 0 ? "\t" : "").Append(Key(key)).Append(Chance(2) == 0 ? "=" : " = ").Append(Inline(value!)).Append(Chance(5) == 0 ? " # note" : "").Append('\n');
        }
        foreach (var (name, node) in later)
            if (node is JsonObject inner)
            {
                text.Append('[').Append(name).Append("]\n");
                Table(text, inner, name);
            }
            else
            {
                foreach (var item in node.AsArray())
                {
                    text.Append("[[").Append(name).Append("]]\n");
                    Table(text, item!.AsObject(), name);
                }
            }
    }

    private void Dotted(StringBuilder text, JsonObject table, string path)
    {
        foreach (var (key, value) in table)
            if (value is JsonObject { Count: > 0 } inner && Chance(2) == 0)
                Dotted(text, inner, $"{path}.{Key(key)}");
            else
                text.Append(path).Append('.').Append(Key(key)).Append(" = ").Append(Inline(value!)).Append('\n');
    }

    private string Inline(JsonNode value) => value switch
    {
        JsonObject o => "{" + string.Join(", ", o.Select(p => $"{Key(p.Key)} = {Inline(p.Value!)}")) + "}",
        JsonArray a => "[" + string.Join(Chance(3) == 0 ? ",\n  " : ", ", a.Select(i => Inline(i!))) + "]",
        _ when value.GetValueKind() == System.Text.Json.JsonValueKind.String => String((string)value!),
        _ => value.ToJsonString(),
    };

    private string Key(string key) => key.Length > 0 && key.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') && Chance(8) != 0 ? key : Basic(key);

    private string String(string text) =>
        Chance(3) == 0 && !text.Any(c => c is '\'' or '\n') ? $"'{text}'" : Basic(text);

    private static string Basic(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
            quoted.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                < ' ' => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => c.ToString(),
            });
        return quoted.Append('"').ToString();
    }
}

/// <summary>Writes a tree as YAML, each value in a form that chance decides: block or flow, plain or quoted.</summary>
internal sealed class YamlWriter(int seed)
{
    private static readonly string[] Words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    private uint _state = (uint)seed;

    public string Write(JsonNode root)
    {
        var text = new StringBuilder(Chance(4) == 0 ? "---\n" : "");
        Block(text, root, 0);
        return text.ToString();
    }

    private int Chance(int bound)
    {
        _state = _state * 1664525 + 1013904223;
        return (int)((_state >> 16) % (uint)bound);
    }

    private void Block(StringBuilder text, JsonNode node, int indent)
    {
        switch (node)
        {
            case JsonObject { Count: > 0 } table:
                foreach (var (key, value) in table)
                    Entry(text.Append(' ', indent).Append(Key(key)).Append(':'), value, indent);
                break;
            case JsonArray { Count: > 0 } array:
                foreach (var item in array)
                    Entry(text.Append(' ', indent).Append('-'), item, indent);
                break;
            default:
                text.Append(' ', indent).Append(Flow(node)).Append('\n');
                break;
        }
    }

    private void Entry(StringBuilder text, JsonNode? value, int indent)
    {
        if (value is JsonObject { Count: > 0 } or JsonArray { Count: > 0 } && Chance(3) != 0)
            Block(text.Append(Chance(6) == 0 ? " # note\n" : "\n"), value, indent + 1 + Chance(3));
        else
            text.Append(' ').Append(Flow(value)).Append(Chance(6) == 0 ? " # note\n" : "\n");
    }

    private string Flow(JsonNode? value) => value switch
    {
        null => Chance(2) == 0 ? "~" : "null",
        JsonObject table => "{" + string.Join(", ", table.Select(p => $"{Key(p.Key)}: {Flow(p.Value)}")) + "}",
        JsonArray array => "[" + string.Join(", ", array.Select(Flow)) + "]",
        _ => value.GetValueKind() switch
        {
            JsonValueKind.String => Text((string)value!),
            JsonValueKind.True => Chance(2) == 0 ? "true" : "yes",
            JsonValueKind.False => Chance(2) == 0 ? "false" : "off",
            _ => value.ToJsonString(),
        },
    };

    private string Key(string key) => Text(key);

    private string Text(string text)
    {
        var isPlain = text.Length > 0 && char.IsAsciiLetter(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/') && !Words.Contains(text, StringComparer.OrdinalIgnoreCase);
        if (isPlain && Chance(2) == 0)
            return text;
        return Chance(2) == 0 && !text.Contains('\n', StringComparison.Ordinal) ? $"'{text.Replace("'", "''", StringComparison.Ordinal)}'" : JsonSerializer.Serialize(text);
    }
}
