using System.Globalization;
using Tomlyn;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace Frp.Config;

/// <summary>Where and why a document cannot be read. Line and column are 1-based.</summary>
internal sealed record SyntaxFault(int Line, int Column, string Message);

/// <summary>
/// Reads TOML into a tree. Dotted keys, tables and inline tables all become nested objects.
/// </summary>
/// <remarks>
/// Source: toml.io/en/v1.0.0. The library reads the syntax, and takes what TOML 1.1 adds as well; which key may be defined where
/// is judged here. Single use, by one thread.
/// </remarks>
internal sealed class TomlSource
{
    // Deeper than any option of the model, and shallow enough for every recursion over the tree.
    private const int MaxDepth = 32;
    private static readonly TomlSerializerOptions Options = new() { MaxDepth = MaxDepth };

    // How an object or array came to be says what may still be added to it; values and inline tables are not in here.
    private readonly Dictionary<ConfigNode, Origin> _origins = [];

    private enum Origin
    {
        /// <summary>Closed: a value.</summary>
        Value,
        /// <summary>Named on the way to another table: <c>a</c> of <c>[a.b]</c>.</summary>
        Path,
        /// <summary>Defined by its own header, or an element of an array of tables.</summary>
        Header,
        /// <summary>Defined by a dotted key: <c>a</c> of <c>a.b = 1</c>.</summary>
        Dotted,
        /// <summary>An array of tables.</summary>
        Tables,
    }

    private TomlSource() { }

    public static ConfigNode? Read(string text, out SyntaxFault? fault)
    {
        try
        {
            // The library's own judgement of keys mixes up neighbouring elements of an array of tables, hence not wanted.
            var document = SyntaxParser.Parse(text, Options, "", validate: false);
            foreach (var diagnostic in document.Diagnostics)
                if (diagnostic.Kind == DiagnosticMessageKind.Error)
                {
                    fault = new SyntaxFault(diagnostic.Span.Start.Line + 1, diagnostic.Span.Start.Column + 1, diagnostic.Message);
                    return null;
                }
            fault = null;
            return new TomlSource().Build(document);
        }
        catch (FaultException e)
        {
            fault = e.Fault;
        }
        catch (TomlException e)
        {
            fault = new SyntaxFault(e.Line ?? 1, e.Column ?? 1, e.Message);
        }
        catch (ArgumentOutOfRangeException)
        {
            // A text that ends with a backslash makes the library read beyond it.
            fault = new SyntaxFault(text.AsSpan().Count('\n') + 1, text.Length - text.LastIndexOf('\n'), "a text ends within an escape");
        }
        return null;
    }

    private ConfigNode Build(DocumentSyntax document)
    {
        var root = ConfigNode.NewObject(1);
        foreach (var pair in document.KeyValues)
            Add(root, pair, 0);
        foreach (var table in document.Tables)
        {
            var name = table.Name!;
            var path = Names(name);
            var target = root;
            foreach (var part in path.SkipLast(1))
                target = Pass(target, part, name);
            target = table is TableArraySyntax ? Append(target, path[^1], name) : Define(target, path[^1], name);
            foreach (var pair in table.Items)
                Add(target, pair, 0);
        }
        return root;
    }

    // [a.b.c]: through a and b.
    private ConfigNode Pass(ConfigNode node, string name, KeySyntax key)
    {
        if (!node.TryGet(name, out var child))
            return Create(node, name, key, Origin.Path);
        if (OriginOf(child) == Origin.Tables)
            return child.Items[^1];
        return OriginOf(child) != Origin.Value ? child : throw Redefined(key, name);
    }

    // [a.b.c]: c itself.
    private ConfigNode Define(ConfigNode node, string name, KeySyntax key)
    {
        if (!node.TryGet(name, out var child))
            return Create(node, name, key, Origin.Header);
        if (OriginOf(child) != Origin.Path)
            throw Redefined(key, name);
        _origins[child] = Origin.Header;
        return child;
    }

    // [[a.b.c]]: one more element of c.
    private ConfigNode Append(ConfigNode node, string name, KeySyntax key)
    {
        var line = LineOf(key);
        if (!node.TryGet(name, out var array))
        {
            node.Set(name, line, array = ConfigNode.NewArray(line));
            _origins.Add(array, Origin.Tables);
        }
        else if (OriginOf(array) != Origin.Tables)
        {
            throw Redefined(key, name);
        }
        var element = ConfigNode.NewObject(line);
        _origins.Add(element, Origin.Header);
        array.AddItem(element);
        return element;
    }

    // a.b.c = value
    private void Add(ConfigNode target, KeyValueSyntax pair, int depth)
    {
        var key = pair.Key!;
        var path = Names(key);
        foreach (var name in path.SkipLast(1))
        {
            if (!target.TryGet(name, out var child))
                target = Create(target, name, key, Origin.Dotted);
            else if (OriginOf(child) is Origin.Dotted or Origin.Path)
                target = child;
            else
                throw Redefined(key, name);
        }
        if (target.TryGet(path[^1], out _))
            throw Redefined(key, path[^1]);
        target.Set(path[^1], LineOf(key), Value(pair.Value!, depth + 1));
    }

    private ConfigNode Create(ConfigNode node, string name, KeySyntax key, Origin origin)
    {
        var child = ConfigNode.NewObject(LineOf(key));
        node.Set(name, LineOf(key), child);
        _origins.Add(child, origin);
        return child;
    }

    private Origin OriginOf(ConfigNode node) => _origins.GetValueOrDefault(node);

    private static List<string> Names(KeySyntax key)
    {
        var names = new List<string> { Name(key.Key!) };
        foreach (var item in key.DotKeys)
            names.Add(names.Count < MaxDepth ? Name(item.Key!) : throw new FaultException(key, $"key has more than {MaxDepth} parts"));
        return names;
    }

    private ConfigNode Value(ValueSyntax syntax, int depth)
    {
        var line = LineOf(syntax);
        if (depth > MaxDepth)
            throw new FaultException(syntax, $"values are nested more than {MaxDepth} deep");
        switch (syntax)
        {
            case StringValueSyntax s:
                return ConfigNode.NewString(line, s.Value ?? "");
            case BooleanValueSyntax b:
                return ConfigNode.NewBoolean(line, b.Value);
            case IntegerValueSyntax i:
                return ConfigNode.NewInteger(line, i.Value, i.Value.ToString(CultureInfo.InvariantCulture));
            case FloatValueSyntax f:
                return Float(line, f.Value);
            case ArraySyntax a:
                var array = ConfigNode.NewArray(line);
                foreach (var item in a.Items)
                    array.AddItem(Value(item.Value!, depth + 1));
                return array;
            case InlineTableSyntax t:
                var table = ConfigNode.NewObject(line);
                foreach (var item in t.Items)
                    Add(table, item.KeyValue!, depth);
                return table;
            default:
                return ConfigNode.NewOther(line, "datetime");
        }
    }

    // A float without fraction is as good as an integer, where one is wanted.
    private static ConfigNode Float(int line, double value)
    {
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        return value == Math.Floor(value) && Math.Abs(value) < 1e15 ? ConfigNode.NewInteger(line, (long)value, text) : ConfigNode.NewFloat(line, text);
    }

    private static string Name(BareKeyOrStringValueSyntax key) => key switch
    {
        BareKeySyntax bare => bare.Key?.Text ?? "",
        StringValueSyntax quoted => quoted.Value ?? "",
        _ => key.ToString() ?? "",
    };

    private static int LineOf(SyntaxNode node) => node.Span.Start.Line + 1;

    private static FaultException Redefined(SyntaxNode node, string name) => new(node, $"key {name} is already defined");

    // Carries a fault out of the recursion; never leaves this file.
    private sealed class FaultException(SyntaxNode node, string message) : Exception(message)
    {
        public SyntaxFault Fault { get; } = new(LineOf(node), node.Span.Start.Column + 1, message);
    }
}
