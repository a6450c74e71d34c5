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

/// <summary>Collects every mistake of a configuration, each with its file and line, and never stops at the first.</summary>
/// <remarks>
/// A scope made by <see cref="In"/> shares the collection and puts its path, and its words, before what is added through it. A configuration
/// may come from several documents (<c>includes</c>): whoever adds a mistake names the key in the whole of it, such as
/// <c>proxies[7].localPort</c>, and the collection knows whose that is.
/// Mistakes beyond <see cref="MaxErrors"/> are only counted. A key that could not be read has no value to judge: what is
/// added for it afterwards is dropped. Not safe for concurrent use.
/// </remarks>
public sealed class ConfigErrors
{
    /// <summary>How many mistakes are kept.</summary>
    public const int MaxErrors = 500;

    private readonly Collection _all;
    private readonly Source? _source;
    private readonly string _path;
    private readonly string _prefix;

    /// <summary>An empty collection for a configuration that is in no file.</summary>
    public ConfigErrors() : this(new Collection(), null, "", "") { }

    /// <summary>A collection that begins with what was already found wrong while the document was read.</summary>
    internal ConfigErrors(ConfigDocument document) : this(new Collection(), null, "", "")
    {
        _source = _all.Open(document);
        foreach (var (line, path, message) in document.Faults)
            if (path.Length > 0) AddUnreadable(line, path, message);
            else AddUnknown(line, path, message);
        foreach (var notice in document.Notices)
            Warn(notice);
    }

    /// <summary>An empty collection for a file whose lines are not known any more.</summary>
    internal static ConfigErrors Of(string file) => new(ConfigDocument.Of(file, ConfigNode.NewObject(line: 0)));

    private ConfigErrors(Collection all, Source? source, string path, string prefix) => (_all, _source, _path, _prefix) = (all, source, path, prefix);

    /// <summary>Nothing was wrong.</summary>
    public bool IsEmpty => _all.Errors.Count == 0;

    /// <summary>Further mistakes are only counted.</summary>
    internal bool IsFull => _all.Errors.Count >= MaxErrors;

    /// <summary>The mistakes in the order of the files and their lines.</summary>
    public IReadOnlyList<ConfigError> Errors
    {
        get
        {
            var sorted = _all.Errors.OrderBy(e => e.Order).ThenBy(e => e.Line).Select(e => e.Error).ToList();
            if (_all.Uncounted > 0)
                sorted.Add(new ConfigError(_all.FirstFile, 0, "", $"and {_all.Uncounted} more errors"));
            return sorted;
        }
    }

    /// <summary>What the user should know though it is no mistake.</summary>
    public IReadOnlyList<string> Warnings => _all.Warnings;

    /// <summary>A scope below this one.</summary>
    /// <param name="path">Key, or <c>key[index]</c>.</param>
    /// <param name="prefix">Words before every message, such as <c>proxy web: </c>.</param>
    public ConfigErrors In(string path, string prefix = "") => new(_all, _source, Join(_path, path), _prefix + prefix);

    /// <summary>Notes a mistake at a key of this scope; an empty key is the scope itself.</summary>
    public void Add(string path, string message)
    {
        var (source, full) = Owner(Join(_path, path));
        if (source is null)
        {
            _all.Add(new Found(0, 0, new ConfigError("", 0, full, _prefix + message)));
            return;
        }
        for (var key = full; ; key = Parent(key))
        {
            if (source.Unreadable.Contains(key))
                return;
            if (key.Length == 0)
                break;
        }
        Note(source, IsFull ? 0 : source.Document.Root.LineOf(full), full, message);
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

    /// <summary>A scope for another document that is read into the same configuration.</summary>
    internal ConfigErrors Open(ConfigDocument document, string prefix) => new(_all, _all.Open(document), "", prefix);

    /// <summary>Says that elements of a list of the configuration came from another document, where they are the list's first.</summary>
    /// <param name="key">The list's key, in both.</param>
    /// <param name="first">The first element's place in the configuration.</param>
    /// <param name="count">How many there are.</param>
    internal void Own(string key, int first, int count)
    {
        if (count > 0)
            _all.Adopted.Add(new Adoption(key, first, count, _source!));
    }

    /// <summary>Takes over what was wrong with a document that could not be read at all.</summary>
    internal void AddAll(ConfigException refused, string prefix)
    {
        var order = _all.NextOrder();
        foreach (var error in refused.Errors)
            _all.Add(new Found(order, error.Line, error with { Message = prefix + error.Message }));
    }

    /// <summary>Notes that a key is not one of the model's.</summary>
    internal void AddUnknown(int line, string path, string message) => Note(_source!, line, path, message);

    /// <summary>Notes that a value could not be read.</summary>
    internal void AddUnreadable(int line, string path, string message)
    {
        MarkUnreadable(path);
        Note(_source!, line, path, message);
    }

    /// <summary>What is added later for this key, or below it, is dropped.</summary>
    internal void MarkUnreadable(string path)
    {
        if (_source!.Unreadable.Count < MaxErrors)
            _source.Unreadable.Add(path);
    }

    internal static string Join(string path, string key) =>
        path.Length == 0 ? key : key.Length == 0 ? path : key[0] == '[' ? path + key : path + "." + key;

    private void Note(Source source, int line, string path, string message)
    {
        var (file, own) = source.Document.Source.Locate(line);
        _all.Add(new Found(source.Order, line, new ConfigError(file, own, path, _prefix + message)));
    }

    // A key of the whole configuration, as the document has it that it came from.
    private (Source? Source, string Path) Owner(string path)
    {
        foreach (var adopted in _all.Adopted)
            if (adopted.Source != _source && adopted.TryLocal(path, out var local))
                return (adopted.Source, local);
        return (_source, path);
    }

    private static string Parent(string path)
    {
        var cut = path.AsSpan().LastIndexOfAny('.', '[');
        return cut < 0 ? "" : path[..cut];
    }

    private sealed record Source(ConfigDocument Document, int Order)
    {
        public HashSet<string> Unreadable { get; } = new(StringComparer.Ordinal);
    }

    private sealed record Adoption(string Key, int First, int Count, Source Source)
    {
        public bool TryLocal(string path, out string local)
        {
            local = "";
            if (path.Length <= Key.Length || path[Key.Length] != '[' || !path.StartsWith(Key, StringComparison.Ordinal))
                return false;
            var end = path.IndexOf(']', StringComparison.Ordinal);
            if (end < 0 || !int.TryParse(path.AsSpan(Key.Length + 1, end - Key.Length - 1), out var index) || index < First || index >= First + Count)
                return false;
            local = $"{Key}[{index - First}{path.AsSpan(end)}";
            return true;
        }
    }

    private readonly record struct Found(int Order, int Line, ConfigError Error);

    private sealed class Collection
    {
        private int _orders;

        public string FirstFile { get; private set; } = "";
        public List<Found> Errors { get; } = [];
        public List<string> Warnings { get; } = [];
        public List<Adoption> Adopted { get; } = [];
        public int Uncounted { get; private set; }

        public int NextOrder() => ++_orders;

        public Source Open(ConfigDocument document)
        {
            if (_orders == 0)
                FirstFile = document.Name;
            return new Source(document, NextOrder());
        }

        public void Add(Found found)
        {
            if (Errors.Count < MaxErrors) Errors.Add(found);
            else Uncounted++;
        }
    }
}
