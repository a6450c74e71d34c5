using System.Globalization;

namespace Frp.Config.Templates;

internal sealed partial class TemplateParser
{
    private PipeNode Pipeline(string context, TokenKind end)
    {
        using var nesting = Nest();
        var pipe = new PipeNode(PeekNonSpace().Position);
        while (PeekNonSpace().Kind == TokenKind.Variable && Declaration(pipe, context)) { }
        while (true)
        {
            var token = NextNonSpace();
            if (token.Kind == end)
                break;
            if (!BeginsOperand(token.Kind))
                throw Unexpected(token, context);
            Back(token);
            pipe.Commands.Add(Command());
        }
        if (pipe.Commands.Count == 0)
            throw Fault($"missing value for {context}");
        for (var i = 1; i < pipe.Commands.Count; i++)
            if (pipe.Commands[i].Words[0] is ConstantNode or DotNode or NilNode)
                throw Fault($"non executable command in pipeline stage {i + 1}");
        return pipe;
    }

    // $x :=  or  $x =  or, in a loop,  $i, ; another declaration follows when the result is true.
    private bool Declaration(PipeNode pipe, string context)
    {
        var variable = NextNonSpace();
        var behind = Peek();
        var next = PeekNonSpace();
        if (next.Kind is TokenKind.Assign or TokenKind.Declare)
        {
            NextNonSpace();
            pipe.IsAssign = next.Kind == TokenKind.Assign;
            Declare(pipe, variable);
            return false;
        }
        if (next is { Kind: TokenKind.Char, Text: "," })
        {
            NextNonSpace();
            Declare(pipe, variable);
            if (context != "range" || pipe.Variables.Count > 1)
                throw Fault($"too many declarations in {context}");
            return PeekNonSpace().Kind is TokenKind.Variable or TokenKind.RightDelimiter or TokenKind.RightParen
                ? true : throw Fault("range can only initialize variables");
        }
        // An argument after all; what stands behind it decides whether fields follow, so the space must come back too.
        if (behind.Kind == TokenKind.Space)
            Back(behind);
        Back(variable);
        return false;
    }

    private void Declare(PipeNode pipe, TemplateToken variable)
    {
        pipe.Variables.Add(new VariableNode(variable.Position, variable.Text, []));
        _scope.Add(variable.Text);
    }

    private static bool BeginsOperand(TokenKind kind) => kind is TokenKind.Bool or TokenKind.CharConstant or TokenKind.Complex or TokenKind.Dot or TokenKind.Field
        or TokenKind.Identifier or TokenKind.Number or TokenKind.Nil or TokenKind.RawString or TokenKind.String or TokenKind.Variable or TokenKind.LeftParen;

    private CommandNode Command()
    {
        var command = new CommandNode(PeekNonSpace().Position);
        while (true)
        {
            PeekNonSpace();
            if (Operand() is { } operand)
                command.Words.Add(operand);
            var token = Next();
            if (token.Kind == TokenKind.Space)
                continue;
            if (token.Kind is TokenKind.RightDelimiter or TokenKind.RightParen)
                Back(token);
            else if (token.Kind != TokenKind.Pipe)
                throw Unexpected(token, "operand");
            return command.Words.Count > 0 ? command : throw Fault("empty command");
        }
    }

    // A term and the fields behind it.
    private TemplateNode? Operand()
    {
        var node = Term();
        if (node is null || Peek().Kind != TokenKind.Field)
            return node;
        var position = Peek().Position;
        var fields = new List<string>();
        while (Peek().Kind == TokenKind.Field)
            fields.Add(Next().Text[1..]);
        return node switch
        {
            FieldNode field => new FieldNode(position, [.. field.Names, .. fields]),
            VariableNode variable => new VariableNode(position, variable.Name, [.. variable.Fields, .. fields]),
            ConstantNode or NilNode or DotNode => throw Fault($"unexpected . after term {GoQuote.Of(node.ToString()!)}"),
            _ => new ChainNode(position, node, fields),
        };
    }

    private TemplateNode? Term()
    {
        var token = NextNonSpace();
        switch (token.Kind)
        {
            case TokenKind.Identifier:
                return _isFunction(token.Text) ? new IdentifierNode(token.Position, token.Text) : throw Fault($"function {GoQuote.Of(token.Text)} not defined");
            case TokenKind.Dot:
                return new DotNode(token.Position);
            case TokenKind.Nil:
                return new NilNode(token.Position);
            case TokenKind.Variable:
                return _scope.Knows(token.Text) ? new VariableNode(token.Position, token.Text, []) : throw Fault($"undefined variable {GoQuote.Of(token.Text)}");
            case TokenKind.Field:
                return new FieldNode(token.Position, [token.Text[1..]]);
            case TokenKind.Bool:
                return new ConstantNode(token.Position, token.Text == "true", token.Text);
            case TokenKind.CharConstant or TokenKind.Complex or TokenKind.Number:
                return Number(token);
            case TokenKind.LeftParen:
                return Pipeline("parenthesized pipeline", TokenKind.RightParen);
            case TokenKind.String or TokenKind.RawString:
                return new ConstantNode(token.Position, Unquoted(token), token.Text);
        }
        Back(token);
        return null;
    }

    private ConstantNode Number(TemplateToken token)
    {
        var text = token.Text;
        if (token.Kind == TokenKind.CharConstant)
        {
            if (!GoQuote.TryCharacterConstant(text, out var character, out var isOne))
                throw Fault("invalid syntax");
            return isOne ? new ConstantNode(token.Position, character, text) : throw Fault($"malformed character constant: {text}");
        }
        if (token.Kind == TokenKind.Complex || text.EndsWith('i'))
            throw Fault($"complex numbers are not supported: {GoQuote.Of(text)}");
        if (GoNumber.TryInteger(text, out var integer))
            return new ConstantNode(token.Position, integer, text);
        // Too large for the only integer type that a constant can have: told where it is used.
        if (GoNumber.TryUnsigned(text, out _))
            return new ConstantNode(token.Position, new UnsignedConstant(text), text);
        if (!GoNumber.TryFloat(text, out var number))
            throw Fault($"illegal number syntax: {GoQuote.Of(text)}");
        return text.AsSpan().ContainsAny(".eEpP")
            ? new ConstantNode(token.Position, number, text) : throw Fault($"integer overflow: {GoQuote.Of(text)}");
    }
}

/// <summary>An integer constant that does not fit where constants go.</summary>
internal sealed record UnsignedConstant(string Text)
{
    /// <summary>What is told about it.</summary>
    public string Message => string.Create(CultureInfo.InvariantCulture, $"{Text} overflows int");
}
