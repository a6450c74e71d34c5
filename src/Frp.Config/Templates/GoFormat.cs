using System.Text;

namespace Frp.Config.Templates;

/// <summary>Values as texts: what Go's <c>print</c>, <c>println</c> and <c>printf</c> make of them.</summary>
/// <remarks>Source: Go, package fmt. Limits: <c>%x</c> and <c>%b</c> of floating-point numbers are not known.</remarks>
internal static class GoFormat
{
    private const int MaxNumber = 1_000_000;

    /// <summary>Values with a space between two that are no texts.</summary>
    public static string Print(IReadOnlyList<object?> values)
    {
        var text = new StringBuilder();
        for (var i = 0; i < values.Count; i++)
        {
            if (i > 0 && values[i] is not string && values[i - 1] is not string)
                text.Append(' ');
            new GoValueWriter(text, default).Write(values[i], 'v');
        }
        return text.ToString();
    }

    /// <summary>Values with spaces between them and a line feed behind.</summary>
    public static string PrintLine(IReadOnlyList<object?> values)
    {
        var text = new StringBuilder();
        for (var i = 0; i < values.Count; i++)
        {
            if (i > 0) text.Append(' ');
            new GoValueWriter(text, default).Write(values[i], 'v');
        }
        return text.Append('\n').ToString();
    }

    /// <summary>A format with its verbs replaced by values; what is wrong with it is said in the text.</summary>
    /// <param name="format">The format.</param>
    /// <param name="values">The values.</param>
    /// <param name="maxLength">The text may end early once it is longer.</param>
    public static string Printf(string format, IReadOnlyList<object?> values, int maxLength)
    {
        var text = new StringBuilder();
        var argument = new Arguments(values);
        for (var i = 0; i < format.Length && text.Length <= maxLength;)
        {
            var percent = format.IndexOf('%', i);
            var end = percent < 0 ? format.Length : percent;
            text.Append(format, i, end - i);
            if (percent < 0)
                break;
            i = Directive(format, percent + 1, argument, text);
        }
        if (argument is { IsReordered: false, HasMore: true } && text.Length <= maxLength)
            argument.WriteRest(text);
        return text.ToString();
    }

    private static int Directive(string format, int i, Arguments argument, StringBuilder text)
    {
        var flags = Flags(format, ref i);
        argument.IsGood = true;
        var isIndexed = argument.Index(format, ref i);
        if (At(format, i) == '*')
        {
            i++;
            if (argument.Number() is not { } width) text.Append("%!(BADWIDTH)");
            else flags = flags with { Width = Math.Abs(width), IsLeft = flags.IsLeft || width < 0, IsZero = flags.IsZero && width >= 0 };
            isIndexed = false;
        }
        else if (Number(format, ref i) is { } width)
        {
            flags = flags with { Width = width };
            argument.IsGood &= !isIndexed;
        }
        if (i + 1 < format.Length && format[i] == '.')
        {
            i++;
            argument.IsGood &= !isIndexed;
            isIndexed = argument.Index(format, ref i);
            if (At(format, i) == '*')
            {
                i++;
                if (argument.Number() is not { } precision) text.Append("%!(BADPREC)");
                else if (precision >= 0) flags = flags with { Precision = precision };
                else text.Append("%!(BADPREC)");
                isIndexed = false;
            }
            else
            {
                flags = flags with { Precision = Number(format, ref i) ?? 0 };
            }
        }
        if (!isIndexed)
            argument.Index(format, ref i);
        if (i >= format.Length)
        {
            text.Append("%!(NOVERB)");
            return i;
        }
        Rune.DecodeFromUtf16(format.AsSpan(i), out var verb, out var length);
        i += length;
        if (verb.Value == '%') text.Append('%');
        else if (!argument.IsGood) text.Append("%!").Append(verb.ToString()).Append("(BADINDEX)");
        else if (!argument.HasMore) text.Append("%!").Append(verb.ToString()).Append("(MISSING)");
        else new GoValueWriter(text, verb.Value == 'v' ? flags.ForValue() : flags).Write(argument.Next(), (char)verb.Value, verb.ToString());
        return i;
    }

    private static char At(string format, int i) => i < format.Length ? format[i] : '\0';

    private static FormatFlags Flags(string format, ref int i)
    {
        var flags = default(FormatFlags);
        for (; i < format.Length; i++)
            switch (format[i])
            {
                case '#': flags = flags with { IsSharp = true }; break;
                case '0': flags = flags with { IsZero = true }; break;
                case '+': flags = flags with { IsPlus = true }; break;
                case '-': flags = flags with { IsLeft = true }; break;
                case ' ': flags = flags with { IsSpace = true }; break;
                default: return flags;
            }
        return flags;
    }

    private static int? Number(string format, ref int i)
    {
        var (start, number) = (i, 0);
        for (; i < format.Length && char.IsAsciiDigit(format[i]); i++)
        {
            if (number > MaxNumber)
            {
                i = format.Length;
                return null;
            }
            number = number * 10 + (format[i] - '0');
        }
        return i > start ? number : null;
    }

    // Which value comes next; a format may say so itself.
    private sealed class Arguments(IReadOnlyList<object?> values)
    {
        private int _next;

        public bool IsGood { get; set; } = true;
        public bool IsReordered { get; private set; }
        public bool HasMore => _next < values.Count;

        public object? Next() => values[_next++];

        public int? Number()
        {
            if (!HasMore)
                return null;
            return GoType.IsInteger(Next(), out var number) && number is >= -MaxNumber and <= MaxNumber ? (int)number : null;
        }

        // [3]
        public bool Index(string format, ref int i)
        {
            if (At(format, i) != '[')
                return false;
            IsReordered = true;
            var end = format.IndexOf(']', i);
            if (end < 0)
            {
                IsGood = false;
                i++;
                return false;
            }
            var digits = format.AsSpan(i + 1, end - i - 1);
            var isNumber = int.TryParse(digits, System.Globalization.NumberStyles.None, null, out var index) && digits.Length <= 7;
            i = end + 1;
            if (!isNumber || index < 1 || index > values.Count)
            {
                IsGood = false;
                return isNumber;
            }
            _next = index - 1;
            return true;
        }

        public void WriteRest(StringBuilder text)
        {
            text.Append("%!(EXTRA ");
            for (var i = _next; i < values.Count; i++)
            {
                if (i > _next) text.Append(", ");
                if (values[i] is not { } value)
                {
                    text.Append("<nil>");
                    continue;
                }
                text.Append(GoType.Name(value)).Append('=');
                new GoValueWriter(text, default).Write(value, 'v');
            }
            text.Append(')');
        }
    }
}

/// <summary>What stands between a percent sign and its verb.</summary>
internal readonly record struct FormatFlags
{
    public bool IsSharp { get; init; }
    public bool IsZero { get; init; }
    public bool IsPlus { get; init; }
    public bool IsLeft { get; init; }
    public bool IsSpace { get; init; }
    public int? Width { get; init; }
    public int? Precision { get; init; }
    /// <summary>In Go's syntax.</summary>
    public bool IsSharpValue { get; init; }
    /// <summary>With the names of fields.</summary>
    public bool IsPlusValue { get; init; }

    /// <summary>For the verb <c>v</c> two of the flags mean something else.</summary>
    public FormatFlags ForValue() => this with { IsSharpValue = IsSharp, IsPlusValue = IsPlus, IsSharp = false, IsPlus = false };
}
