using System.Text;
using Frp.Config;
using Frp.Config.Templates;
using Frp.Proxies;

namespace Frp.Fuzz;

/// <summary>A configuration file, read as a server's and as a client's: a configuration comes of it, or all its mistakes, a line each.</summary>
internal sealed class ConfigTarget(string name, string file, IReadOnlyList<string> sources, IReadOnlyList<string> words) : FuzzTarget
{
    private static readonly LoadOptions Strict = new()
    {
        Environment = static variable => variable.Length == 1 ? "a-1,2" : null,
        EnvironmentNames = static () => ["A", "B"],
        ReadFile = static _ => [],
        Purpose = LoadPurpose.Verify,
    };

    private static readonly LoadOptions Lenient = Strict with { Strict = false, Purpose = LoadPurpose.Run };

    internal static LoadOptions Options => Strict;

    public override string Name => name;

    public override IReadOnlyList<string> Sources => [.. sources.Select(static s => $"Frp.Config/{s}")];

    // A template in a file may make a text of 16 M characters before it is refused, and each function that such a text passes copies it.
    public override long MaxAllocation => 2L << 30;

    public override IReadOnlyList<string> Words => [.. words, "proxies", "visitors", "name", "type", "tcp", "localPort", "transport", "plugin", "serverAddr", "bindPort", "allowPorts", "auth", "2147483648", "-1"];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        // Refused leniently means refused strictly: strictness only adds mistakes.
        bool server = Try(input, static (content, file, options) => ConfigLoader.LoadServer(content, file, options), Lenient);
        if (Try(input, static (content, file, options) => ConfigLoader.LoadServer(content, file, options), Strict with { Purpose = LoadPurpose.Run })) FindException.Unless(server, "what is fine strictly is a mistake leniently");
        Try(input, static (content, file, options) => ConfigLoader.LoadClient(content, file, ProxyKinds.Catalog, options), Lenient);
        Try(input, static (content, file, options) => ConfigLoader.LoadClient(content, file, ProxyKinds.Catalog, options), Strict);
    }

    private bool Try(ReadOnlyMemory<byte> input, Action<byte[], string, LoadOptions> load, LoadOptions options)
    {
        try
        {
            load(input.ToArray(), file, options);
            return true;
        }
        catch (ConfigException e)
        {
            FindException.Unless(e.Errors.Count > 0 && e.Message.Split('\n').Length == e.Errors.Count, $"a mistake is not a line: {e.Message}");
            return false;
        }
    }
}

/// <summary>Templates, with and without the ranges of the old format: a text with a line for each of its lines, or one mistake.</summary>
internal sealed class TemplateTarget : FuzzTarget
{
    public override string Name => "template";

    public override IReadOnlyList<string> Sources => ["Frp.Config/Templates/"];

    public override int MaxLength => 2048;

    public override long MaxAllocation => 2L << 30;

    public override IReadOnlyList<string> Words =>
    [
        "{{", "}}", "{{- ", " -}}", "{{/*", "*/}}", "{{ end }}", "{{ else }}", "{{ range ", "{{ if ", "{{ with ", "{{ define \"t\" }}", "{{ template \"t\" . }}", "{{ block \"t\" . }}", "{{ break }}", "parseNumberRangePair ", "parseNumberRange ", "printf \"%", "[1]*d",
        "%+v", "%q", "%x", "print ", "println ", "len ", "index ", "slice ", "eq ", "lt ", "and ", "or ", "not ", "html ", "js ", "urlquery ", "call ", ".Envs.A", "$x", " := ", " | ", "(", ")", "nil", "true", "0x1p-2", "'a'", "\"\\u0041\"", "\\101", "\\x41", "`", "1i", "1_000",
    ];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        string text = Encoding.UTF8.GetString(input.Span);
        foreach (bool withRanges in (bool[])[false, true])
        {
            try
            {
                var rendered = ConfigTemplate.Render(text, "f", ConfigTarget.Options, withRanges);
                FindException.Unless(rendered.Lines.Count >= rendered.Text.Count('\n'), "a line whose origin is unknown");
            }
            catch (ConfigException e)
            {
                FindException.Unless(e.Errors.Count > 0 && e.Message.Split('\n').Length == e.Errors.Count, $"a mistake is not a line: {e.Message}");
            }
        }
    }
}
