using System.Text;
using Frp.Config.Legacy;
using Frp.Config.Templates;

namespace Frp.Config;

/// <summary>Whose configuration a document is.</summary>
internal enum DocumentRole
{
    Server,
    Client,
    /// <summary>A client's further file, which is never in the old INI form.</summary>
    Included,
}

/// <summary>A mistake found while a document was read that left the rest of it readable.</summary>
internal readonly record struct DocumentFault(int Line, string Path, string Message);

/// <summary>A configuration document as a tree, and where its lines come from.</summary>
/// <param name="Name">The file's name, for messages.</param>
/// <param name="Root">What it says; not always an object.</param>
/// <param name="Source">Where the tree's lines come from.</param>
internal sealed record ConfigDocument(string Name, ConfigNode Root, SourceMap Source)
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The old INI form, in which unknown keys are ignored.</summary>
    public bool IsLegacy { get; init; }

    /// <summary>YAML, where numbers and booleans may be meant as texts.</summary>
    public bool IsYaml { get; init; }

    /// <summary>What was found wrong and did not keep the rest from being read.</summary>
    public IReadOnlyList<DocumentFault> Faults { get; init; } = [];

    /// <summary>What the user should know, whatever the document says.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];

    /// <summary>A document that was read already.</summary>
    public static ConfigDocument Of(string name, ConfigNode root) => new(name, root, SourceMap.Of(name));

    /// <summary>
    /// Finds out a document's format from its content and reads it: INI if it has a section <c>[common]</c>; else, templates rendered, TOML
    /// if it parses as TOML, JSON if it begins with a brace, and YAML. The file's name says only how a fault is told.
    /// </summary>
    /// <exception cref="ConfigException">It cannot be read.</exception>
    public static ConfigDocument Read(ReadOnlySpan<byte> content, string name, DocumentRole role, LoadOptions options)
    {
        if (content.Length > ConfigFile.MaxBytes)
            throw ConfigFile.TooLarge(name);
        if (role != DocumentRole.Included && LegacyDocument.IsLegacy(content))
            return LegacyDocument.Read(content, name, role, options);
        if (content.StartsWith("\uFEFF"u8))
            content = content[3..];
        string text;
        try
        {
            text = Utf8.GetString(content);
        }
        catch (DecoderFallbackException e)
        {
            throw Fault(name, 1 + content[..Math.Clamp(e.Index, 0, content.Length)].Count((byte)'\n'), "the file is not UTF-8 text");
        }
        if (!ConfigTemplate.IsTemplate(content))
            return Parse(text, content, name, SourceMap.Of(name));
        var rendered = ConfigTemplate.Render(text, name, options, withRanges: true);
        var source = new SourceMap();
        source.Append(name, rendered.Lines, rendered.Lines.Count);
        return Parse(rendered.Text, Encoding.UTF8.GetBytes(rendered.Text), name, source);
    }

    /// <summary>A mistake at a line of a file.</summary>
    public static ConfigException Fault(string file, int line, string message) => new([new ConfigError(file, line, "", message)]);

    private static ConfigDocument Parse(string text, ReadOnlySpan<byte> content, string name, SourceMap source)
    {
        if (TomlSource.Read(text, out var fault) is { } toml)
            return new ConfigDocument(name, toml, source);
        var tomlFault = Placed("toml", fault!, source);
        if (name.EndsWith(".toml", StringComparison.OrdinalIgnoreCase))
            throw Fault(name, tomlFault.Line, tomlFault.Message);
        if (text.AsSpan().TrimStart() is ['{', ..])
        {
            if (JsonSource.Read(content, out fault) is { } json)
                return new ConfigDocument(name, json, source);
            var jsonFault = Placed("json", fault!, source);
            throw Fault(name, jsonFault.Line, jsonFault.Message);
        }
        var yaml = YamlSource.Read(text, out fault);
        if (yaml is { Kind: ConfigNodeKind.Object or ConfigNodeKind.Null })
            return new ConfigDocument(name, yaml, source) { IsYaml = true };
        var line = source.Locate(fault?.Line ?? yaml!.Line).Line;
        var message = fault is not null
            ? $"error converting YAML to JSON: yaml: line {line}: {fault.Message}"
            : $"json: cannot unmarshal {yaml!.TypeName} into object";
        throw IsNamedYaml(name) ? Fault(name, line, message) : Neither(name, tomlFault, (line, message));
    }

    // Nobody knows which of the two the user had in mind; what was understood further is told first.
    private static ConfigException Neither(string name, (int Line, string Message) toml, (int Line, string Message) yaml) =>
        toml.Line > yaml.Line || yaml.Message.StartsWith("json: ", StringComparison.Ordinal)
            ? Fault(name, toml.Line, $"{toml.Message}; read as YAML: {yaml.Message}")
            : Fault(name, yaml.Line, $"{yaml.Message}; read as TOML: {toml.Message}");

    private static bool IsNamedYaml(string name) =>
        name.EndsWith(".yaml", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".yml", StringComparison.OrdinalIgnoreCase);

    private static (int Line, string Message) Placed(string format, SyntaxFault fault, SourceMap source)
    {
        var line = source.Locate(fault.Line).Line;
        return (line, $"{format}: line {line}, column {fault.Column}: {fault.Message}");
    }
}
