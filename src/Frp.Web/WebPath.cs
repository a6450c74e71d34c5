using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Frp.Web;

/// <summary>Paths of request targets.</summary>
/// <remarks>Source: RFC 9112 §3.2; RFC 3986 §2.1.</remarks>
internal static class WebPath
{
    /// <summary>Reads the decoded path of a request target. It always begins with a slash.</summary>
    /// <param name="target">In origin or absolute form, as it came.</param>
    /// <param name="path">Decoded once. An encoded slash is a slash here: a segment cannot hold one.</param>
    /// <returns>False when the target has neither form, or holds a percent sign that encodes nothing.</returns>
    internal static bool TryRead(string target, [NotNullWhen(true)] out string? path)
    {
        path = null;
        var rest = target.AsSpan();
        if (rest is not ['/', ..])
        {
            int scheme = rest.IndexOf("://", StringComparison.Ordinal);
            if (scheme <= 0) return false;
            rest = rest[(scheme + "://".Length)..];
            int slash = rest.IndexOf('/');
            rest = slash < 0 ? "/" : rest[slash..];
        }
        int end = rest.IndexOfAny('?', '#');
        if (end >= 0) rest = rest[..end];
        return rest.Contains('%') ? TryDecode(rest, out path) : (path = rest.ToString()) is not null;
    }

    private static bool TryDecode(ReadOnlySpan<char> encoded, [NotNullWhen(true)] out string? decoded)
    {
        decoded = null;
        var octets = new byte[Encoding.UTF8.GetMaxByteCount(encoded.Length)];
        int count = 0;
        while (!encoded.IsEmpty)
        {
            int plain = encoded.IndexOf('%');
            if (plain < 0) plain = encoded.Length;
            count += Encoding.UTF8.GetBytes(encoded[..plain], octets.AsSpan(count));
            encoded = encoded[plain..];
            if (encoded.IsEmpty) break;
            if (encoded.Length < 3 || !char.IsAsciiHexDigit(encoded[1]) || !char.IsAsciiHexDigit(encoded[2])) return false;
            octets[count++] = Convert.FromHexString(encoded[1..3])[0];
            encoded = encoded[3..];
        }
        decoded = Encoding.UTF8.GetString(octets, 0, count);
        return true;
    }
}
