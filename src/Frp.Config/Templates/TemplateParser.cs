namespace Frp.Config.Templates;

/// <summary>A template that was read: its parts by name, and the text that their positions are in.</summary>
internal sealed class ParsedTemplate(string text, IReadOnlyDictionary<string, ListNode> templates)
{
    private int[]? _starts;

    public string Text => text;
    public IReadOnlyDictionary<string, ListNode> Templates => templates;

    /// <summary>The line of a place, 1-based.</summary>
    public int LineOf(int position)
    {
        _starts ??= [0, .. Enumerable.Range(0, text.Length).Where(i => text[i] == '\n').Select(i => i + 1)];
        var line = Array.BinarySearch(_starts, position);
        return line < 0 ? ~line : line + 1;
    }

    /// <summary>Line and column of a place, as messages count them: the column from 0, in bytes.</summary>
    public (int Line, int Column) Locate(int position)
    {
        var line = LineOf(position);
        var start = _starts![line - 1];
        return (line, System.Text.Encoding.UTF8.GetByteCount(text.AsSpan(start, position - start)));
    }
}

/// <summary>Reads a template.</summary>
/// <remarks>Source: Go, package text/template. Single use, by one thread.</remarks>
internal sealed partial class TemplateParser
{
    /// <summary>The name of a whole file.</summary>
    public const string MainName = "frp";

    private const int MaxDepth = 250;

    private readonly TemplateLexer _lexer;
    private readonly Func<string, bool> _isFunction;
    private readonly Dictionary<string, ListNode> _templates = new(StringComparer.Ordinal);
    private readonly List<TemplateToken> _ahead = []; // the last one comes first
    private Scope _scope = new();
    private TemplateToken _latest;
    private int _actionLine;
    private int _depth;

    private TemplateParser(string text, Func<string, bool> isFunction) => (_lexer, _isFunction) = (new TemplateLexer(text), isFunction);

    /// <summary>Reads a template.</summary>
    /// <param name="text">Its text.</param>
    /// <param name="isFunction">Says whether a function of this name exists.</param>
    /// <exception cref="TemplateException">It is broken.</exception>
    public static ParsedTemplate Parse(string text, Func<string, bool> isFunction)
    {
        var parser = new TemplateParser(text, isFunction);
        try
        {
            parser.File();
        }
        catch (TemplateFault e)
        {
            throw new TemplateException(e.Line, $"template: {MainName}:{e.Line}: {e.Message}");
        }
        return new ParsedTemplate(text, parser._templates);
    }

    private void File()
    {
        var list = new ListNode(Peek().Position);
        while (Peek().Kind != TokenKind.Eof)
        {
            if (Peek().Kind == TokenKind.LeftDelimiter)
            {
                var delimiter = Next();
                var word = NextNonSpace();
                if (word.Kind == TokenKind.Define)
                {
                    Definition();
                    continue;
                }
                Back(word);
                Back(delimiter);
            }
            var node = TextOrAction();
            list.Nodes.Add(node is EndNode ? throw Fault($"unexpected {node}") : node);
        }
        Add(MainName, list);
    }

    private void Add(string name, ListNode list)
    {
        if (!_templates.TryGetValue(name, out var known) || known.IsBlank)
            _templates[name] = list;
        else if (!list.IsBlank)
            throw Fault($"template: multiple definition of template {GoQuote.Of(name)}");
    }

    private void Definition()
    {
        const string Context = "define clause";
        var name = TemplateName(NextNonSpace(), Context);
        Expect(TokenKind.RightDelimiter, Context);
        Add(name, Body(Context));
    }

    // A template of its own: variables from outside are not known in it.
    private ListNode Body(string context)
    {
        var (outer, ranges) = (_scope, _scope.Ranges);
        _scope = new Scope();
        var (list, end) = Items();
        if (end.IsElse)
            throw Fault($"unexpected {end} in {context}");
        _scope = outer;
        _scope.Ranges = ranges;
        return list;
    }

    private (ListNode List, EndNode End) Items()
    {
        var list = new ListNode(PeekNonSpace().Position);
        while (PeekNonSpace().Kind != TokenKind.Eof)
        {
            var node = TextOrAction();
            if (node is EndNode end)
                return (list, end);
            list.Nodes.Add(node);
        }
        throw Fault("unexpected EOF");
    }

    private TemplateNode TextOrAction()
    {
        var token = NextNonSpace();
        switch (token.Kind)
        {
            case TokenKind.Text:
                return new TextNode(token.Position, token.Text);
            case TokenKind.LeftDelimiter:
                _actionLine = token.Line;
                var node = Action();
                _actionLine = 0;
                return node;
            default:
                throw Unexpected(token, "input");
        }
    }

    private TemplateNode Action()
    {
        var token = NextNonSpace();
        switch (token.Kind)
        {
            case TokenKind.Block:
                return Block(token);
            case TokenKind.Break or TokenKind.Continue:
                return Jump(token);
            case TokenKind.Else:
                return Else();
            case TokenKind.End:
                return new EndNode(Expect(TokenKind.RightDelimiter, "end").Position, IsElse: false);
            case TokenKind.If or TokenKind.With or TokenKind.Range:
                return Control(token.Kind);
            case TokenKind.Template:
                return Call();
        }
        Back(token);
        return new ActionNode(token.Position, Pipeline("command", TokenKind.RightDelimiter));
    }

    private JumpNode Jump(TemplateToken token)
    {
        var word = $"{{{{{token.Text}}}}}";
        if (NextNonSpace() is { Kind: not TokenKind.RightDelimiter } other)
            throw Unexpected(other, word);
        return _scope.Ranges > 0 ? new JumpNode(token.Position, token.Kind == TokenKind.Break) : throw Fault($"{word} outside {{{{range}}}}");
    }

    private EndNode Else()
    {
        // "else if" is an "else" with an "if" inside, which Control reads.
        var next = PeekNonSpace();
        return new EndNode(next.Kind is TokenKind.If or TokenKind.With ? next.Position : Expect(TokenKind.RightDelimiter, "else").Position, IsElse: true);
    }

    private TemplateNode Control(TokenKind kind)
    {
        using var nesting = Nest();
        var mark = _scope.Count;
        var word = kind == TokenKind.If ? "if" : kind == TokenKind.With ? "with" : "range";
        var pipe = Pipeline(word, TokenKind.RightDelimiter);
        if (kind == TokenKind.Range)
            _scope.Ranges++;
        var (list, end) = Items();
        if (kind == TokenKind.Range)
            _scope.Ranges--;
        ListNode? otherwise = null;
        if (end.IsElse && kind != TokenKind.Range && Peek().Kind == kind)
        {
            Next();
            otherwise = new ListNode(end.Position);
            otherwise.Nodes.Add(Control(kind));
        }
        else if (end.IsElse)
        {
            (otherwise, end) = Items();
            if (end.IsElse)
                throw Fault($"expected end; found {end}");
        }
        _scope.CutTo(mark);
        return kind == TokenKind.Range ? new RangeNode(pipe.Position, pipe, list, otherwise) : new BranchNode(pipe.Position, kind == TokenKind.With, pipe, list, otherwise);
    }

    private CallNode Block(TemplateToken _)
    {
        const string Context = "block clause";
        using var nesting = Nest();
        var token = NextNonSpace();
        var name = TemplateName(token, Context);
        var pipe = Pipeline(Context, TokenKind.RightDelimiter);
        Add(name, Body(Context));
        return new CallNode(token.Position, name, pipe);
    }

    private CallNode Call()
    {
        const string Context = "template clause";
        var token = NextNonSpace();
        var name = TemplateName(token, Context);
        var next = NextNonSpace();
        if (next.Kind == TokenKind.RightDelimiter)
            return new CallNode(token.Position, name, null);
        Back(next);
        return new CallNode(token.Position, name, Pipeline(Context, TokenKind.RightDelimiter));
    }

    private string TemplateName(TemplateToken token, string context) => token.Kind is TokenKind.String or TokenKind.RawString
        ? Unquoted(token) : throw Unexpected(token, context);

    private string Unquoted(TemplateToken token) => GoQuote.TryUnquote(token.Text, out var text) ? text : throw Fault("invalid syntax");

    private Nesting Nest()
    {
        if (++_depth > MaxDepth)
            throw Fault("max expression depth exceeded");
        return new Nesting(this);
    }

    private TemplateToken Expect(TokenKind kind, string context)
    {
        var token = NextNonSpace();
        return token.Kind == kind ? token : throw Unexpected(token, context);
    }

    private TemplateToken Next()
    {
        if (_ahead.Count > 0)
        {
            var token = _ahead[^1];
            _ahead.RemoveAt(_ahead.Count - 1);
            return token;
        }
        try
        {
            return _latest = _lexer.Next();
        }
        catch (TemplateFault e)
        {
            // Told when it is its turn: the parser looks ahead.
            return _latest = new TemplateToken(TokenKind.Broken, 0, e.Message, e.Line);
        }
    }

    private void Back(TemplateToken token) => _ahead.Add(token);

    private TemplateToken NextNonSpace()
    {
        var token = Next();
        while (token.Kind == TokenKind.Space)
            token = Next();
        return token;
    }

    private TemplateToken Peek()
    {
        var token = Next();
        Back(token);
        return token;
    }

    private TemplateToken PeekNonSpace()
    {
        var token = NextNonSpace();
        Back(token);
        return token;
    }

    private TemplateFault Unexpected(TemplateToken token, string context)
    {
        if (token.Kind != TokenKind.Broken)
            return Fault($"unexpected {token.Description} in {context}");
        if (_actionLine == 0 || _actionLine == token.Line)
            return Fault(token.Text);
        var started = $" in action started at {MainName}:{_actionLine}";
        return Fault(token.Text + (token.Text.EndsWith(" action", StringComparison.Ordinal) ? started[" in action".Length..] : started));
    }

    private TemplateFault Fault(string message) => new(Math.Max(_latest.Line, 1), message);

    private readonly struct Nesting(TemplateParser parser) : IDisposable
    {
        public void Dispose() => parser._depth--;
    }

    // The variables that are known here, innermost last.
    private sealed class Scope
    {
        private readonly List<string> _names = ["$"];
        private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal) { ["$"] = 1 };

        public int Ranges { get; set; }
        public int Count => _names.Count;

        public void Add(string name)
        {
            _names.Add(name);
            _counts[name] = _counts.GetValueOrDefault(name) + 1;
        }

        public bool Knows(string name) => _counts.GetValueOrDefault(name) > 0;

        public void CutTo(int count)
        {
            for (; _names.Count > count; _names.RemoveAt(_names.Count - 1))
                _counts[_names[^1]]--;
        }
    }
}
