namespace Frp.Config;

/// <summary>Dates and times of TOML. No option is one; where a text is wanted, they are the text that the reference makes of them.</summary>
/// <remarks>Source: RFC 3339; toml.io/en/v1.0.0, "Offset Date-Time" and below.</remarks>
internal static class TomlDate
{
    /// <summary>The text of a date or time.</summary>
    /// <param name="written">As it stands in the file, known to be one.</param>
    /// <param name="hasOffset">Whether it says how far it is from UTC.</param>
    public static string Text(string written, bool hasOffset)
    {
        // Between date and time may be a blank, and letters may be small.
        var text = written.Replace(' ', 'T').ToUpperInvariant();
        var end = hasOffset ? text.LastIndexOfAny(['Z', '+', '-']) : text.Length;
        var (time, offset) = (text[..end], text[end..]);
        // Compat: a time that stands in relation to UTC is written in its shortest form, another one as it is.
        if (hasOffset && time.Contains('.', StringComparison.Ordinal))
            time = time.TrimEnd('0').TrimEnd('.');
        return time + (offset is "+00:00" or "-00:00" ? "Z" : offset);
    }
}
