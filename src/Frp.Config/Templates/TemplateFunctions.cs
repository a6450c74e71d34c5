using System.Text;

namespace Frp.Config.Templates;

/// <summary>What a function wants to be given.</summary>
internal enum Parameter
{
    /// <summary>Anything, and nothing too.</summary>
    Any,
    /// <summary>A text.</summary>
    Text,
}

/// <summary>A function of the language.</summary>
/// <param name="Fixed">What it must be given.</param>
/// <param name="Rest">What may follow; <c>null</c> = nothing.</param>
/// <param name="Invoke">Its work. A <see cref="FormatException"/> ends the template with its text.</param>
internal sealed record TemplateFunction(Parameter[] Fixed, Parameter? Rest, Func<object?[], object?> Invoke);

/// <summary>The functions there are.</summary>
/// <remarks>Source: Go, package text/template, Functions.</remarks>
internal static class TemplateFunctions
{
    /// <summary>No text that a function makes may be longer.</summary>
    public const int MaxText = ConfigFile.MaxBytes;

    private static readonly Dictionary<string, TemplateFunction> Builtin = new(StringComparer.Ordinal)
    {
        // The first two look at no more arguments than they must, so whoever evaluates arguments knows them by name.
        ["and"] = new([Parameter.Any], Parameter.Any, static a => a[^1]),
        ["or"] = new([Parameter.Any], Parameter.Any, static a => a[^1]),
        ["not"] = new([Parameter.Any], null, static a => !GoType.IsTrue(a[0])),
        ["len"] = new([Parameter.Any], null, static a => Length(a[0])),
        ["index"] = new([Parameter.Any], Parameter.Any, Index),
        ["slice"] = new([Parameter.Any], Parameter.Any, Slice),
        // No value of a configuration's template is a function; whoever evaluates arguments says so of one that is there.
        ["call"] = new([Parameter.Any], Parameter.Any, static _ => throw new FormatException("call of nil")),
        ["print"] = new([], Parameter.Any, GoFormat.Print),
        ["println"] = new([], Parameter.Any, GoFormat.PrintLine),
        ["printf"] = new([Parameter.Text], Parameter.Any, static a => GoFormat.Printf((string)a[0]!, a[1..], MaxText)),
        ["html"] = new([], Parameter.Any, static a => TemplateEscapes.Html(Shown(a))),
        ["js"] = new([], Parameter.Any, static a => TemplateEscapes.JavaScript(Shown(a))),
        ["urlquery"] = new([], Parameter.Any, static a => TemplateEscapes.UrlQuery(Shown(a))),
        ["eq"] = new([Parameter.Any], Parameter.Any, static a => Comparison.AnyEqual(a)),
        ["ne"] = new([Parameter.Any, Parameter.Any], null, static a => !Comparison.AnyEqual(a)),
        ["lt"] = new([Parameter.Any, Parameter.Any], null, static a => Comparison.IsLess(a[0], a[1])),
        ["le"] = new([Parameter.Any, Parameter.Any], null, static a => Comparison.IsLess(a[0], a[1]) || Comparison.AnyEqual(a)),
        ["gt"] = new([Parameter.Any, Parameter.Any], null, static a => !Comparison.IsLess(a[0], a[1]) && !Comparison.AnyEqual(a)),
        ["ge"] = new([Parameter.Any, Parameter.Any], null, static a => !Comparison.IsLess(a[0], a[1])),
    };

    private static readonly Dictionary<string, TemplateFunction> Ranges = new(StringComparer.Ordinal)
    {
        ["parseNumberRange"] = new([Parameter.Text], null, static a => TemplateList.OfNumbers(NumberRanges.Parse((string)a[0]!))),
        ["parseNumberRangePair"] = new([Parameter.Text, Parameter.Text], null, static a => NumberRanges.Pairs((string)a[0]!, (string)a[1]!)),
    };

    /// <summary>The function of a name, or <c>null</c>.</summary>
    public static TemplateFunction? Find(string name, bool withRanges) =>
        Builtin.GetValueOrDefault(name) ?? (withRanges ? Ranges.GetValueOrDefault(name) : null);

    private static long Length(object? value) => value switch
    {
        null => throw new FormatException("reflect: call of reflect.Value.Type on zero Value"),
        _ => GoType.Length(value) is { } length ? length : throw new FormatException($"len of type {BareName(value)}"),
    };

    private static object? Index(object?[] arguments)
    {
        var item = arguments[0] ?? throw new FormatException("index of untyped nil");
        foreach (var index in arguments.AsSpan(1))
            item = item switch
            {
                string text => Byte(text, At(index, GoType.Length(text)!.Value)),
                TemplateList list => At(index, list.Count) is var at && at < list.Count ? list[at] : throw new FormatException("reflect: slice index out of range"),
                EnvironmentMap map when index is string name => map[name] ?? "",
                EnvironmentMap => throw new FormatException(index is null ? "value is nil; should be of type string" : $"value has type {GoType.Name(index)}; should be string"),
                _ => throw new FormatException($"can't index item of type {BareName(item)}"),
            };
        return item;
    }

    private static byte Byte(string text, int at)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return at < bytes.Length ? bytes[at] : throw new FormatException("reflect: string index out of range");
    }

    private static int At(object? index, int limit)
    {
        if (index is null)
            throw new FormatException("cannot index slice/array with nil");
        if (!GoType.IsInteger(index, out var at))
            throw new FormatException($"cannot index slice/array with type {GoType.Name(index)}");
        return at >= 0 && at <= limit ? (int)at : throw new FormatException($"index out of range: {at}");
    }

    private static object Slice(object?[] arguments)
    {
        var item = arguments[0] ?? throw new FormatException("slice of untyped nil");
        var indexes = arguments.AsSpan(1);
        if (indexes.Length > 3)
            throw new FormatException($"too many slice indexes: {indexes.Length}");
        if (indexes.Length == 3 && item is string)
            throw new FormatException("cannot 3-index slice a string");
        if (item is not (string or TemplateList))
            throw new FormatException($"can't slice item of type {BareName(item)}");
        var length = GoType.Length(item)!.Value;
        Span<int> bounds = [0, length, length];
        for (var i = 0; i < indexes.Length; i++)
            bounds[i] = At(indexes[i], length);
        for (var i = 0; i < 2; i++)
            if (bounds[i] > bounds[i + 1])
                throw new FormatException($"invalid slice index: {bounds[i]} > {bounds[i + 1]}");
        return item is TemplateList list
            ? list.Slice(bounds[0], bounds[1]) : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes((string)item), bounds[0], bounds[1] - bounds[0]);
    }


    private static string Shown(object?[] values) =>
        values is [string text] ? text : GoFormat.Print([.. values.Select(v => v is TemplateData or null ? GoValues.Printed(v) : v)]);

    // Functions look through the pointer.
    private static string BareName(object value) => value is TemplateData ? "config.Values" : GoType.Name(value);
}

/// <summary>Values as an action prints them.</summary>
internal static class GoValues
{
    /// <summary>What stands in the text for a value; what is not there shows as such.</summary>
    public static string Printed(object? value) => value switch
    {
        null => "<no value>",
        string text => text,
        TemplateData => GoFormat.Print([value])[1..], // looked at through the pointer, without its sign
        _ => GoFormat.Print([value]),
    };
}

/// <summary>Comparisons: of numbers, texts and booleans, each with its like.</summary>
internal static class Comparison
{
    private enum Basic
    {
        None,
        Bool,
        Integer,
        Unsigned,
        Float,
        Text,
    }

    /// <summary>The first is equal to one of the others.</summary>
    public static bool AnyEqual(object?[] arguments)
    {
        if (arguments.Length < 2)
            throw new FormatException("missing argument for comparison");
        foreach (var other in arguments.AsSpan(1))
            if (AreEqual(arguments[0], other))
                return true;
        return false;
    }

    /// <summary>The first comes before the second.</summary>
    public static bool IsLess(object? first, object? second)
    {
        var (kind, other) = (Of(first), Of(second));
        if (kind == Basic.None || other == Basic.None)
            throw new FormatException("invalid type for comparison");
        if (!AreComparable(kind, other))
            throw Incompatible(first!, second!);
        switch (kind)
        {
            case Basic.Bool:
                throw new FormatException("invalid type for comparison");
            case Basic.Float:
                return (double)first! < (double)second!;
            case Basic.Text:
                return string.CompareOrdinal((string)first!, (string)second!) < 0;
            default:
                return GoType.IsInteger(first, out var a) && GoType.IsInteger(second, out var b) && a < b;
        }
    }

    private static bool AreEqual(object? first, object? second)
    {
        var (kind, other) = (Of(first), Of(second));
        if (!AreComparable(kind, other))
            return first is null || second is null ? false : throw Incompatible(first, second);
        switch (kind)
        {
            case Basic.Bool:
                return (bool)first! == (bool)second!;
            case Basic.Float:
                return (double)first! == (double)second!;
            case Basic.Text:
                return (string)first! == (string)second!;
            case Basic.Integer or Basic.Unsigned:
                return GoType.IsInteger(first, out var a) && GoType.IsInteger(second, out var b) && a == b;
        }
        if (first is null || second is null)
            return first is null && second is null;
        if (first.GetType() != second.GetType())
            throw new FormatException($"non-comparable types {Shown(first)}: {GoType.Name(first)}, {GoType.Name(second)}: {GoFormat.Print([second])}");
        return second is TemplateList or EnvironmentMap
            ? throw new FormatException($"non-comparable type {Shown(second)}: {GoType.Name(second)}") : first.Equals(second);
    }

    private static string Shown(object value) => GoFormat.Printf("%s", [value], TemplateFunctions.MaxText);

    private static bool AreComparable(Basic kind, Basic other) =>
        kind == other || (kind is Basic.Integer or Basic.Unsigned && other is Basic.Integer or Basic.Unsigned);

    private static Basic Of(object? value) => value switch
    {
        bool => Basic.Bool,
        byte => Basic.Unsigned,
        long or ListedNumber => Basic.Integer,
        double => Basic.Float,
        string => Basic.Text,
        _ => Basic.None,
    };

    private static FormatException Incompatible(object first, object second) =>
        new($"incompatible types for comparison: {GoType.Name(first)} and {GoType.Name(second)}");
}
