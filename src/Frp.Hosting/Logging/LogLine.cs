using System.Text;
using Microsoft.Extensions.Logging;

namespace Frp.Hosting;

/// <summary>The format of a log line, which scripts and people have learnt to read.</summary>
/// <remarks>
/// <para><b>Layout</b></para>
/// <code>
/// YYYY-MM-DD hh:mm:ss.mmm [L] [component:event] message
///                          └ T D I W E
/// </code>
/// <para>Local time. The third field is a position in the reference's source; ours is the component that speaks and the number
/// of the event, which stays the same from release to release. Line breaks inside a message are escaped: one entry is one line.</para>
/// <para>Source: cli specification §11.</para>
/// </remarks>
internal static class LogLine
{
    private const string Reset = "\e[0m";

    /// <summary>Appends one entry, with its line break, and its colours if wanted.</summary>
    internal static void Append(StringBuilder output, DateTimeOffset time, LogLevel level, string component, int eventId, string message, Exception? exception, bool color)
    {
        // Compat: the colour wraps the whole line including its newline, and there is no terminal detection (docs/COMPAT.md, "colours").
        string? colorCode = color ? ColorOf(level) : null;
        output.Append(colorCode);
        output.Append($"{time:yyyy-MM-dd HH:mm:ss.fff} [{LetterOf(level)}] [{component}:{eventId}] ");
        AppendOneLine(output, message);
        if (exception is not null)
        {
            output.Append(": ");
            AppendOneLine(output, exception.ToString());
        }
        output.Append('\n');
        if (colorCode is not null) output.Append(Reset);
    }

    private static void AppendOneLine(StringBuilder output, string text)
    {
        if (text.AsSpan().IndexOfAny('\r', '\n') < 0)
        {
            output.Append(text);
            return;
        }
        foreach (char c in text)
        {
            if (c == '\n') output.Append("\\n");
            else if (c != '\r') output.Append(c);
        }
    }

    private static char LetterOf(LogLevel level) => level switch
    {
        LogLevel.Trace => 'T',
        LogLevel.Debug => 'D',
        LogLevel.Information => 'I',
        LogLevel.Warning => 'W',
        _ => 'E',
    };

    private static string? ColorOf(LogLevel level) => level switch
    {
        LogLevel.Trace => null,
        LogLevel.Debug => "\e[1;36m",
        LogLevel.Information => "\e[1;34m",
        LogLevel.Warning => "\e[1;33m",
        _ => "\e[1;31m",
    };
}
