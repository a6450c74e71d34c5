using System.Text;

namespace Frp.Config;

/// <summary>
/// Finds out a document's format from its content and reads it into a tree: TOML if it parses as TOML; JSON if it begins with a
/// brace. The file's name says only how a fault is told.
/// </summary>
internal static class ConfigDocument
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static ConfigNode Read(ReadOnlySpan<byte> content, string name)
    {
        if (content.Length > ConfigFile.MaxBytes)
            throw ConfigFile.TooLarge(name);
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

        if (FindLine(text, static line => line.Trim().SequenceEqual("[common]")) is var ini and > 0)
            throw Fault(name, ini, "legacy INI format found (section [common]): INI files are not supported; write TOML or JSON");
        // A comment may hold what it likes: rendering it would have changed nothing.
        if (FindLine(text, static line => line.Contains("{{", StringComparison.Ordinal) && line.TrimStart() is not ['#', ..]) is var action and > 0)
            throw Fault(name, action, "template action {{ found: templates are not supported; write the value itself");

        if (TomlSource.Read(text, out var toml) is { } root)
            return root;
        var wrong = $"toml: line {toml!.Line}, column {toml.Column}: {toml.Message}";
        if (name.EndsWith(".toml", StringComparison.OrdinalIgnoreCase))
            throw Fault(name, toml.Line, wrong);
        if (text.AsSpan().TrimStart() is not ['{', ..])
            throw Fault(name, toml.Line, $"neither TOML nor JSON found, and YAML is not supported: {wrong}");
        return JsonSource.Read(content, out var json)
            ?? throw Fault(name, json!.Line, $"json: line {json.Line}, column {json.Column}: {json.Message}");
    }

    private static int FindLine(string text, Func<ReadOnlySpan<char>, bool> matches)
    {
        var number = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            number++;
            if (matches(line))
                return number;
        }
        return 0;
    }

    private static ConfigException Fault(string name, int line, string message) => new([new ConfigError(name, line, "", message)]);
}
