using System.Globalization;
using System.Numerics;

namespace Frp.Config;

/// <summary>Numbers as Go's <c>strconv</c> reads them where the base is taken from the text: <c>0x</c>, <c>0o</c>, <c>0b</c>, <c>0</c>.</summary>
internal static class GoNumber
{
    /// <summary>Reads an integer of 64 bits with an optional sign.</summary>
    /// <param name="text">The text; underscores may stand between digits, and behind the mark of a base.</param>
    /// <param name="value">The value.</param>
    public static bool TryInteger(ReadOnlySpan<char> text, out long value)
    {
        value = 0;
        if (!TryBig(text, out var big) || big < long.MinValue || big > long.MaxValue)
            return false;
        value = (long)big;
        return true;
    }

    /// <summary>Reads an integer without sign that needs all 64 bits.</summary>
    public static bool TryUnsigned(ReadOnlySpan<char> text, out ulong value)
    {
        value = 0;
        if (text.IsEmpty || text[0] is '+' or '-' || !TryBig(text, out var big) || big > ulong.MaxValue)
            return false;
        value = (ulong)big;
        return true;
    }

    /// <summary>Reads a floating-point number in decimal notation, without white space, infinities or names.</summary>
    public static bool TryFloat(ReadOnlySpan<char> text, out double value)
    {
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        value = 0;
        foreach (var c in text)
            if (!char.IsAsciiDigit(c) && c is not ('+' or '-' or '.' or 'e' or 'E'))
                return false;
        return double.TryParse(text, Style, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
    }

    private static bool TryBig(ReadOnlySpan<char> text, out BigInteger value)
    {
        const int MaxLength = 80; // 64 digits of base 2, a sign, a mark and room for underscores
        value = BigInteger.Zero;
        if (text.Length is 0 or > MaxLength)
            return false;
        var negative = text[0] == '-';
        if (text[0] is '+' or '-')
            text = text[1..];
        var radix = Base(text, out var digits);
        if (digits.IsEmpty)
            return false;
        var isDigit = radix != 10; // an underscore may follow the mark of a base
        foreach (var c in digits)
        {
            if (c == '_')
            {
                if (!isDigit) return false;
                isDigit = false;
                continue;
            }
            var digit = char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : int.MaxValue;
            if (digit >= radix)
                return false;
            value = value * radix + digit;
            isDigit = true;
        }
        if (negative)
            value = -value;
        return isDigit;
    }

    private static int Base(ReadOnlySpan<char> text, out ReadOnlySpan<char> digits)
    {
        var radix = text switch
        {
            ['0', 'x' or 'X', ..] => 16,
            ['0', 'o' or 'O', ..] => 8,
            ['0', 'b' or 'B', ..] => 2,
            ['0', _, ..] => 0, // octal too, marked by the zero alone
            _ => 10,
        };
        digits = radix == 10 ? text : radix == 0 ? text[1..] : text[2..];
        return radix == 0 ? 8 : radix;
    }
}
