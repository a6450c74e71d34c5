using System.Globalization;
using System.Text;

namespace Frp.Wire;

/// <summary>Text that came from a peer, made safe to be shown.</summary>
public static class PeerText
{
    private const string Cut = "...";

    /// <summary>The text on one line, without anything a terminal or a log reader could act on.</summary>
    /// <remarks>
    /// Control characters (C0, DEL, C1 and with them every ANSI escape), line and paragraph separators, format characters
    /// (bidirectional overrides, zero-width), private and unassigned characters and unpaired surrogates become <c>\n</c>,
    /// <c>\xNN</c> or <c>\uNNNN</c>; a backslash is doubled, so that the result is unambiguous. Nothing is allocated for harmless text.
    /// </remarks>
    /// <param name="text">The text; null counts as empty.</param>
    /// <param name="maxLength">Length in UTF-16 units after which the text is cut; the cut is shown by three dots that come on top.</param>
    public static string Escape(string? text, int maxLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxLength);
        if (string.IsNullOrEmpty(text)) return "";
        if (text.Length <= maxLength && IsHarmless(text)) return text;
        var output = new StringBuilder(Math.Min(text.Length, maxLength) + 16);
        Span<char> piece = stackalloc char[12];
        for (var i = 0; i < text.Length;)
        {
            int length, used;
            if (Rune.TryGetRuneAt(text, i, out var rune))
            {
                used = rune.Utf16SequenceLength;
                length = Render(rune, piece);
            }
            else
            {
                used = 1;
                piece[0] = '\\';
                piece[1] = 'u';
                ((int)text[i]).TryFormat(piece[2..], out _, "x4", CultureInfo.InvariantCulture);
                length = 6;
            }
            if (output.Length + length > maxLength) return output.Append(Cut).ToString();
            output.Append(piece[..length]);
            i += used;
        }
        return output.ToString();
    }

    private static bool IsHarmless(string text)
    {
        foreach (var c in text)
        {
            // Plain ASCII and nothing else takes the short way.
            if (c is < ' ' or > '~' or '\\') return false;
        }
        return true;
    }

    private static int Render(Rune rune, Span<char> output)
    {
        switch (rune.Value)
        {
            case '\\': "\\\\".CopyTo(output); return 2;
            case '\n': "\\n".CopyTo(output); return 2;
            case '\r': "\\r".CopyTo(output); return 2;
            case '\t': "\\t".CopyTo(output); return 2;
        }
        if (IsPrintable(rune)) return rune.EncodeToUtf16(output);
        var (prefix, format) = rune.Value switch
        {
            <= 0xff => ("\\x", "x2"),
            <= 0xffff => ("\\u", "x4"),
            _ => ("\\U", "x8"),
        };
        prefix.CopyTo(output);
        rune.Value.TryFormat(output[2..], out var digits, format, CultureInfo.InvariantCulture);
        return 2 + digits;
    }

    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or
        UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned);
}
