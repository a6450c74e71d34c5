using System.Globalization;
using System.Text;

namespace Frp.Config.Templates;

/// <summary>Texts and characters between quotes, as Go writes and reads them.</summary>
/// <remarks>Source: Go, package strconv.</remarks>
internal static class GoQuote
{
    /// <summary>A text between double quotes.</summary>
    /// <param name="text">The text.</param>
    /// <param name="asciiOnly">Everything beyond ASCII is escaped.</param>
    public static string Of(string text, bool asciiOnly = false) => Quoted(text, '"', asciiOnly);

    /// <summary>A character between single quotes.</summary>
    public static string OfCharacter(Rune rune, bool asciiOnly = false) => Quoted(rune.ToString(), '\'', asciiOnly);

    /// <summary>A text can stand between back quotes as it is.</summary>
    public static bool CanBackquote(string text) =>
        text.EnumerateRunes().All(r => r.Value != 0xFEFF && r != Rune.ReplacementChar && (r.Value >= ' ' || r.Value == '\t') && r.Value is not ('`' or 0x7F));

    /// <summary>A character is shown as it is.</summary>
    public static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    /// <summary>Reads a text between double quotes or back quotes.</summary>
    public static bool TryUnquote(string quoted, out string text)
    {
        text = "";
        if (quoted.Length < 2 || quoted[^1] != quoted[0])
            return false;
        var inner = quoted.AsSpan(1, quoted.Length - 2);
        if (quoted[0] == '`')
        {
            text = inner.ToString().Replace("\r", "", StringComparison.Ordinal);
            return true;
        }
        var bytes = new List<byte>();
        while (!inner.IsEmpty)
            if (!TryCharacter(ref inner, '"', bytes))
                return false;
        text = Encoding.UTF8.GetString([.. bytes]);
        return true;
    }

    /// <summary>Reads the number of a character between single quotes.</summary>
    /// <param name="quoted">With its quotes.</param>
    /// <param name="value">The code point, or the byte.</param>
    /// <param name="isOne">There is one character and nothing more.</param>
    /// <returns><c>false</c> when the syntax is broken.</returns>
    public static bool TryCharacterConstant(string quoted, out long value, out bool isOne)
    {
        (value, isOne) = (0, false);
        var rest = quoted.AsSpan(1);
        var bytes = new List<byte>();
        if (!TryCharacter(ref rest, '\'', bytes))
            return false;
        isOne = rest is "'";
        value = bytes.Count == 1 ? bytes[0] : Encoding.UTF8.GetString([.. bytes]).EnumerateRunes().First().Value;
        return true;
    }

    // A character or an escape, as bytes of UTF-8; \x and octal escapes are bytes themselves.
    private static bool TryCharacter(ref ReadOnlySpan<char> rest, char quote, List<byte> bytes)
    {
        if (rest.IsEmpty || rest[0] == quote || rest[0] == '\n')
            return false;
        if (rest[0] != '\\')
        {
            Rune.DecodeFromUtf16(rest, out var rune, out var length);
            rest = rest[length..];
            Append(bytes, rune.Value);
            return true;
        }
        if (rest.Length < 2)
            return false;
        var c = rest[1];
        rest = rest[2..];
        switch (c)
        {
            case 'a': bytes.Add(7); return true;
            case 'b': bytes.Add(8); return true;
            case 'f': bytes.Add(12); return true;
            case 'n': bytes.Add(10); return true;
            case 'r': bytes.Add(13); return true;
            case 't': bytes.Add(9); return true;
            case 'v': bytes.Add(11); return true;
            case '\\': bytes.Add((byte)'\\'); return true;
            case '\'' or '"':
                bytes.Add((byte)c);
                return c == quote;
            case 'x':
                return TryDigits(ref rest, 2, 16, out var hex) && Add(bytes, hex);
            case 'u':
                return TryDigits(ref rest, 4, 16, out var four) && Append(bytes, four);
            case 'U':
                return TryDigits(ref rest, 8, 16, out var eight) && Append(bytes, eight);
            case >= '0' and <= '7':
                ReadOnlySpan<char> digits = [c, .. rest[..Math.Min(2, rest.Length)]];
                if (!TryDigits(ref digits, 3, 8, out var octal))
                    return false;
                rest = rest[2..];
                return octal <= byte.MaxValue && Add(bytes, octal);
            default:
                return false;
        }
    }

    private static bool TryDigits(ref ReadOnlySpan<char> rest, int count, int radix, out long value)
    {
        value = 0;
        if (rest.Length < count)
            return false;
        foreach (var c in rest[..count])
        {
            var digit = char.IsAsciiHexDigit(c) ? int.Parse([c], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) : radix;
            if (digit >= radix)
                return false;
            value = value * radix + digit;
        }
        rest = rest[count..];
        return true;
    }

    private static bool Add(List<byte> bytes, long value)
    {
        bytes.Add((byte)value);
        return true;
    }

    private static bool Append(List<byte> bytes, long codePoint)
    {
        if (codePoint > int.MaxValue || !Rune.TryCreate((int)codePoint, out var rune))
            return false;
        Span<byte> utf8 = stackalloc byte[4];
        bytes.AddRange(utf8[..rune.EncodeToUtf8(utf8)]);
        return true;
    }

    private static string Quoted(string text, char quote, bool asciiOnly)
    {
        var result = new StringBuilder(text.Length + 2).Append(quote);
        foreach (var rune in text.EnumerateRunes())
            switch (rune.Value)
            {
                case var v when v == quote || v == '\\': result.Append('\\').Append((char)v); break;
                case var v when v < 0x80 ? v is >= ' ' and < 0x7F : !asciiOnly && IsPrintable(rune): result.Append(rune.ToString()); break;
                case '\a': result.Append("\\a"); break;
                case '\b': result.Append("\\b"); break;
                case '\f': result.Append("\\f"); break;
                case '\n': result.Append("\\n"); break;
                case '\r': result.Append("\\r"); break;
                case '\t': result.Append("\\t"); break;
                case '\v': result.Append("\\v"); break;
                case < ' ' or 0x7F: result.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}"); break;
                case < 0x10000: result.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}"); break;
                default: result.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}"); break;
            }
        return result.Append(quote).ToString();
    }
}
