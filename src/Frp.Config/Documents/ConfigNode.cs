using System.Globalization;

namespace Frp.Config;

/// <summary>What a place in a configuration document holds.</summary>
internal enum ConfigNodeKind
{
    Object,
    Array,
    String,
    Integer,
    Float,
    Boolean,
    Null,
}

/// <summary>A key with its value.</summary>
internal readonly record struct ConfigMember(string Key, int Line, ConfigNode Value);

/// <summary>
/// A place in a configuration document, whatever the document's format: the one tree that <see cref="ConfigBinder"/> walks.
/// </summary>
internal sealed class ConfigNode
{
    // Few objects have so many members that looking through them is slower than an index.
    private const int IndexFrom = 16;

    private List<ConfigMember>? _members;
    private List<ConfigNode>? _items;
    private Dictionary<string, int>? _index;

    private ConfigNode(ConfigNodeKind kind, int line) => (Kind, Line) = (kind, line);

    public ConfigNodeKind Kind { get; }
    /// <summary>1-based.</summary>
    public int Line { get; }
    /// <summary>The text of a string; of anything else the value as written, for messages.</summary>
    public string Text { get; private init; } = "";
    public long Integer { get; private init; }
    public bool Boolean { get; private init; }
    public IReadOnlyList<ConfigMember> Members => _members ?? [];
    public IReadOnlyList<ConfigNode> Items => _items ?? [];

    public static ConfigNode NewObject(int line) => new(ConfigNodeKind.Object, line);
    public static ConfigNode NewArray(int line) => new(ConfigNodeKind.Array, line);
    public static ConfigNode NewString(int line, string text) => new(ConfigNodeKind.String, line) { Text = text };
    public static ConfigNode NewInteger(int line, long value, string text) => new(ConfigNodeKind.Integer, line) { Integer = value, Text = text };
    public static ConfigNode NewFloat(int line, string text) => new(ConfigNodeKind.Float, line) { Text = text };
    public static ConfigNode NewBoolean(int line, bool value) => new(ConfigNodeKind.Boolean, line) { Boolean = value, Text = value ? "true" : "false" };

    /// <summary>A floating-point number; one without fraction is as good as an integer, where one is wanted.</summary>
    public static ConfigNode NewNumber(int line, double value)
    {
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        return value == Math.Floor(value) && Math.Abs(value) < 1e15 ? NewInteger(line, (long)value, text) : NewFloat(line, text);
    }

    public static ConfigNode NewNull(int line) => new(ConfigNodeKind.Null, line);

    /// <summary>The value's type in the words of messages.</summary>
    public string TypeName => Kind switch
    {
        ConfigNodeKind.Object => "object",
        ConfigNodeKind.Array => "array",
        ConfigNodeKind.String => "string",
        ConfigNodeKind.Integer or ConfigNodeKind.Float => "number",
        ConfigNodeKind.Boolean => "bool",
        _ => "null",
    };

    public void AddItem(ConfigNode item) => (_items ??= []).Add(item);

    /// <summary>Sets a member; a key that is there already takes the new value.</summary>
    public void Set(string key, int line, ConfigNode value)
    {
        _members ??= [];
        var at = IndexOf(key);
        if (at >= 0)
        {
            _members[at] = new ConfigMember(key, line, value);
            return;
        }
        _index?.Add(key, _members.Count);
        _members.Add(new ConfigMember(key, line, value));
    }

    public bool TryGet(string key, out ConfigNode value)
    {
        var at = IndexOf(key);
        value = at < 0 ? this : _members![at].Value;
        return at >= 0;
    }

    private int IndexOf(string key)
    {
        if (_members is null)
            return -1;
        if (_members.Count < IndexFrom)
        {
            for (var i = 0; i < _members.Count; i++)
                if (_members[i].Key == key)
                    return i;
            return -1;
        }
        if (_index is null)
        {
            _index = new Dictionary<string, int>(StringComparer.Ordinal);
            for (var i = 0; i < _members.Count; i++)
                _index.Add(_members[i].Key, i);
        }
        return _index.GetValueOrDefault(key, -1);
    }

    /// <summary>The line of a key such as <c>proxies[2].localPort</c>, in any letter case; of its nearest ancestor when it is absent.</summary>
    public int LineOf(ReadOnlySpan<char> path)
    {
        var (node, line) = (this, Math.Min(Line, 1)); // without lines there are none to tell
        while (path.Length > 0)
        {
            if (path[0] == '[')
            {
                var end = path.IndexOf(']');
                if (end < 0 || !int.TryParse(path[1..end], out var i) || i >= node.Items.Count)
                    return line;
                node = node.Items[i];
                line = node.Line;
                path = path[(end + 1)..];
            }
            else if (node.Find(path, out var length) is { } member)
            {
                node = member.Value;
                line = member.Line;
                path = path[length..];
            }
            else
            {
                return line;
            }
            path = path.TrimStart('.');
        }
        return line;
    }

    // A free-form key may hold dots itself, so the longest key that fits is meant.
    private ConfigMember? Find(ReadOnlySpan<char> path, out int length)
    {
        length = 0;
        ConfigMember? found = null;
        foreach (var member in Members)
        {
            var key = member.Key;
            if (key.Length >= length && path.StartsWith(key, StringComparison.OrdinalIgnoreCase)
                && (path.Length == key.Length || path[key.Length] is '.' or '['))
                (found, length) = (member, key.Length);
        }
        return found;
    }
}
