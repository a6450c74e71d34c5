using System.Globalization;
using System.Text;

namespace Frp.Config.Templates;

/// <summary>Texts made fit for another language.</summary>
/// <remarks>Source: Go, packages text/template and net/url.</remarks>
internal static class TemplateEscapes
{
    public static string Html(string value) => Replace(value, static c => c switch
    {
        '\0' => "\uFFFD",
        '"' => "&#34;",
        '\'' => "&#39;",
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        _ => null,
    });

    public static string JavaScript(string value)
    {
        var escaped = new StringBuilder(value.Length);
        foreach (var rune in value.EnumerateRunes())
            _ = rune.Value switch
            {
                '\\' => escaped.Append(@"\\"),
                '\'' => escaped.Append(@"\'"),
                '"' => escaped.Append("\\\""),
                '<' or '>' or '&' or '=' or < ' ' => escaped.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:X4}"),
                < 0x80 => escaped.Append((char)rune.Value),
                _ => GoQuote.IsPrintable(rune) ? escaped.Append(rune.ToString()) : escaped.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:X4}"),
            };
        return escaped.ToString();
    }

    public static string UrlQuery(string value)
    {
        var escaped = new StringBuilder(value.Length);
        foreach (var b in Encoding.UTF8.GetBytes(value))
            if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'_' or (byte)'.' or (byte)'~') escaped.Append((char)b);
            else if (b == ' ') escaped.Append('+');
            else escaped.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        return escaped.ToString();
    }

    private static string Replace(string value, Func<char, string?> escape)
    {
        var escaped = new StringBuilder(value.Length);
        foreach (var c in value)
            if (escape(c) is { } text) escaped.Append(text);
            else escaped.Append(c);
        return escaped.ToString();
    }
}
