using System.Buffers;
using System.Text.Json;

namespace Frp.Config;

/// <summary>Proxies and visitors as JSON with the keys of the configuration, without what is empty: in store files and in answers of the API.</summary>
/// <remarks>Reading is lenient: unknown keys are ignored. Safe for concurrent use.</remarks>
public sealed class EntryJson
{
    private readonly ClientCatalog _catalog;
    private readonly IReadOnlyDictionary<Type, Variants> _variants;

    /// <summary>Knows the kinds of a catalogue.</summary>
    public EntryJson(ClientCatalog catalog)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        (_catalog, _variants) = (catalog, Variants.Of(catalog));
    }

    /// <summary>How the programs write JSON: what is not ASCII as it is, in one line.</summary>
    public static JsonWriterOptions Compact => ModelWriter.Compact;

    /// <summary>Writes one entry as an object.</summary>
    public void Write(Utf8JsonWriter writer, EntryConfig entry)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(entry);
        new ModelWriter(_catalog).Entry(writer, entry);
    }

    /// <summary>Whether two wanted entries do the same. Said in full or left to a default is the same once both are completed.</summary>
    public bool AreSame(EntryConfig one, EntryConfig other)
    {
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(other);
        return one.GetType() == other.GetType() && Text(one).AsSpan().SequenceEqual(Text(other));

        byte[] Text(EntryConfig entry) => Render(ModelWriter.Compact, new ModelWriter(_catalog, forComparison: true), (writer, model) => model.Entry(writer, entry));
    }

    /// <summary>A copy that shares nothing with the entry.</summary>
    /// <typeparam name="T"><see cref="ProxyConfig"/> or <see cref="VisitorConfig"/>.</typeparam>
    public T Clone<T>(T entry) where T : EntryConfig
    {
        ArgumentNullException.ThrowIfNull(entry);
        return Read<T>(Render(ModelWriter.Compact, new ModelWriter(_catalog), (writer, model) => model.Entry(writer, entry)), entry.Name, entry.Type);
    }

    /// <summary>Reads one entry from the object that holds its keys.</summary>
    /// <typeparam name="T"><see cref="ProxyConfig"/> or <see cref="VisitorConfig"/>.</typeparam>
    /// <param name="content">The object.</param>
    /// <param name="name">The entry's name, whatever the object says.</param>
    /// <param name="type">The entry's kind, whatever the object says.</param>
    /// <exception cref="ConfigException">The content is no such object; all mistakes are listed.</exception>
    public T Read<T>(ReadOnlySpan<byte> content, string name, string type) where T : EntryConfig
    {
        var block = Parse(content, "");
        block.Set("name", 1, ConfigNode.NewString(1, name));
        block.Set("type", 1, ConfigNode.NewString(1, type));
        var (root, list) = (ConfigNode.NewObject(1), ConfigNode.NewArray(1));
        list.AddItem(block);
        root.Set(typeof(T) == typeof(ProxyConfig) ? "proxies" : "visitors", 1, list);
        var entries = Bind(root, "");
        return (T)(typeof(T) == typeof(ProxyConfig) ? (EntryConfig)entries.Proxies[0] : entries.Visitors[0]);
    }

    /// <summary>Reads a file's content: an object with the lists <c>proxies</c> and <c>visitors</c>, either of which may be absent.</summary>
    /// <param name="content">The document.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <exception cref="ConfigException">The content is no such document; all mistakes are listed.</exception>
    public ClientEntries ReadAll(ReadOnlySpan<byte> content, string file) => Bind(Parse(content, file), file);

    /// <summary>Writes entries as <see cref="ReadAll"/> reads them, with a level of 2 blanks.</summary>
    public byte[] WriteAll(ClientEntries entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        return Render(ModelWriter.Indented, new ModelWriter(_catalog), (writer, model) => model.Object(writer, entries, Model.Of<ClientEntries>(ConfigJson.Default)));
    }

    private ClientEntries Bind(ConfigNode root, string file)
    {
        var document = ConfigDocument.Of(file, root);
        var errors = new ConfigErrors(document);
        var entries = new ClientEntries();
        new ConfigBinder(errors, document, strict: false, _variants).Bind(entries, Model.Of<ClientEntries>(ConfigJson.Default));
        errors.ThrowIfAny();
        return entries;
    }

    private static ConfigNode Parse(ReadOnlySpan<byte> content, string file)
    {
        if (JsonSource.Read(content, out var fault) is { } root)
            return root.Kind == ConfigNodeKind.Object ? root : throw new ConfigException([new ConfigError(file, 1, "", $"cannot unmarshal {root.TypeName} into object")]);
        throw new ConfigException([new ConfigError(file, fault!.Line, "", $"failed to parse JSON: line {fault.Line}, column {fault.Column}: {fault.Message}")]);
    }

    private static byte[] Render(JsonWriterOptions options, ModelWriter model, Action<Utf8JsonWriter, ModelWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, options)) write(writer, model);
        return buffer.WrittenSpan.ToArray();
    }
}
