using System.Globalization;
using System.Text;

namespace Frp.Config.Templates;

/// <summary>Writes one value by one verb.</summary>
internal readonly struct GoValueWriter(StringBuilder text, FormatFlags flags)
{
    private const string Low = "0123456789abcdefx";
    private const string High = "0123456789ABCDEFX";

    /// <summary>Writes a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="verb">What follows the percent sign.</param>
    /// <param name="shown">The same, in full.</param>
    public void Write(object? value, char verb, string? shown = null)
    {
        shown ??= verb.ToString();
        if (verb == 'T' && shown.Length == 1)
        {
            Pad(value is null ? "<nil>" : GoType.Name(value));
            return;
        }
        switch (value)
        {
            case null when verb == 'v': Pad("<nil>"); break;
            case null: text.Append(CultureInfo.InvariantCulture, $"%!{shown}(<nil>)"); break;
            case bool boolean when verb is 't' or 'v': Pad(boolean ? "true" : "false"); break;
            case double number when Float(number, verb): break;
            case string s when Text(s, verb): break;
            case TemplateList list: List(list, verb, shown); break;
            case EnvironmentMap map: Map(map, verb, shown); break;
            case NumberPair pair: Struct("config.NumberPair", [("First", new ListedNumber(pair.First)), ("Second", new ListedNumber(pair.Second))], verb, shown); break;
            case TemplateData data:
                text.Append('&');
                Struct("config.Values", [("Envs", data.Envs)], verb, shown);
                break;
            default:
                if (!GoType.IsInteger(value, out var integer) || !Integer(integer, value is byte, verb))
                    Bad(value, shown);
                break;
        }
    }

    private void Bad(object value, string shown)
    {
        text.Append(CultureInfo.InvariantCulture, $"%!{shown}({GoType.Name(value)}=");
        Write(value, 'v');
        text.Append(')');
    }

    private bool Integer(long value, bool isUnsigned, char verb)
    {
        switch (verb)
        {
            case 'v' when flags.IsSharpValue && isUnsigned: new GoValueWriter(text, flags with { IsSharp = true }).Radix(value, 16, verb, Low); return true;
            case 'v' or 'd': Radix(value, 10, verb, Low); return true;
            case 'b': Radix(value, 2, verb, Low); return true;
            case 'o' or 'O': Radix(value, 8, verb, Low); return true;
            case 'x': Radix(value, 16, verb, Low); return true;
            case 'X': Radix(value, 16, verb, High); return true;
            case 'c': Pad(Character(value).ToString()); return true;
            case 'q': Pad(GoQuote.OfCharacter(Character(value), flags.IsPlus)); return true;
            case 'U': Unicode(value); return true;
            default: return false;
        }
    }

    private static Rune Character(long value) => value is >= 0 and <= 0x10FFFF && Rune.TryCreate((int)value, out var rune) ? rune : Rune.ReplacementChar;

    private void Unicode(long value)
    {
        var code = value.ToString("X", CultureInfo.InvariantCulture).PadLeft(Math.Max(flags.Precision ?? 0, 4), '0');
        var character = flags.IsSharp && value is >= 0 and <= 0x10FFFF && Rune.TryCreate((int)value, out var rune) && GoQuote.IsPrintable(rune) ? $" '{rune}'" : "";
        Plain($"U+{code}{character}");
    }

    private void Radix(long value, int radix, char verb, string digits)
    {
        var precision = flags.Precision ?? 0;
        if (flags.Precision == 0 && value == 0)
        {
            text.Append(' ', flags.Width ?? 0);
            return;
        }
        if (flags is { Precision: null, IsZero: true, IsLeft: false, Width: { } width })
            precision = width - (value < 0 || flags.IsPlus || flags.IsSpace ? 1 : 0);
        var number = Digits(value < 0 ? (ulong)-value : (ulong)value, radix, digits).PadLeft(precision, '0');
        if (flags.IsSharp)
            number = radix switch { 2 => "0b" + number, 8 when number[0] != '0' => "0" + number, 16 => "0" + digits[16] + number, _ => number };
        if (verb == 'O')
            number = "0o" + number;
        Plain((value < 0 ? "-" : flags.IsPlus ? "+" : flags.IsSpace ? " " : "") + number);
    }

    private static string Digits(ulong value, int radix, string digits)
    {
        var result = new StringBuilder();
        do
        {
            result.Insert(0, digits[(int)(value % (ulong)radix)]);
            value /= (ulong)radix;
        }
        while (value > 0);
        return result.ToString();
    }

    private bool Float(double value, char verb)
    {
        if (verb is not ('v' or 'e' or 'E' or 'f' or 'F' or 'g' or 'G'))
            return false;
        var precision = flags.Precision ?? (verb is 'v' or 'g' or 'G' ? -1 : 6);
        var number = GoFloat.Format(value, verb == 'v' ? 'g' : verb, precision);
        var sign = number[0] is '-' or '+' ? number[..1] : "+";
        number = number.TrimStart('-', '+');
        if (flags.IsSharp)
            number = WithPoint(number, verb, precision);
        sign = sign == "-" ? sign : flags.IsPlus ? "+" : flags.IsSpace ? " " : "";
        if (flags is { IsZero: true, IsLeft: false, Width: { } width } && double.IsFinite(value))
            text.Append(sign).Append(number.PadLeft(width - sign.Length, '0'));
        else
            Plain(sign + number);
        return true;
    }

    // With a decimal point always, and for the general form with its trailing zeros.
    private static string WithPoint(string number, char verb, int precision)
    {
        var end = number.IndexOfAny(['e', 'E']);
        var (mantissa, tail) = end < 0 ? (number, "") : (number[..end], number[end..]);
        var missing = verb is 'v' or 'g' or 'G' ? (precision < 0 ? 6 : precision) - mantissa.Replace(".", "", StringComparison.Ordinal).TrimStart('0').Length : 0;
        if (!mantissa.Contains('.', StringComparison.Ordinal))
        {
            if (mantissa == "0") missing--;
            mantissa += ".";
        }
        return mantissa + new string('0', Math.Max(missing, 0)) + tail;
    }

    private bool Text(string value, char verb)
    {
        switch (verb)
        {
            case 'v' when flags.IsSharpValue: Pad(GoQuote.Of(value)); return true;
            case 'v' or 's': Pad(Cut(value)); return true;
            case 'q': Pad(flags.IsSharp && GoQuote.CanBackquote(Cut(value)) ? $"`{Cut(value)}`" : GoQuote.Of(Cut(value), flags.IsPlus)); return true;
            case 'x': Hex(value, Low); return true;
            case 'X': Hex(value, High); return true;
            default: return false;
        }
    }

    private string Cut(string value) => flags.Precision is { } precision ? string.Concat(value.EnumerateRunes().Take(precision)) : value;

    private void Hex(string value, string digits)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        var hex = new StringBuilder();
        for (var i = 0; i < Math.Min(bytes.Length, flags.Precision ?? int.MaxValue); i++)
        {
            if (i > 0 && flags.IsSpace) hex.Append(' ');
            if (flags.IsSharp && (i == 0 || flags.IsSpace)) hex.Append('0').Append(digits[16]);
            hex.Append(digits[bytes[i] >> 4]).Append(digits[bytes[i] & 15]);
        }
        Pad(hex.ToString());
    }

    private void List(TemplateList list, char verb, string shown)
    {
        text.Append(flags.IsSharpValue ? list.TypeName + "{" : "[");
        for (var i = 0; i < list.Count; i++)
        {
            if (i > 0) text.Append(flags.IsSharpValue ? ", " : " ");
            Write(list[i], verb, shown);
        }
        text.Append(flags.IsSharpValue ? '}' : ']');
    }

    private void Map(EnvironmentMap map, char verb, string shown)
    {
        text.Append(flags.IsSharpValue ? "map[string]string{" : "map[");
        var isFirst = true;
        foreach (var (name, value) in map.Sorted)
        {
            if (!isFirst) text.Append(flags.IsSharpValue ? ", " : " ");
            isFirst = false;
            Write(name, verb, shown);
            text.Append(':');
            Write(value, verb, shown);
        }
        text.Append(flags.IsSharpValue ? '}' : ']');
    }

    private void Struct(string type, (string Name, object Value)[] fields, char verb, string shown)
    {
        text.Append(flags.IsSharpValue ? type + "{" : "{");
        for (var i = 0; i < fields.Length; i++)
        {
            if (i > 0) text.Append(flags.IsSharpValue ? ", " : " ");
            if (flags.IsSharpValue || flags.IsPlusValue) text.Append(fields[i].Name).Append(':');
            Write(fields[i].Value, verb, shown);
        }
        text.Append('}');
    }

    private void Pad(string value) => Pad(value, flags is { IsZero: true, IsLeft: false } ? '0' : ' ');

    private void Plain(string value) => Pad(value, ' ');

    private void Pad(string value, char padding)
    {
        var missing = flags.Width is { } width ? Math.Max(width - value.EnumerateRunes().Count(), 0) : 0;
        if (!flags.IsLeft) text.Append(padding, missing);
        text.Append(value);
        if (flags.IsLeft) text.Append(padding, missing);
    }
}
