using System.Globalization;
using System.Text;

namespace Frp.Config.Templates;

/// <summary>Cuts a template into tokens, one at a time. Spaces around trim markers and comments never become tokens.</summary>
/// <remarks>Source: Go, package text/template. Single use, by one thread.</remarks>
internal sealed class TemplateLexer(string text)
{
    private const string LeftDelimiter = "{{";
    private const string RightDelimiter = "}}";
    private const int TrimMarkerLength = 2;
    private static readonly Rune None = new('\0');

    private int _position;
    private int _start;
    private int _line = 1;
    private int _startLine = 1;
    private int _parens;
    private bool _isInAction;

    /// <summary>The next token.</summary>
    /// <exception cref="TemplateFault">The text is broken here.</exception>
    public TemplateToken Next() => _isInAction ? InAction() : OutsideAction();

    private TemplateToken OutsideAction()
    {
        while (true)
        {
            var action = text.IndexOf(LeftDelimiter, _position, StringComparison.Ordinal);
            var end = action < 0 ? text.Length : action;
            if (end > _position)
            {
                var kept = action >= 0 && IsLeftTrim(end + LeftDelimiter.Length) ? _position + text.AsSpan(_position, end - _position).TrimEnd(" \t\r\n").Length : end;
                var hasText = kept > _position;
                MoveTo(kept);
                var token = Take(TokenKind.Text);
                MoveTo(end);
                Skip();
                if (hasText)
                    return token;
            }
            if (action < 0)
                return Take(TokenKind.Eof);
            if (!TryComment())
                return Left();
        }
    }

    private TemplateToken Left()
    {
        var isTrim = IsLeftTrim(_position + LeftDelimiter.Length);
        _position += LeftDelimiter.Length;
        var token = Take(TokenKind.LeftDelimiter);
        if (isTrim)
            MoveTo(_position + TrimMarkerLength);
        Skip();
        _isInAction = true;
        _parens = 0;
        return token;
    }

    private bool TryComment()
    {
        var at = _position + LeftDelimiter.Length;
        if (IsLeftTrim(at))
            at += TrimMarkerLength;
        if (!text.AsSpan(at).StartsWith("/*"))
            return false;
        MoveTo(at);
        Skip();
        var end = text.IndexOf("*/", at + 2, StringComparison.Ordinal);
        if (end < 0)
            throw Fault("unclosed comment");
        MoveTo(end + 2);
        if (!IsRightDelimiter(_position, out var isTrim))
            throw Fault("comment ends before closing delimiter");
        PassRight(isTrim);
        return true;
    }

    private TemplateToken Right(bool isTrim)
    {
        if (isTrim)
        {
            MoveTo(_position + TrimMarkerLength);
            Skip();
        }
        _position += RightDelimiter.Length;
        var token = Take(TokenKind.RightDelimiter);
        if (isTrim)
            SkipSpaces();
        _isInAction = false;
        return token;
    }

    private void PassRight(bool isTrim)
    {
        MoveTo(_position + (isTrim ? TrimMarkerLength : 0) + RightDelimiter.Length);
        if (isTrim)
            SkipSpaces();
        Skip();
    }

    private void SkipSpaces()
    {
        var end = _position;
        while (end < text.Length && IsSpace(text[end]))
            end++;
        MoveTo(end);
        Skip();
    }

    private TemplateToken InAction()
    {
        if (IsRightDelimiter(_position, out var isTrim))
            return _parens == 0 ? Right(isTrim) : throw Fault("unclosed left paren");
        if (_position >= text.Length)
            throw Fault("unclosed action");
        var c = text[_position];
        if (IsSpace(c))
            return Spaces();
        switch (c)
        {
            case '=':
                return Single(TokenKind.Assign);
            case ':':
                _position++;
                if (_position >= text.Length || text[_position] != '=')
                    throw Fault("expected :=");
                return Single(TokenKind.Declare);
            case '|':
                return Single(TokenKind.Pipe);
            case '"':
                return Quoted('"', TokenKind.String, "unterminated quoted string");
            case '\'':
                return Quoted('\'', TokenKind.CharConstant, "unterminated character constant");
            case '`':
                return RawQuoted();
            case '$':
                _position++;
                return Name(TokenKind.Variable, TokenKind.Variable);
            case '.' when _position + 1 < text.Length && !char.IsAsciiDigit(text[_position + 1]):
                _position++;
                return Name(TokenKind.Field, TokenKind.Dot);
            case '.' or '+' or '-' or (>= '0' and <= '9'):
                return Number();
            case '(':
                _parens++;
                return Single(TokenKind.LeftParen);
            case ')':
                return --_parens < 0 ? throw Fault("unexpected right paren") : Single(TokenKind.RightParen);
        }
        if (IsAlphaNumeric(Peek()))
            return Identifier();
        return c is > ' ' and < '\x7f' ? Single(TokenKind.Char) : throw Fault("unrecognized character in action: " + CodePoint(Peek()));
    }

    private TemplateToken Single(TokenKind kind)
    {
        _position++;
        return Take(kind);
    }

    // The space before a trim marker belongs to the delimiter.
    private TemplateToken Spaces()
    {
        var end = _position;
        while (end < text.Length && IsSpace(text[end]))
            end++;
        if (IsRightDelimiter(end - 1, out var isTrim) && isTrim)
        {
            if (end - 1 == _position)
                return Right(isTrim);
            end--;
        }
        MoveTo(end);
        return Take(TokenKind.Space);
    }

    private TemplateToken Quoted(char quote, TokenKind kind, string fault)
    {
        _position++;
        while (true)
        {
            if (IsLineEnd())
                throw Fault(fault);
            var c = text[_position++];
            if (c == quote)
                return Take(kind);
            if (c != '\\')
                continue;
            if (IsLineEnd())
                throw Fault(fault);
            _position++;
        }
    }

    private TemplateToken RawQuoted()
    {
        var end = text.IndexOf('`', _position + 1);
        if (end < 0)
            throw Fault("unterminated raw quoted string");
        MoveTo(end + 1);
        return Take(TokenKind.RawString);
    }

    // The mark before the name has been passed.
    private TemplateToken Name(TokenKind kind, TokenKind bare)
    {
        if (IsTerminator())
            return Take(bare);
        PassAlphaNumerics();
        return Take(kind);
    }

    private TemplateToken Identifier()
    {
        PassAlphaNumerics();
        var word = text[_start.._position];
        return Take(word switch
        {
            "block" => TokenKind.Block,
            "break" => TokenKind.Break,
            "continue" => TokenKind.Continue,
            "define" => TokenKind.Define,
            "else" => TokenKind.Else,
            "end" => TokenKind.End,
            "if" => TokenKind.If,
            "range" => TokenKind.Range,
            "nil" => TokenKind.Nil,
            "template" => TokenKind.Template,
            "with" => TokenKind.With,
            "true" or "false" => TokenKind.Bool,
            _ => TokenKind.Identifier,
        });
    }

    private void PassAlphaNumerics()
    {
        while (_position < text.Length && Peek() is var rune && IsAlphaNumeric(rune))
            _position += rune.Utf16SequenceLength;
        if (!IsTerminator())
            throw Fault("bad character " + CodePoint(Peek()));
    }

    private TemplateToken Number()
    {
        if (!TryNumber())
            throw Fault("bad number syntax: " + GoQuote.Of(text[_start.._position]));
        if (_position >= text.Length || text[_position] is not ('+' or '-'))
            return Take(TokenKind.Number);
        if (!TryNumber() || text[_position - 1] != 'i')
            throw Fault("bad number syntax: " + GoQuote.Of(text[_start.._position]));
        return Take(TokenKind.Complex);
    }

    // Takes more than is a number; what is none is told when it is read.
    private bool TryNumber()
    {
        Accept("+-");
        var (digits, exponent) = ("0123456789_", "eE");
        if (Accept("0"))
        {
            if (Accept("xX")) (digits, exponent) = ("0123456789abcdefABCDEF_", "pP");
            else if (Accept("oO")) (digits, exponent) = ("01234567_", "");
            else if (Accept("bB")) (digits, exponent) = ("01_", "");
        }
        AcceptAll(digits);
        if (Accept("."))
            AcceptAll(digits);
        if (Accept(exponent))
        {
            Accept("+-");
            AcceptAll("0123456789_");
        }
        Accept("i");
        if (_position >= text.Length || !IsAlphaNumeric(Peek()))
            return true;
        _position += Peek().Utf16SequenceLength;
        return false;
    }

    private bool Accept(string valid)
    {
        if (_position >= text.Length || !valid.Contains(text[_position], StringComparison.Ordinal))
            return false;
        _position++;
        return true;
    }

    private void AcceptAll(string valid)
    {
        while (Accept(valid)) { }
    }

    private bool IsTerminator() =>
        _position >= text.Length || text[_position] is ' ' or '\t' or '\r' or '\n' or '.' or ',' or '|' or ':' or ')' or '('
        || text.AsSpan(_position).StartsWith(RightDelimiter);

    private bool IsLeftTrim(int at) => at + 1 < text.Length && text[at] == '-' && IsSpace(text[at + 1]);

    private bool IsRightDelimiter(int at, out bool isTrim)
    {
        isTrim = at + 1 < text.Length && IsSpace(text[at]) && text[at + 1] == '-' && text.AsSpan(at + TrimMarkerLength).StartsWith(RightDelimiter);
        return isTrim || text.AsSpan(at).StartsWith(RightDelimiter);
    }

    private Rune Peek()
    {
        if (_position >= text.Length)
            return None;
        return Rune.DecodeFromUtf16(text.AsSpan(_position), out var rune, out _) == System.Buffers.OperationStatus.Done ? rune : Rune.ReplacementChar;
    }

    private void MoveTo(int position)
    {
        _line += text.AsSpan(_position, position - _position).Count('\n');
        _position = position;
    }

    private void Skip() => (_start, _startLine) = (_position, _line);

    private TemplateToken Take(TokenKind kind)
    {
        var token = new TemplateToken(kind, _start, text[_start.._position], _startLine);
        Skip();
        return token;
    }

    private TemplateFault Fault(string message) => new(_startLine, message);

    private bool IsLineEnd() => _position >= text.Length || text[_position] == '\n';

    private static bool IsSpace(char c) => c is ' ' or '\t' or '\r' or '\n';

    private static bool IsAlphaNumeric(Rune rune) =>
        rune.Value == '_' || Rune.IsLetter(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber;

    private static string CodePoint(Rune rune) => GoQuote.IsPrintable(rune) ? $"U+{rune.Value:X4} '{rune}'" : $"U+{rune.Value:X4}";
}

/// <summary>The text of a template is broken; never leaves the parser.</summary>
/// <param name="line">1-based.</param>
/// <param name="message">The fault.</param>
internal sealed class TemplateFault(int line, string message) : Exception(message)
{
    /// <summary>1-based.</summary>
    public int Line => line;
}
