using System.Globalization;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace Frp.Config;

/// <summary>Where and why a document cannot be read. Line and column are 1-based.</summary>
internal sealed record SyntaxFault(int Line, int Column, string Message);

/// <summary>
/// Reads TOML into a tree. Dotted keys, tables and inline tables all become nested objects.
/// </summary>
/// <remarks>
/// <para>The library cuts the text into tokens and reads numbers and texts; the grammar above them is here, because the library's own
/// tree holds every blank and comment: measured, two thirds of the time that it takes to load a file with 500 proxies. What TOML 1.1 adds
/// is taken as well. Single use, by one thread.</para>
/// <para><b>Source.</b> toml.io/en/v1.0.0.</para>
/// </remarks>
internal sealed class TomlSource
{
    // Deeper than any option of the model, and shallow enough for every recursion over the tree.
    private const int MaxDepth = 32;
    private static readonly TomlLexerOptions Options = new() { DecodeScalars = true };

    // How an object or array came to be says what may still be added to it; values and inline tables are not in here.
    private readonly Dictionary<ConfigNode, Origin> _origins = [];
    private readonly TomlLexer _lexer;
    private TomlToken _token;
    private TokenKind _kind;
    private bool _isHalf; // one of the two brackets in "[[" or "]]" is still to be handed out

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

    private TomlSource(string text) => _lexer = TomlLexer.Create(text, Options, "");

    public static ConfigNode? Read(string text, out SyntaxFault? fault)
    {
        try
        {
            fault = null;
            return new TomlSource(text).Document();
        }
        catch (FaultException e)
        {
            fault = e.Fault;
        }
        catch (ArgumentOutOfRangeException)
        {
            // A text that ends with a backslash makes the library read beyond it.
            fault = new SyntaxFault(text.AsSpan().Count('\n') + 1, text.Length - text.LastIndexOf('\n'), "a text ends within an escape");
        }
        return null;
    }

    private int Line => _token.Start.Line + 1;

    private ConfigNode Document()
    {
        var root = ConfigNode.NewObject(1);
        var target = root;
        Advance(TomlLexerMode.Key);
        while (true)
        {
            SkipNewLines(TomlLexerMode.Key);
            if (_kind == TokenKind.Eof)
                return root;
            if (_kind is TokenKind.OpenBracket or TokenKind.OpenBracketDouble)
                target = Header(root);
            else
                KeyValue(target, 0);
            if (_kind is not (TokenKind.NewLine or TokenKind.Eof))
                throw Unexpected("the end of the line");
        }
    }

    // [a.b.c] or [[a.b.c]]
    private ConfigNode Header(ConfigNode root)
    {
        var isArray = _kind == TokenKind.OpenBracketDouble;
        Advance(TomlLexerMode.Key);
        var place = Place.Of(_token);
        var path = Key();
        if (_kind != (isArray ? TokenKind.CloseBracketDouble : TokenKind.CloseBracket))
            throw Unexpected(isArray ? "`]]`" : "`]`");
        Advance(TomlLexerMode.Key);
        var target = root;
        for (var i = 0; i < path.Count - 1; i++)
            target = Pass(target, path[i], place);
        return isArray ? Append(target, path[^1], place) : Define(target, path[^1], place);
    }

    // [a.b.c]: through a and b.
    private ConfigNode Pass(ConfigNode node, string name, Place place)
    {
        if (!node.TryGet(name, out var child))
            return Create(node, name, place, Origin.Path);
        if (OriginOf(child) == Origin.Tables)
            return child.Items[^1];
        return OriginOf(child) != Origin.Value ? child : throw Redefined(place, name);
    }

    // [a.b.c]: c itself.
    private ConfigNode Define(ConfigNode node, string name, Place place)
    {
        if (!node.TryGet(name, out var child))
            return Create(node, name, place, Origin.Header);
        if (OriginOf(child) != Origin.Path)
            throw Redefined(place, name);
        _origins[child] = Origin.Header;
        return child;
    }

    // [[a.b.c]]: one more element of c.
    private ConfigNode Append(ConfigNode node, string name, Place place)
    {
        if (!node.TryGet(name, out var array))
        {
            node.Set(name, place.Line, array = ConfigNode.NewArray(place.Line));
            _origins.Add(array, Origin.Tables);
        }
        else if (OriginOf(array) != Origin.Tables)
        {
            throw Redefined(place, name);
        }
        var element = ConfigNode.NewObject(place.Line);
        _origins.Add(element, Origin.Header);
        array.AddItem(element);
        return element;
    }

    // a.b.c = value
    private void KeyValue(ConfigNode target, int depth)
    {
        var place = Place.Of(_token);
        var path = Key();
        if (_kind != TokenKind.Equal)
            throw Unexpected("`=` after a key");
        for (var i = 0; i < path.Count - 1; i++)
        {
            if (!target.TryGet(path[i], out var child))
                target = Create(target, path[i], place, Origin.Dotted);
            else if (OriginOf(child) is Origin.Dotted or Origin.Path)
                target = child;
            else
                throw Redefined(place, path[i]);
        }
        if (target.TryGet(path[^1], out _))
            throw Redefined(place, path[^1]);
        Advance(TomlLexerMode.Value);
        target.Set(path[^1], place.Line, Value(depth + 1));
    }

    private List<string> Key()
    {
        var names = new List<string>(1);
        while (true)
        {
            names.Add(_kind switch
            {
                TokenKind.BasicKey => _lexer.GetText(in _token) ?? "",
                TokenKind.String or TokenKind.StringLiteral => _token.StringValue ?? "",
                _ => throw Unexpected("a key"),
            });
            if (names.Count > MaxDepth)
                throw new FaultException(Place.Of(_token), $"key has more than {MaxDepth} parts");
            Advance(TomlLexerMode.Key);
            if (_kind != TokenKind.Dot)
                return names;
            Advance(TomlLexerMode.Key);
        }
    }

    private ConfigNode Value(int depth)
    {
        if (depth > MaxDepth)
            throw new FaultException(Place.Of(_token), $"values are nested more than {MaxDepth} deep");
        if (_kind == TokenKind.OpenBracket)
            return Array(depth);
        if (_kind == TokenKind.OpenBrace)
            return InlineTable(depth);
        var scalar = Scalar();
        Advance(TomlLexerMode.Value);
        return scalar;
    }

    private ConfigNode Scalar()
    {
        switch (_kind)
        {
            case TokenKind.String or TokenKind.StringMulti or TokenKind.StringLiteral or TokenKind.StringLiteralMulti:
                return ConfigNode.NewString(Line, _token.StringValue ?? "");
            case TokenKind.True or TokenKind.False:
                return ConfigNode.NewBoolean(Line, _kind == TokenKind.True);
            case TokenKind.Integer or TokenKind.IntegerHexa or TokenKind.IntegerOctal or TokenKind.IntegerBinary:
                var integer = unchecked((long)_token.Data);
                return ConfigNode.NewInteger(Line, integer, integer.ToString(CultureInfo.InvariantCulture));
            case TokenKind.Float or TokenKind.Infinite or TokenKind.PositiveInfinite or TokenKind.NegativeInfinite
                or TokenKind.Nan or TokenKind.PositiveNan or TokenKind.NegativeNan:
                return ConfigNode.NewNumber(Line, BitConverter.UInt64BitsToDouble(_token.Data));
            case TokenKind.OffsetDateTimeByZ or TokenKind.OffsetDateTimeByNumber:
                return ConfigNode.NewString(Line, TomlDate.Text(_lexer.GetText(in _token)!, hasOffset: true));
            case TokenKind.LocalDateTime or TokenKind.LocalDate or TokenKind.LocalTime:
                return ConfigNode.NewString(Line, TomlDate.Text(_lexer.GetText(in _token)!, hasOffset: false));
            default:
                throw Unexpected("a value");
        }
    }

    private ConfigNode Array(int depth)
    {
        var array = ConfigNode.NewArray(Line);
        Advance(TomlLexerMode.Value);
        while (true)
        {
            SkipNewLines(TomlLexerMode.Value);
            if (_kind != TokenKind.CloseBracket)
            {
                array.AddItem(Value(depth + 1));
                SkipNewLines(TomlLexerMode.Value);
                if (_kind == TokenKind.Comma)
                {
                    Advance(TomlLexerMode.Value);
                    continue;
                }
                if (_kind != TokenKind.CloseBracket)
                    throw Unexpected("`,` or `]`");
            }
            Advance(TomlLexerMode.Value);
            return array;
        }
    }

    private ConfigNode InlineTable(int depth)
    {
        var table = ConfigNode.NewObject(Line);
        Advance(TomlLexerMode.Key);
        while (true)
        {
            SkipNewLines(TomlLexerMode.Key);
            if (_kind != TokenKind.CloseBrace)
            {
                KeyValue(table, depth);
                SkipNewLines(TomlLexerMode.Value);
                if (_kind == TokenKind.Comma)
                {
                    Advance(TomlLexerMode.Key);
                    continue;
                }
                if (_kind != TokenKind.CloseBrace)
                    throw Unexpected("`,` or `}`");
            }
            Advance(TomlLexerMode.Value);
            return table;
        }
    }

    private ConfigNode Create(ConfigNode node, string name, Place place, Origin origin)
    {
        var child = ConfigNode.NewObject(place.Line);
        node.Set(name, place.Line, child);
        _origins.Add(child, origin);
        return child;
    }

    private Origin OriginOf(ConfigNode node) => _origins.GetValueOrDefault(node);


    /// <summary>The next token that means something, read as a key or as a value.</summary>
    private void Advance(TomlLexerMode mode)
    {
        if (_isHalf)
        {
            _isHalf = false;
            return;
        }
        _lexer.Mode = mode;
        do
        {
            _kind = _lexer.MoveNext() ? _lexer.Current.Kind : TokenKind.Eof;
            _token = _lexer.Current;
        }
        while (_kind is TokenKind.Whitespaces or TokenKind.Comment);
        if (_lexer.HasErrors)
        {
            var error = _lexer.Errors.First();
            throw new FaultException(new Place(error.Span.Start.Line + 1, error.Span.Start.Column + 1), error.Message);
        }
        if (_kind == TokenKind.Invalid)
            throw Unexpected(mode == TomlLexerMode.Key ? "a key" : "a value");
        // Among values, two brackets in a row are two arrays.
        if (mode == TomlLexerMode.Value && (_kind is TokenKind.OpenBracketDouble or TokenKind.CloseBracketDouble))
            (_kind, _isHalf) = (_kind == TokenKind.OpenBracketDouble ? TokenKind.OpenBracket : TokenKind.CloseBracket, true);
    }

    private void SkipNewLines(TomlLexerMode mode)
    {
        while (_kind == TokenKind.NewLine)
            Advance(mode);
    }

    private FaultException Unexpected(string expected)
    {
        var found = _kind switch
        {
            TokenKind.Eof => "the end of the file",
            TokenKind.NewLine => "the end of the line",
            _ => $"`{_lexer.GetText(in _token)}`",
        };
        return new FaultException(Place.Of(_token), $"expected {expected}, found {found}");
    }

    private static FaultException Redefined(Place place, string name) => new(place, $"key {name} is already defined");

    private readonly record struct Place(int Line, int Column)
    {
        public static Place Of(TomlToken token) => new(token.Start.Line + 1, token.Start.Column + 1);
    }

    // Carries a fault out of the recursion; never leaves this file.
    private sealed class FaultException(Place place, string message) : Exception(message)
    {
        public SyntaxFault Fault { get; } = new(place.Line, place.Column, message);
    }
}
