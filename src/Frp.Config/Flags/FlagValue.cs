using System.Buffers;
using System.Globalization;
using System.Text;

namespace Frp.Config.Flags;

/// <summary>Values of flags as text. What is wrong is told in the words of Go's strconv, which users' scripts may know.</summary>
internal static class FlagValue
{
    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    // A secret is a line; whoever points at a device learns it from an error, not from memory use.
    private const int MaxFileBytes = 1 << 20;

    /// <summary>The content of a file, without white space around it.</summary>
    public static string OfFile(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var content = new byte[MaxFileBytes + 1];
            int length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            return length <= MaxFileBytes ? Encoding.UTF8.GetString(content, 0, length).Trim() : throw new FormatException($"{path}: larger than {MaxFileBytes} bytes");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new FormatException(OsText.Of("open", path, e), e);
        }
    }

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
        for (var i = 0; i < digits.Length; i++)
        {
            var digit = digits[i];
            // Underscores may separate digits, and the first from what tells the radix.
            if (digit == '_' && i + 1 < digits.Length && digits[i + 1] != '_' && (i > 0 || radix != 10))
                continue;
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
                    field.Append(text[i] != '"' ? text[i] : throw BadQuote(text, i, "bare \" in non-quoted-field"));
            fields.Add(field.ToString());
            if (i >= text.Length)
                return fields;
        }
    }

    /// <summary>Pairs of key and value: comma-separated, with the quotes of <see cref="List"/>. A text with a single <c>=</c> is one pair, commas and all.</summary>
    public static IEnumerable<(string Key, string Value)> Pairs(string text)
    {
        var pairs = text.Count(c => c == '=') == 1 ? [text.Trim('"')] : List(text);
        if (pairs.Count == 0)
            throw new FormatException($"{text} must be formatted as key=value");
        foreach (var pair in pairs)
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
                throw new FormatException($"{pair} must be formatted as key=value");
            yield return (pair[..equals], pair[(equals + 1)..]);
        }
    }

    /// <summary>A sum of numbers with units, such as <c>1m30s</c>, <c>1.5h</c>, <c>300ms</c>; 0 needs no unit.</summary>
    public static TimeSpan Duration(string text)
    {
        var rest = text.AsSpan();
        var negative = rest is ['-', ..];
        if (rest is ['-' or '+', ..])
            rest = rest[1..];
        if (rest is "0")
            return TimeSpan.Zero;
        if (rest.IsEmpty)
            throw Bad();
        var seconds = 0.0;
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(NumberCharacters);
            if (digits < 0)
                throw new FormatException($"time: missing unit in duration \"{text}\"");
            if (!double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
                throw Bad();
            rest = rest[digits..];
            var end = rest.IndexOfAny(NumberCharacters);
            var unit = end < 0 ? rest : rest[..end];
            seconds += number * (unit switch
            {
                "ns" => 1e-9,
                "us" or "µs" or "μs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                _ => throw new FormatException($"time: unknown unit \"{unit}\" in duration \"{text}\""),
            });
            rest = rest[unit.Length..];
        }
        // Source: Go's durations are 64-bit numbers of nanoseconds.
        return seconds <= long.MaxValue * 1e-9 ? TimeSpan.FromSeconds(negative ? -seconds : seconds) : throw Bad();

        FormatException Bad() => new($"time: invalid duration \"{text}\"");
    }

    /// <summary>A whole number of seconds as <see cref="Duration"/> reads it.</summary>
    public static string DurationText(TimeSpan duration) => duration.TotalSeconds.ToString(CultureInfo.InvariantCulture) + "s";

    private static int QuotedField(string text, int start, StringBuilder field)
    {
        var i = start + 1;
        for (; i < text.Length; i++)
            if (text[i] != '"')
                field.Append(text[i]);
            else if (i + 1 < text.Length && text[i + 1] == '"')
                field.Append(text[i++]);
            else if (i + 1 == text.Length || text[i + 1] == ',')
                return i + 1;
            else
                break;
        throw BadQuote(text, i, "extraneous or missing \" in quoted-field");
    }

    private static FormatException BadQuote(string text, int at, string fault) => new($"parse error on line 1, column {Encoding.UTF8.GetByteCount(text.AsSpan(0, at)) + 1}: {fault}");

    private static FormatException Invalid(string function, string text) => new($"strconv.{function}: parsing \"{text}\": invalid syntax");
}
