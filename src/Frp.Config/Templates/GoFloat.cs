using System.Globalization;

namespace Frp.Config.Templates;

/// <summary>Floating-point numbers as Go writes them.</summary>
/// <remarks>Source: Go, package strconv, FormatFloat.</remarks>
internal static class GoFloat
{
    private const int DefaultDigits = 6;

    /// <summary>Writes a number.</summary>
    /// <param name="value">The number.</param>
    /// <param name="format"><c>e E f g G</c>.</param>
    /// <param name="precision">Digits behind the point, for <c>g</c> all digits; -1 = as few as say the number.</param>
    public static string Format(double value, char format, int precision)
    {
        if (double.IsNaN(value))
            return "NaN";
        if (double.IsInfinity(value))
            return value > 0 ? "+Inf" : "-Inf";
        var sign = double.IsNegative(value) ? "-" : "";
        value = Math.Abs(value);
        return sign + format switch
        {
            'f' or 'F' => precision < 0 ? Plain(Shortest(value)) : value.ToString("F" + precision.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
            'e' or 'E' => Exponent(precision < 0 ? Shortest(value) : Rounded(value, precision + 1, trim: false), format),
            _ => General(value, format == 'G' ? 'E' : 'e', precision),
        };
    }

    private static string General(double value, char exponent, int precision)
    {
        var number = precision < 0 ? Shortest(value) : Rounded(value, Math.Max(precision, 1), trim: true);
        var limit = precision < 0 ? DefaultDigits : Math.Max(precision, 1);
        if (precision >= 0 && limit > number.Digits.Length && number.Digits.Length >= number.Point)
            limit = number.Digits.Length;
        return number.Point - 1 < -4 || number.Point - 1 >= limit ? Exponent(number, exponent) : Plain(number);
    }

    // 0.DIGITS * 10^Point; no digits at all are zero.
    private static (string Digits, int Point) Shortest(double value) => Parts(value.ToString("R", CultureInfo.InvariantCulture));

    private static (string Digits, int Point) Rounded(double value, int digits, bool trim)
    {
        var (all, point) = Parts(value.ToString("E" + (digits - 1).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture));
        return (trim ? all : all.PadRight(digits, '0'), point);
    }

    private static (string Digits, int Point) Parts(string text)
    {
        var end = text.IndexOf('E', StringComparison.Ordinal);
        var power = end < 0 ? 0 : int.Parse(text.AsSpan(end + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = end < 0 ? text : text[..end];
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var all = mantissa.Replace(".", "", StringComparison.Ordinal);
        var digits = all.TrimStart('0');
        return digits.Length == 0 ? ("", 0) : (digits.TrimEnd('0'), (point < 0 ? mantissa.Length : point) - (all.Length - digits.Length) + power);
    }

    private static string Plain((string Digits, int Point) number)
    {
        var (digits, point) = number;
        if (point <= 0)
            return digits.Length == 0 ? "0" : "0." + new string('0', -point) + digits;
        return digits.Length <= point ? digits.PadRight(point, '0') : digits[..point] + "." + digits[point..];
    }

    private static string Exponent((string Digits, int Point) number, char exponent)
    {
        var digits = number.Digits.Length == 0 ? "0" : number.Digits;
        var power = number.Digits.TrimEnd('0').Length == 0 ? 0 : number.Point - 1;
        return $"{digits[0]}{(digits.Length > 1 ? "." + digits[1..] : "")}{exponent}{(power < 0 ? '-' : '+')}{Math.Abs(power):00}";
    }
}
