using System.Text;

namespace Frp.Config.Templates;

/// <summary>What a piece of a template's text is.</summary>
internal enum TokenKind
{
    Eof,
    /// <summary>Nothing: the text is broken here, and says how.</summary>
    Broken,
    Text,
    LeftDelimiter,
    RightDelimiter,
    Space,
    Bool,
    Char,
    CharConstant,
    Number,
    Complex,
    String,
    RawString,
    Identifier,
    Field,
    Variable,
    Assign,
    Declare,
    Pipe,
    LeftParen,
    RightParen,
    Dot,
    Nil,
    // Everything from here on is a word of the language.
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

/// <summary>A piece of a template's text.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Position">Where it begins, in characters.</param>
/// <param name="Text">As written.</param>
/// <param name="Line">1-based.</param>
internal readonly record struct TemplateToken(TokenKind Kind, int Position, string Text, int Line)
{
    private const int MaxShown = 10;

    /// <summary>The token in the words of messages.</summary>
    public string Description
    {
        get
        {
            if (Kind == TokenKind.Eof)
                return "EOF";
            if (Kind is TokenKind.Dot or TokenKind.Nil or >= TokenKind.Block)
                return $"<{Text}>";
            var runes = Text.EnumerateRunes().Take(MaxShown + 1).ToArray();
            return Encoding.UTF8.GetByteCount(Text) > MaxShown ? GoQuote.Of(string.Concat(runes.Take(MaxShown))) + "..." : GoQuote.Of(Text);
        }
    }
}

/// <summary>A template cannot be read or rendered.</summary>
/// <param name="line">1-based.</param>
/// <param name="message">The fault, beginning with <c>template: </c>.</param>
internal sealed class TemplateException(int line, string message) : Exception(message)
{
    /// <summary>1-based.</summary>
    public int Line => line;
}
