namespace Frp.Hosting;

/// <summary>Text from elsewhere, made fit for a terminal.</summary>
public static class ConsoleText
{
    /// <summary>The text with its line breaks, and with a <c>?</c> for whatever else a terminal would act on.</summary>
    /// <param name="text">The text.</param>
    /// <param name="maxLength">Characters that are kept.</param>
    public static string Plain(string text, int maxLength)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > maxLength) text = text[..maxLength] + "...";
        return text.AsSpan().IndexOfAnyInRange('\0', '\x1f') < 0 && text.AsSpan().IndexOfAnyInRange('\x7f', '\x9f') < 0
            ? text
            : string.Concat(text.Select(c => char.IsControl(c) && c != '\n' ? '?' : c));
    }
}
