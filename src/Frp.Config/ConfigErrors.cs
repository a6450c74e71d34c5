namespace Frp.Config;

/// <summary>One mistake in a configuration: where it is and what was expected.</summary>
/// <param name="File">The file, or empty when the configuration came from somewhere else.</param>
/// <param name="Line">1-based line, or 0 when there is none.</param>
/// <param name="Path">The key, such as <c>proxies[2].localPort</c>; empty for the document.</param>
/// <param name="Message">The fault, in words that users search for: they stand in one piece.</param>
public sealed record ConfigError(string File, int Line, string Path, string Message)
{
    /// <summary>One line: <c>FILE:LINE: PATH: MESSAGE</c>, without what is unknown and without a path that the message names itself.</summary>
    public override string ToString()
    {
        if (File.Length == 0)
            return OneLine(Message);
        var path = Path.Length == 0 || Message.StartsWith(Path + ":", StringComparison.Ordinal) || Message.Contains($"\"{Path}\"", StringComparison.Ordinal)
            ? "" : Path + ": ";
        return OneLine(Line > 0 ? $"{File}:{Line}: {path}{Message}" : $"{File}: {path}{Message}");
    }

    // Keys and values are the file's; a line break among them must not make two errors out of one, nor an escape reach a terminal.
    private static string OneLine(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\0', '\x1f') && !text.AsSpan().ContainsAnyInRange('\x7f', '\x9f'))
            return text;
        return string.Concat(text.Select(c => char.IsControl(c) ? $"\\u{(int)c:x4}" : c.ToString()));
    }
}

/// <summary>Collects every mistake of a configuration, each with its line, and never stops at the first.</summary>
/// <remarks>
/// A scope made by <see cref="In"/> shares the collection and puts its path, and its words, before what is added through it.
/// Mistakes beyond <see cref="MaxErrors"/> are only counted. A key that could not be read has no value to judge: what is
/// added for it afterwards is dropped. Not safe for concurrent use.
/// </remarks>
public sealed class ConfigErrors
{
    /// <summary>How many mistakes are kept.</summary>
    public const int MaxErrors = 500;

    private readonly Collection _all;
    private readonly string _path;
    private readonly string _prefix;

    /// <summary>An empty collection for a configuration that is in no file.</summary>
    public ConfigErrors() : this("", null) { }

    internal ConfigErrors(string file, ConfigNode? root) : this(new Collection(file) { Root = root }, "", "") { }

    private ConfigErrors(Collection all, string path, string prefix) => (_all, _path, _prefix) = (all, path, prefix);

    /// <summary>Nothing was wrong.</summary>
    public bool IsEmpty => _all.Errors.Count == 0;

    /// <summary>Further mistakes are only counted.</summary>
    internal bool IsFull => _all.Errors.Count >= MaxErrors;

    /// <summary>The mistakes in the order of the file.</summary>
    public IReadOnlyList<ConfigError> Errors
    {
        get
        {
            var sorted = _all.Errors.OrderBy(e => e.Line).ToList();
            if (_all.Uncounted > 0)
                sorted.Add(new ConfigError(_all.File, 0, "", $"and {_all.Uncounted} more errors"));
            return sorted;
        }
    }

    /// <summary>What the user should know though it is no mistake.</summary>
    public IReadOnlyList<string> Warnings => _all.Warnings;

    /// <summary>A scope below this one.</summary>
    /// <param name="path">Key, or <c>key[index]</c>.</param>
    /// <param name="prefix">Words before every message, such as <c>proxy web: </c>.</param>
    public ConfigErrors In(string path, string prefix = "") => new(_all, Join(_path, path), _prefix + prefix);

    /// <summary>Notes a mistake at a key of this scope; an empty key is the scope itself.</summary>
    public void Add(string path, string message)
    {
        var full = Join(_path, path);
        for (var key = full; ; key = Parent(key))
        {
            if (_all.Unreadable.Contains(key))
                return;
            if (key.Length == 0)
                break;
        }
        var line = _all.Root is null || IsFull ? 0 : _all.Root.LineOf(full);
        _all.Add(new ConfigError(_all.File, line, full, _prefix + message));
    }

    /// <summary>Notes what the user should know.</summary>
    public void Warn(string message)
    {
        if (_all.Warnings.Count < MaxErrors)
            _all.Warnings.Add(message);
    }

    /// <summary>Throws when anything was wrong.</summary>
    /// <exception cref="ConfigException">Carries all mistakes.</exception>
    public void ThrowIfAny()
    {
        if (!IsEmpty)
            throw new ConfigException(Errors);
    }

    /// <summary>Notes that a key is not one of the model's.</summary>
    internal void AddUnknown(int line, string path, string message) => _all.Add(new ConfigError(_all.File, line, path, message));

    /// <summary>Notes that a value could not be read.</summary>
    internal void AddUnreadable(int line, string path, string message)
    {
        MarkUnreadable(path);
        _all.Add(new ConfigError(_all.File, line, path, message));
    }

    /// <summary>What is added later for this key, or below it, is dropped.</summary>
    internal void MarkUnreadable(string path)
    {
        if (_all.Unreadable.Count < MaxErrors)
            _all.Unreadable.Add(path);
    }

    internal static string Join(string path, string key) =>
        path.Length == 0 ? key : key.Length == 0 ? path : key[0] == '[' ? path + key : path + "." + key;

    private static string Parent(string path)
    {
        var cut = path.AsSpan().LastIndexOfAny('.', '[');
        return cut < 0 ? "" : path[..cut];
    }

    private sealed class Collection(string file)
    {
        public string File => file;
        public ConfigNode? Root { get; init; }
        public List<ConfigError> Errors { get; } = [];
        public List<string> Warnings { get; } = [];
        public HashSet<string> Unreadable { get; } = new(StringComparer.Ordinal);
        public int Uncounted { get; private set; }

        public void Add(ConfigError error)
        {
            if (Errors.Count < MaxErrors) Errors.Add(error);
            else Uncounted++;
        }
    }
}
