using System.Text;

namespace Frp.Config.Legacy;

/// <summary>A key of an INI section with its value as written.</summary>
internal sealed record IniKey(string Name, string Value, int Line);

/// <summary>A section of an INI document.</summary>
internal sealed class IniSection(string name, int line)
{
    private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);
    private readonly List<IniKey> _keys = [];

    public string Name => name;
    public int Line => line;
    public IReadOnlyList<IniKey> Keys => _keys;

    /// <summary>Adds a key; one that is there already takes the new value.</summary>
    public void Set(IniKey key)
    {
        if (_places.TryGetValue(key.Name, out var place))
        {
            _keys[place] = key;
            return;
        }
        _places.Add(key.Name, _keys.Count);
        _keys.Add(key);
    }

    public IniKey? Find(string key) => _places.TryGetValue(key, out var place) ? _keys[place] : null;
}

/// <summary>Reads the old INI form.</summary>
/// <remarks>
/// Sections and keys are told apart by letter case. A comment is a line that begins with <c>#</c> or <c>;</c>. A value may be quoted, span lines
/// between <c>"""</c> or back quotes, go on behind a backslash at a line's end, and name another key by <c>%(key)s</c>.
/// </remarks>
internal sealed class IniFile
{
    public const string DefaultSection = "DEFAULT";
    private const int MaxSubstitutions = 99;
    private const int MaxExpanded = 1 << 20;

    private readonly Dictionary<string, IniSection> _byName = new(StringComparer.Ordinal);
    private readonly List<IniSection> _sections = [];
    private readonly bool _isLoose;
    private IniSection _current;

    /// <summary>An empty document.</summary>
    /// <param name="isLoose">A line without <c>=</c> or <c>:</c> is a key that is on; values are not cut at <c>#</c> and <c>;</c>.</param>
    public IniFile(bool isLoose)
    {
        _isLoose = isLoose;
        _current = Section(DefaultSection, 1);
    }

    /// <summary>The sections in their order.</summary>
    public IReadOnlyList<IniSection> Sections => _sections;

    public IniSection? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>A key's value, or that of the section whose name is the same up to the last dot; with other keys' values put in.</summary>
    public IniKey? Value(IniSection section, string key) =>
        Lookup(section, key) is var (found, owner) ? found with { Value = Expanded(owner, found) } : null;

    private (IniKey Key, IniSection Owner)? Lookup(IniSection section, string key)
    {
        var name = section.Name;
        for (var at = section; ; at = Find(name))
        {
            if (at?.Find(key) is { } found)
                return (found, at);
            var dot = name.LastIndexOf('.');
            if (dot < 0)
                return null;
            name = name[..dot];
        }
    }

    /// <summary>Reads a text behind what there is; what stands before its first section belongs to the current one.</summary>
    /// <param name="text">The text.</param>
    /// <param name="firstLine">The number of its first line.</param>
    /// <returns>What is wrong, or <c>null</c>.</returns>
    public SyntaxFault? Append(string text, int firstLine)
    {
        var reader = new LineReader(text, firstLine);
        while (reader.Next() is { } raw)
        {
            var at = reader.Line;
            var line = raw.TrimStart();
            if (line.Length == 0 || line[0] is '#' or ';')
                continue;
            var fault = line[0] == '[' ? Header(line, at) : Key(line, at, reader);
            if (fault is not null)
                return new SyntaxFault(at, 1, fault);
        }
        return null;
    }

    private string? Header(string line, int at)
    {
        var end = line.LastIndexOf(']');
        if (end < 0)
            return "unclosed section: " + line.TrimEnd();
        if (end == 1)
            return "empty section name";
        _current = Section(line[1..end], at);
        return null;
    }

    private string? Key(string line, int at, LineReader reader)
    {
        var (name, rest, fault) = Name(line);
        if (fault is not null)
        {
            if (!_isLoose || rest is null)
                return fault;
            if (Value(line, reader, out var whole) is { } broken)
                return broken;
            if (whole.Length == 0)
                return "empty key name";
            _current.Set(new IniKey(whole, "true", at));
            return null;
        }
        if (Value(rest!, reader, out var value) is { } wrong)
            return wrong;
        if (name.Length == 0)
            return "empty key name";
        _current.Set(new IniKey(name, value, at));
        return null;
    }

    // A fault with something behind it is a line without delimiter.
    private static (string Name, string? Behind, string? Fault) Name(string line)
    {
        var quote = line.StartsWith("\"\"\"", StringComparison.Ordinal) && line.Length > 6 ? "\"\"\"" : line[0] is '"' or '`' ? line[..1] : "";
        var start = quote.Length;
        var end = 0;
        if (start > 0)
        {
            end = line.IndexOf(quote, start, StringComparison.Ordinal);
            if (end < 0)
                return ("", null, "missing closing key quote: " + line.TrimEnd());
        }
        var delimiter = line.AsSpan(end).IndexOfAny('=', ':');
        if (delimiter < 0)
            return ("", line, "key-value delimiter not found: " + line.TrimEnd());
        delimiter += end;
        if (delimiter == 0)
            return ("", null, "empty key name: " + line.TrimEnd());
        return (line[start..(start > 0 ? end : delimiter)].Trim(), line[(delimiter + 1)..], null);
    }

    private string? Value(string text, LineReader reader, out string value)
    {
        value = "";
        var line = text.TrimStart();
        if (line.Length == 0)
            return null;
        var quote = line.Length > 3 && line.StartsWith("\"\"\"", StringComparison.Ordinal) ? "\"\"\"" : line[0] == '`' ? "`" : "";
        if (quote.Length > 0)
        {
            var end = line.LastIndexOf(quote, StringComparison.Ordinal);
            if (end < quote.Length)
                return Lines(line[quote.Length..], quote, reader, out value);
            value = line[quote.Length..end];
            return null;
        }
        line = line.TrimEnd();
        if (line[^1] == '\\')
        {
            value = Continued(line[..^1], reader);
            return null;
        }
        if (!_isLoose && line.AsSpan().IndexOfAny('#', ';') is var comment and >= 0)
            line = line[..comment].Trim();
        value = IsQuoted(line) ? line[1..^1] : line;
        return null;
    }

    private static string? Lines(string first, string quote, LineReader reader, out string value)
    {
        var lines = new StringBuilder(first);
        while (reader.Next() is { } next)
        {
            var end = next.LastIndexOf(quote, StringComparison.Ordinal);
            if (end >= 0)
            {
                value = lines.Append(next, 0, end).ToString();
                return null;
            }
            lines.Append(next);
        }
        value = "";
        return "missing closing key quote";
    }

    private static string Continued(string first, LineReader reader)
    {
        var value = new StringBuilder(first);
        while (reader.Next()?.Trim() is { Length: > 0 } next)
        {
            value.Append(next);
            if (next[^1] != '\\')
                break;
            value.Length--;
        }
        return value.ToString();
    }

    private static bool IsQuoted(string line) => line.Length >= 2 && line[0] is '\'' or '"' && line.IndexOf(line[0], 1) == line.Length - 1;

    private IniSection Section(string name, int line)
    {
        if (_byName.TryGetValue(name, out var section))
            return section;
        section = new IniSection(name, line);
        _byName.Add(name, section);
        _sections.Add(section);
        return section;
    }

    // %(key)s, from the same section or the one without a name.
    private string Expanded(IniSection section, IniKey key)
    {
        var value = key.Value;
        for (var i = 0; i < MaxSubstitutions && NamedKey(value) is { } name; i++)
        {
            var other = Lookup(section, name)?.Key;
            if (other is null || ReferenceEquals(other, key))
                other = Find(DefaultSection)!.Find(name);
            var reference = $"%({name})s";
            if (other is null || (long)value.Length / reference.Length * other.Value.Length > MaxExpanded)
                return value;
            value = value.Replace(reference, other.Value, StringComparison.Ordinal);
        }
        return value;
    }

    private static string? NamedKey(string value)
    {
        for (var start = value.IndexOf("%(", StringComparison.Ordinal); start >= 0; start = value.IndexOf("%(", start + 1, StringComparison.Ordinal))
        {
            var end = value.IndexOf(')', start);
            if (end > start + 2 && end + 1 < value.Length && value[end + 1] == 's')
                return value[(start + 2)..end];
        }
        return null;
    }

    // Lines with their line feeds, and their numbers.
    private sealed class LineReader(string text, int firstLine)
    {
        private int _position;
        private int _next = firstLine;

        public int Line { get; private set; }

        public string? Next()
        {
            if (_position >= text.Length)
                return null;
            var end = text.IndexOf('\n', _position) + 1;
            if (end == 0)
                end = text.Length;
            var line = text[_position..end];
            _position = end;
            Line = _next++;
            return line;
        }
    }
}
