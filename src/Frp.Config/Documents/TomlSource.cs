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
/// <remarks>Source: toml.io/en/v1.0.0. The library also takes what TOML 1.1 adds.</remarks>
internal static class TomlSource
{
    // Deeper than any option of the model, and shallow enough for every recursion over the tree.
    private const int MaxDepth = 32;
    private static readonly TomlSerializerOptions Options = new() { MaxDepth = MaxDepth };

    public static ConfigNode? Read(string text, out SyntaxFault? fault)
    {
        DocumentSyntax document;
        try
        {
            document = SyntaxParser.Parse(text, Options, "", validate: true);
        }
        catch (TomlException e)
        {
            fault = new SyntaxFault(e.Line ?? 1, e.Column ?? 1, e.Message);
            return null;
        }
        foreach (var diagnostic in document.Diagnostics)
            if (diagnostic.Kind == DiagnosticMessageKind.Error)
            {
                fault = new SyntaxFault(diagnostic.Span.Start.Line + 1, diagnostic.Span.Start.Column + 1, diagnostic.Message);
                return null;
            }
        try
        {
            fault = null;
            return Build(document);
        }
        catch (FaultException e)
        {
            fault = e.Fault;
            return null;
        }
    }

    private static ConfigNode Build(DocumentSyntax document)
    {
        var root = ConfigNode.NewObject(1);
        foreach (var pair in document.KeyValues)
            Add(root, pair, 0);
        foreach (var table in document.Tables)
        {
            var target = Descend(root, table.Name!, out var last, out var line);
            if (table is TableArraySyntax)
            {
                if (!target.TryGet(last, out var array))
                    target.Set(last, line, array = ConfigNode.NewArray(line));
                else if (array.Kind != ConfigNodeKind.Array)
                    throw Redefined(table.Name!, last);
                var element = ConfigNode.NewObject(line);
                array.AddItem(element);
                target = element;
            }
            else
            {
                target = Enter(target, last, line, table.Name!);
            }
            foreach (var pair in table.Items)
                Add(target, pair, 0);
        }
        return root;
    }

    private static void Add(ConfigNode target, KeyValueSyntax pair, int depth)
    {
        var key = pair.Key!;
        target = Descend(target, key, out var last, out var line);
        if (target.TryGet(last, out _))
            throw Redefined(key, last);
        target.Set(last, line, Value(pair.Value!, depth + 1));
    }

    // Walks to the object that the key's last part belongs to.
    private static ConfigNode Descend(ConfigNode node, KeySyntax key, out string last, out int line)
    {
        line = LineOf(key);
        last = Name(key.Key!);
        var depth = 0;
        foreach (var item in key.DotKeys)
        {
            if (++depth > MaxDepth)
                throw new FaultException(key, $"key has more than {MaxDepth} parts");
            node = Enter(node, last, line, key);
            last = Name(item.Key!);
        }
        return node;
    }

    private static ConfigNode Enter(ConfigNode node, string name, int line, KeySyntax key)
    {
        if (!node.TryGet(name, out var child))
        {
            node.Set(name, line, child = ConfigNode.NewObject(line));
            return child;
        }
        // A table below an array of tables belongs to the newest element.
        if (child is { Kind: ConfigNodeKind.Array, Items.Count: > 0 })
            child = child.Items[^1];
        return child.Kind == ConfigNodeKind.Object ? child : throw Redefined(key, name);
    }

    private static ConfigNode Value(ValueSyntax syntax, int depth)
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
