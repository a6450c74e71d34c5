using System.Text;

namespace Frp.Config.Flags;

/// <summary>Values of flags as text. What is wrong is told in the words of Go's strconv, which users' scripts may know.</summary>
internal static class FlagValue
{
    public static int Number(string text)
    {
        var digits = text.AsSpan();
        var negative = digits is ['-', ..];
        if (digits is ['-' or '+', ..])
            digits = digits[1..];
        var radix = digits is ['0', 'x' or 'X', ..] ? 16 : digits is ['0', 'o' or 'O', ..] ? 8 : digits is ['0', 'b' or 'B', ..] ? 2 : 10;
        if (radix != 10)
            digits = digits[2..];
        else if (digits is ['0', _, ..])
        {
            radix = 8;
            digits = digits[1..];
        }
        if (digits.IsEmpty)
            throw Invalid("ParseInt", text);
        var value = 0L;
        foreach (var digit in digits)
        {
            var worth = char.IsAsciiHexDigit(digit) ? Convert.ToInt32(digit.ToString(), 16) : radix;
            if (worth >= radix)
                throw Invalid("ParseInt", text);
            value = Math.Min(value * radix + worth, uint.MaxValue);
        }
        value = negative ? -value : value;
        return value is >= int.MinValue and <= int.MaxValue ? (int)value : throw new FormatException($"strconv.ParseInt: parsing \"{text}\": value out of range");
    }

    public static bool Boolean(string text) => text switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => throw Invalid("ParseBool", text),
    };

    /// <summary>One line of comma-separated values.</summary>
    /// <remarks>
    /// Source: RFC 4180. A field in double quotes may hold commas, and quotes that are doubled; elsewhere a quote is a fault.
    /// </remarks>
    public static List<string> List(string text)
    {
        var fields = new List<string>();
        if (text.Length == 0)
            return fields;
        var field = new StringBuilder();
        for (var i = 0; ; i++)
        {
            field.Clear();
            if (i < text.Length && text[i] == '"')
                i = QuotedField(text, i, field);
            else
                for (; i < text.Length && text[i] != ','; i++)
                    field.Append(text[i] != '"' ? text[i] : throw new FormatException($"parse error on line 1, column {i + 1}: bare \" in non-quoted field"));
            fields.Add(field.ToString());
            if (i >= text.Length)
                return fields;
        }
    }

    private static int QuotedField(string text, int start, StringBuilder field)
    {
        for (var i = start + 1; i < text.Length; i++)
            if (text[i] != '"')
                field.Append(text[i]);
            else if (i + 1 < text.Length && text[i + 1] == '"')
                field.Append(text[i++]);
            else if (i + 1 == text.Length || text[i + 1] == ',')
                return i + 1;
            else
                break;
        throw new FormatException($"parse error on line 1, column {start + 1}: extraneous or missing \" in quoted-field");
    }

    private static FormatException Invalid(string function, string text) => new($"strconv.{function}: parsing \"{text}\": invalid syntax");
}
