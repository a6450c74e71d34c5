using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Frp.Config;

/// <summary>Reads the first document of a YAML stream into a tree.</summary>
/// <remarks>
/// <para>The library gives events; anchors, merge keys and the types of scalars are here. A merge takes place where it stands: what comes
/// behind it in the same mapping wins over it, and it wins over what stands before. Of a key that stands twice the last value counts.</para>
/// <para>An alias is the anchor's own node, so a bomb of aliases costs no memory; it is refused all the same, since whoever walks the tree
/// walks each alias anew. Single use, by one thread.</para>
/// <para><b>Source.</b> yaml.org/spec/1.1, with the reading of it that frp has.</para>
/// </remarks>
internal sealed class YamlSource
{
    private const int MaxDepth = 32;
    private const int MaxAliasedNodes = 200_000;

    // Anchors with the number of nodes below them; null while the anchored node is still being read.
    private readonly Dictionary<string, (ConfigNode Node, int Size)?> _anchors = new(StringComparer.Ordinal);
    private readonly Parser _parser;
    private int _nodes;
    private int _aliased;

    private YamlSource(string text) => _parser = new Parser(new StringReader(text));

    public static ConfigNode? Read(string text, out SyntaxFault? fault)
    {
        try
        {
            fault = null;
            return new YamlSource(text).Document();
        }
        catch (YamlFaultException e)
        {
            fault = e.Fault;
        }
        catch (YamlException e)
        {
            fault = new SyntaxFault(LineOf(e.Start), (int)e.Start.Column, Uncapitalized(e.Message));
        }
        return null;
    }

    private ParsingEvent Current => _parser.Current!;

    private ConfigNode Document()
    {
        Advance();
        if (Current is StreamStart)
            Advance();
        if (Current is StreamEnd)
            return ConfigNode.NewNull(1);
        Advance();
        return Node(0);
    }

    private void Advance()
    {
        var line = _parser.Current is { } current ? LineOf(current.End) : 1;
        try
        {
            if (_parser.MoveNext())
                return;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or FormatException or OverflowException or IndexOutOfRangeException)
        {
            // The library does not tell every mistake in its own words.
            throw new YamlFaultException(line, "did not find what was expected behind this line");
        }
        throw new YamlFaultException(line, "unexpected end of the document");
    }

    // Reads what begins at the current event and leaves the one behind it as the current one.
    private ConfigNode Node(int depth)
    {
        if (depth > MaxDepth)
            throw Fault($"values are nested more than {MaxDepth} deep");
        if (Current is AnchorAlias alias)
        {
            var aliased = Aliased(alias);
            Advance();
            return aliased;
        }
        if (Current is not NodeEvent start)
            throw Fault("did not find expected node content"); // the library lets some mistakes pass
        var before = _nodes++;
        if (!start.Anchor.IsEmpty)
            _anchors[start.Anchor.Value] = null;
        var node = start switch
        {
            Scalar scalar => Value(scalar),
            SequenceStart sequence => Sequence(sequence, depth),
            _ => Mapping(depth),
        };
        if (!start.Anchor.IsEmpty)
            _anchors[start.Anchor.Value] = (node, _nodes - before);
        return node;
    }

    private ConfigNode Aliased(AnchorAlias alias)
    {
        if (!_anchors.TryGetValue(alias.Value.Value, out var anchor))
            throw Fault($"unknown anchor '{alias.Value.Value}' referenced");
        if (anchor is not { } known)
            throw Fault($"anchor '{alias.Value.Value}' value contains itself");
        _nodes += known.Size;
        _aliased += known.Size;
        return _aliased <= MaxAliasedNodes ? known.Node : throw Fault("document contains excessive aliasing");
    }

    private ConfigNode Value(Scalar scalar)
    {
        try
        {
            return YamlScalars.Read(scalar);
        }
        catch (FormatException e)
        {
            throw Fault(e.Message);
        }
        finally
        {
            Advance();
        }
    }

    private ConfigNode Sequence(SequenceStart start, int depth)
    {
        var array = ConfigNode.NewArray(LineOf(start.Start));
        Advance();
        while (Current is not SequenceEnd)
            array.AddItem(Node(depth + 1));
        Advance();
        return array;
    }

    private ConfigNode Mapping(int depth)
    {
        var table = ConfigNode.NewObject(LineOf(Current.Start));
        Advance();
        while (Current is not MappingEnd)
        {
            var line = LineOf(Current.Start);
            if (IsMerge(Current))
            {
                Advance();
                Merge(table, Node(depth + 1), line);
                continue;
            }
            var key = Key(depth);
            table.Set(key, line, Node(depth + 1));
        }
        Advance();
        return table;
    }

    private static bool IsMerge(ParsingEvent current) => current is Scalar { Value: "<<" } scalar
        && (scalar.Tag.IsEmpty ? scalar.Style == ScalarStyle.Plain : scalar.Tag.Value == YamlScalars.MergeTag);

    private string Key(int depth)
    {
        var key = Node(depth + 1);
        return key.Kind switch
        {
            ConfigNodeKind.Object or ConfigNodeKind.Array => throw new YamlFaultException(key.Line, "invalid map key: a text is expected"),
            ConfigNodeKind.Null => throw new YamlFaultException(key.Line, "Unsupported map key: a text is expected"),
            _ => key.Text,
        };
    }

    private static void Merge(ConfigNode table, ConfigNode what, int line)
    {
        if (what.Kind == ConfigNodeKind.Array)
        {
            // Of several the first wins.
            for (var i = what.Items.Count - 1; i >= 0; i--)
                MergeOne(table, what.Items[i], line);
            return;
        }
        MergeOne(table, what, line);
    }

    private static void MergeOne(ConfigNode table, ConfigNode what, int line)
    {
        if (what.Kind != ConfigNodeKind.Object)
            throw new YamlFaultException(line, "map merge requires map or sequence of maps as the value");
        foreach (var member in what.Members)
            table.Set(member.Key, member.Line, member.Value);
    }

    private YamlFaultException Fault(string message) => new(LineOf(Current.Start), message);

    private static int LineOf(Mark mark) => (int)Math.Min(Math.Max(mark.Line, 1), int.MaxValue);

    private static string Uncapitalized(string message) => message.Length > 0 ? char.ToLowerInvariant(message[0]) + message[1..].TrimEnd('.') : message;

    // Carries a fault out of the recursion; never leaves this file.
    private sealed class YamlFaultException(int line, string message) : Exception(message)
    {
        public SyntaxFault Fault { get; } = new(line, 1, message);
    }
}
