using System.Text;

namespace Frp.Transport;

/// <summary>Text that came from a peer, made fit for a log line or an error message.</summary>
internal static class PeerText
{
    private const int MaxLength = 200;

    /// <summary>The text with anything that is not printable ASCII escaped, cut after 200 characters.</summary>
    internal static string Escape(string text)
    {
        var safe = new StringBuilder(Math.Min(text.Length, MaxLength));
        foreach (var c in text)
        {
            if (safe.Length >= MaxLength) return safe.Append("...").ToString();
            if (c is >= ' ' and <= '~') safe.Append(c);
            else safe.Append($"\\u{(int)c:x4}");
        }
        return safe.ToString();
    }
}
