using System.Globalization;

namespace Frp.Config.Templates;

/// <summary>The functions that frp adds to the language: lists of numbers such as <c>6000-6002,6010</c>.</summary>
internal static class NumberRanges
{
    // Far above any list of ports.
    private const int MaxNumbers = 1_000_000;

    /// <summary>The numbers in the order given; blanks around them do not count.</summary>
    /// <exception cref="FormatException">The text begins with <c>range number is invalid</c>.</exception>
    public static long[] Parse(string text)
    {
        var numbers = new List<long>();
        foreach (var part in text.Trim().Split(','))
        {
            var bounds = part.Split('-');
            if (bounds.Length > 2)
                throw new FormatException("range number is invalid");
            var first = Number(bounds[0]);
            var last = bounds.Length == 2 ? Number(bounds[1]) : first;
            if (last < first)
                throw new FormatException("range number is invalid");
            if (last - first >= MaxNumbers - numbers.Count)
                throw new FormatException($"range number is invalid, more than {MaxNumbers} numbers");
            for (var number = first; number <= last; number++)
                numbers.Add(number);
        }
        return [.. numbers];
    }

    /// <summary>The numbers of two texts in pairs.</summary>
    /// <exception cref="FormatException">One of them is no list, or they are not equally long.</exception>
    public static TemplateList Pairs(string firsts, string seconds)
    {
        var (first, second) = (Parse(firsts), Parse(seconds));
        return first.Length == second.Length
            ? TemplateList.OfPairs(first, second) : throw new FormatException("first and second range numbers are not in pairs");
    }

    private static long Number(string text)
    {
        var number = text.Trim();
        if (long.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
            return value;
        var isNumber = number.AsSpan().TrimStart("+-") is { Length: > 0 } digits && !digits.ContainsAnyExceptInRange('0', '9');
        throw new FormatException($"range number is invalid, strconv.ParseInt: parsing {GoQuote.Of(number)}: {(isNumber ? "value out of range" : "invalid syntax")}");
    }
}
