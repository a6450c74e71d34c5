using System.Text;

namespace Frp.Config.Templates;

// What a template works with. Go's int is a long here, float64 a double, uint8 a byte; a value that is not there is null.

/// <summary>A number of a list, of Go's type int64.</summary>
internal readonly record struct ListedNumber(long Value);

/// <summary>Two numbers that belong together.</summary>
internal sealed record NumberPair(long First, long Second);

/// <summary>A list of numbers or of pairs, or a part of one.</summary>
internal sealed class TemplateList
{
    private readonly ReadOnlyMemory<long> _firsts;
    private readonly ReadOnlyMemory<long>? _seconds;

    private TemplateList(ReadOnlyMemory<long> firsts, ReadOnlyMemory<long>? seconds) => (_firsts, _seconds) = (firsts, seconds);

    public static TemplateList OfNumbers(long[] numbers) => new(numbers, null);
    public static TemplateList OfPairs(long[] firsts, long[] seconds) => new(firsts, seconds);

    public int Count => _firsts.Length;
    public string TypeName => _seconds is null ? "[]int64" : "[]config.NumberPair";
    public object this[int index] => _seconds is { } seconds ? new NumberPair(_firsts.Span[index], seconds.Span[index]) : new ListedNumber(_firsts.Span[index]);
    public TemplateList Slice(int from, int to) => new(_firsts[from..to], _seconds?[from..to]);
}

/// <summary>The variables of the environment.</summary>
internal sealed class EnvironmentMap(Func<string, string?> variable, Func<IEnumerable<string>> names)
{
    private (string Name, string Value)[]? _sorted;

    public string? this[string name] => variable(name);

    /// <summary>All variables in the order of their names.</summary>
    public IReadOnlyList<(string Name, string Value)> Sorted => _sorted ??=
        [.. names().Distinct(StringComparer.Ordinal).Select(n => (n, variable(n) ?? "")).OrderBy(v => v.n, StringComparer.Ordinal)];
}

/// <summary>What the dot is at the beginning.</summary>
internal sealed record TemplateData(EnvironmentMap Envs);

/// <summary>Values seen as Go sees them.</summary>
internal static class GoType
{
    public const string DataPointer = "*config.Values";

    public static string Name(object value) => value switch
    {
        bool => "bool",
        long => "int",
        byte => "uint8",
        double => "float64",
        string => "string",
        ListedNumber => "int64",
        NumberPair => "config.NumberPair",
        TemplateList list => list.TypeName,
        EnvironmentMap => "map[string]string",
        TemplateData => DataPointer,
        _ => value.GetType().Name,
    };

    /// <summary>A value where its text is asked for without printing it: only texts have one.</summary>
    public static string ValueText(object value) => value as string ?? $"<{Name(value)} Value>";

    public static bool IsInteger(object? value, out long integer)
    {
        (var isInteger, integer) = value switch
        {
            long number => (true, number),
            byte number => (true, number),
            ListedNumber number => (true, number.Value),
            _ => (false, 0L),
        };
        return isInteger;
    }

    /// <summary>What <c>if</c> takes for true: everything but the zero of a type.</summary>
    public static bool IsTrue(object? value) => value switch
    {
        null => false,
        bool boolean => boolean,
        double number => number != 0,
        string text => text.Length > 0,
        TemplateList list => list.Count > 0,
        EnvironmentMap map => map.Sorted.Count > 0,
        _ => !IsInteger(value, out var integer) || integer != 0,
    };

    /// <summary>How long Go takes it for; texts are bytes.</summary>
    public static int? Length(object value) => value switch
    {
        string text => Encoding.UTF8.GetByteCount(text),
        TemplateList list => list.Count,
        EnvironmentMap map => map.Sorted.Count,
        _ => null,
    };
}
