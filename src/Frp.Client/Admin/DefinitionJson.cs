using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Frp.Config;
using Frp.Web;

namespace Frp.Client;

/// <summary>A body of the store API cannot be understood. The message is for the client.</summary>
internal sealed class DefinitionException(string message) : IOException(message);

/// <summary>Entries as the API says them: <c>{"name":"web","type":"http","http":{...}}</c>, with exactly one block, named like the type.</summary>
/// <remarks>Keys match in any letter case, unknown ones are ignored. Source: http-api specification §7.1, §7.2. Safe for concurrent use.</remarks>
/// <typeparam name="T"><see cref="ProxyConfig"/> or <see cref="VisitorConfig"/>.</typeparam>
internal sealed class DefinitionJson<T>(ClientCatalog catalog) where T : EntryConfig
{
    private readonly EntryJson _json = new(catalog);
    private readonly HashSet<string> _types = [.. typeof(T) == typeof(ProxyConfig) ? catalog.Proxies.Keys : catalog.Visitors.Keys];
    private readonly string _word = EntryStore.WordFor<T>();

    /// <summary>An answer with one entry.</summary>
    internal WebAnswer One(T entry) => Answer(writer => Write(writer, entry));

    /// <summary>An answer with a list under a key.</summary>
    internal WebAnswer All(string key, IEnumerable<T> entries) => Answer(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray(key);
        foreach (var entry in entries) Write(writer, entry);
        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    /// <summary>Reads a body.</summary>
    /// <param name="body">The JSON.</param>
    /// <param name="expectedName">The name that it has to say; null for any.</param>
    /// <exception cref="DefinitionException">It is no such definition.</exception>
    internal T Read(ReadOnlyMemory<byte> body, string? expectedName = null)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return Read(document.RootElement, expectedName);
        }
        catch (JsonException e)
        {
            throw new DefinitionException($"parse JSON error: {(IsCutShort(body.Span) ? "unexpected end of JSON input" : Fault(e))}");
        }
        catch (InvalidOperationException e)
        {
            // A text whose escapes are half a surrogate pair.
            throw new DefinitionException($"parse JSON error: {e.Message}");
        }
    }

    private T Read(JsonElement root, string? expectedName)
    {
        if (root.ValueKind != JsonValueKind.Object) throw new DefinitionException("parse JSON error: an object is expected");
        var (name, type, blocks) = ("", "", new List<(string Type, T Entry)>());
        foreach (var member in root.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null) continue;
            if (member.Name.Equals("name", StringComparison.OrdinalIgnoreCase)) name = Text(member);
            else if (member.Name.Equals("type", StringComparison.OrdinalIgnoreCase)) type = Text(member);
            else if (_types.FirstOrDefault(t => t.Equals(member.Name, StringComparison.OrdinalIgnoreCase)) is { } block)
            {
                blocks.RemoveAll(b => b.Type == block); // of a key that stands twice the last value counts
                blocks.Add((block, ReadBlock(member.Value, block)));
            }
        }
        if (string.IsNullOrWhiteSpace(name)) throw new DefinitionException($"{_word} name is required");
        if (expectedName is not null && name != expectedName) throw new DefinitionException($"{_word} name in URL must match name in body");
        if (!_types.Contains(type)) throw new DefinitionException($"invalid {_word} type: {type}");
        if (blocks is not [var only]) throw new DefinitionException($"exactly one {_word} type block is required");
        if (only.Type != type) throw new DefinitionException($"{_word} type block \"{only.Type}\" does not match type \"{type}\"");
        only.Entry.Name = name;
        return only.Entry;
    }

    private static string Fault(JsonException e)
    {
        int tail = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal); // counted from 0
        return string.Create(CultureInfo.InvariantCulture, $"line {(e.LineNumber ?? 0) + 1}, column {(e.BytePositionInLine ?? 0) + 1}: {(tail < 0 ? e.Message : e.Message[..tail])}");
    }

    private static bool IsCutShort(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body, isFinalBlock: false, default);
        try
        {
            while (reader.Read()) { }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string Text(JsonProperty member) => member.Value.ValueKind == JsonValueKind.String
        ? member.Value.GetString()!
        : throw new DefinitionException($"parse JSON error: field \"{member.Name}\": a string is expected");

    private T ReadBlock(JsonElement block, string type)
    {
        try
        {
            return _json.Read<T>(JsonMarshal.GetRawUtf8Value(block), "", type);
        }
        catch (ConfigException e)
        {
            throw new DefinitionException($"parse JSON error: {e.Message}");
        }
    }

    private void Write(Utf8JsonWriter writer, T entry)
    {
        writer.WriteStartObject();
        writer.WriteString("name", entry.Name);
        writer.WriteString("type", entry.Type);
        writer.WritePropertyName(entry.Type);
        _json.Write(writer, entry);
        writer.WriteEndObject();
    }

    private static WebAnswer Answer(Action<Utf8JsonWriter> write)
    {
        using var body = new MemoryStream();
        using (var writer = new Utf8JsonWriter(body, EntryJson.Compact)) write(writer);
        body.WriteByte((byte)'\n');
        return WebAnswer.Bytes(body.ToArray(), "application/json");
    }
}
