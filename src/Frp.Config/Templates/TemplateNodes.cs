namespace Frp.Config.Templates;

/// <summary>A part of a template. Its text is what messages show, which is the source in a canonical form.</summary>
/// <param name="Position">Where it begins, in characters.</param>
internal abstract record TemplateNode(int Position);

/// <summary>Text that is printed as it is.</summary>
internal sealed record TextNode(int Position, string Text) : TemplateNode(Position)
{
    public override string ToString() => GoQuote.Of(Text);
}

/// <summary>Parts one after another.</summary>
internal sealed record ListNode(int Position) : TemplateNode(Position)
{
    public List<TemplateNode> Nodes { get; } = [];

    /// <summary>Nothing but white space.</summary>
    public bool IsBlank => Nodes.TrueForAll(n => n is TextNode text && string.IsNullOrWhiteSpace(text.Text));

    public override string ToString() => string.Concat(Nodes);
}

/// <summary>An action that prints a value, or gives one to a variable.</summary>
internal sealed record ActionNode(int Position, PipeNode Pipe) : TemplateNode(Position)
{
    public override string ToString() => $"{{{{{Pipe}}}}}";
}

/// <summary><c>if</c> or <c>with</c>.</summary>
internal sealed record BranchNode(int Position, bool IsWith, PipeNode Pipe, ListNode List, ListNode? Else) : TemplateNode(Position)
{
    public override string ToString() => Branches.Text(IsWith ? "with" : "if", Pipe, List, Else);
}

/// <summary>A loop.</summary>
internal sealed record RangeNode(int Position, PipeNode Pipe, ListNode List, ListNode? Else) : TemplateNode(Position)
{
    public override string ToString() => Branches.Text("range", Pipe, List, Else);
}

/// <summary>The end of a loop, or of its round.</summary>
internal sealed record JumpNode(int Position, bool IsBreak) : TemplateNode(Position)
{
    public override string ToString() => IsBreak ? "{{break}}" : "{{continue}}";
}

/// <summary>The use of a template by name.</summary>
internal sealed record CallNode(int Position, string Name, PipeNode? Pipe) : TemplateNode(Position)
{
    public override string ToString() => $"{{{{template {GoQuote.Of(Name)}{(Pipe is null ? "" : " " + Pipe)}}}}}";
}

/// <summary>Only met while reading: the end of a list.</summary>
internal sealed record EndNode(int Position, bool IsElse) : TemplateNode(Position)
{
    public override string ToString() => IsElse ? "{{else}}" : "{{end}}";
}

/// <summary>Commands, each with the value of the one before it as its last argument, and the variables that take the result.</summary>
internal sealed record PipeNode(int Position) : TemplateNode(Position)
{
    /// <summary>The variables exist already.</summary>
    public bool IsAssign { get; set; }
    public List<VariableNode> Variables { get; } = [];
    public List<CommandNode> Commands { get; } = [];

    public override string ToString() =>
        (Variables.Count == 0 ? "" : string.Join(", ", Variables) + (IsAssign ? " = " : " := ")) + string.Join(" | ", Commands);
}

/// <summary>A word with its arguments.</summary>
internal sealed record CommandNode(int Position) : TemplateNode(Position)
{
    public List<TemplateNode> Words { get; } = [];

    public override string ToString() => string.Join(' ', Words.Select(w => w is PipeNode ? $"({w})" : w.ToString()));
}

/// <summary>The name of a function.</summary>
internal sealed record IdentifierNode(int Position, string Name) : TemplateNode(Position)
{
    public override string ToString() => Name;
}

/// <summary>The cursor.</summary>
internal sealed record DotNode(int Position) : TemplateNode(Position)
{
    public override string ToString() => ".";
}

/// <summary>The value without type.</summary>
internal sealed record NilNode(int Position) : TemplateNode(Position)
{
    public override string ToString() => "nil";
}

/// <summary><c>.a.b</c>.</summary>
internal sealed record FieldNode(int Position, IReadOnlyList<string> Names) : TemplateNode(Position)
{
    public override string ToString() => "." + string.Join('.', Names);
}

/// <summary><c>$x.a.b</c>.</summary>
internal sealed record VariableNode(int Position, string Name, IReadOnlyList<string> Fields) : TemplateNode(Position)
{
    public override string ToString() => string.Join('.', Fields.Prepend(Name));
}

/// <summary><c>(...).a.b</c>.</summary>
internal sealed record ChainNode(int Position, TemplateNode Node, IReadOnlyList<string> Fields) : TemplateNode(Position)
{
    public override string ToString() => $"{(Node is PipeNode ? $"({Node})" : Node)}.{string.Join('.', Fields)}";
}

/// <summary>A text, a number or a boolean as written.</summary>
internal sealed record ConstantNode(int Position, object Value, string Text) : TemplateNode(Position)
{
    public override string ToString() => Text;
}

file static class Branches
{
    public static string Text(string word, PipeNode pipe, ListNode list, ListNode? otherwise) =>
        $"{{{{{word} {pipe}}}}}{list}{(otherwise is null ? "" : "{{else}}" + otherwise)}{{{{end}}}}";
}
