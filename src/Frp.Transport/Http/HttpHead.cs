using System.Text;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>The head of an HTTP/1 request or response: a start line and fields. Values are Latin-1, as bytes came.</summary>
/// <remarks>
/// <para><b>Layout.</b> <c>start-line CRLF *( name ":" OWS value OWS CRLF ) CRLF</c>; a bare LF ends a line as well.</para>
/// <para><b>Source.</b> RFC 9112 sections 2 to 5. Folded lines, blanks before the colon and control characters are refused.</para>
/// </remarks>
public sealed class HttpHead
{
    private readonly List<(string Name, string Value)> _fields = [];

    private HttpHead(string startLine) => StartLine = startLine;

    /// <summary>The request line or status line, without its end.</summary>
    public string StartLine { get; }

    /// <summary>All fields, in order.</summary>
    public IReadOnlyList<(string Name, string Value)> Fields => _fields;

    /// <summary>The first field of a name; null when there is none.</summary>
    public string? this[string name] => _fields.Find(f => f.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    /// <summary>All fields of a name, in order.</summary>
    public IEnumerable<string> All(string name) =>
        _fields.Where(f => f.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(static f => f.Value);

    /// <summary>Whether a comma-separated field has a token, in any case.</summary>
    public bool HasToken(string name, string token)
    {
        foreach (var value in All(name))
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                if (value.AsSpan(range).Trim().Equals(token, StringComparison.OrdinalIgnoreCase)) return true;
            }
        }
        return false;
    }

    /// <summary>Where the head ends: the count of bytes up to and with the empty line; negative when it is not all there.</summary>
    public static int FindEnd(ReadOnlySpan<byte> bytes)
    {
        var searched = 0;
        while (true)
        {
            var feed = bytes[searched..].IndexOf((byte)'\n');
            if (feed < 0) return -1;
            searched += feed + 1;
            if (bytes[searched..] is [(byte)'\n', ..]) return searched + 1;
            if (bytes[searched..] is [(byte)'\r', (byte)'\n', ..]) return searched + 2;
        }
    }

    /// <summary>Parses a complete head, the empty line included.</summary>
    /// <returns>Null when it is not one.</returns>
    public static HttpHead? TryParse(ReadOnlySpan<byte> bytes)
    {
        HttpHead? head = null;
        foreach (var range in bytes.Split((byte)'\n'))
        {
            var line = bytes[range];
            if (line is [.., (byte)'\r']) line = line[..^1];
            if (line.IsEmpty) break;
            if (HasControl(line)) return null;
            if (head is null)
            {
                head = new HttpHead(Encoding.Latin1.GetString(line));
                continue;
            }
            var colon = line.IndexOf((byte)':');
            if (colon <= 0 || line[..colon].ContainsAny((byte)' ', (byte)'\t')) return null;
            head._fields.Add((Encoding.Latin1.GetString(line[..colon]), Encoding.Latin1.GetString(line[(colon + 1)..].Trim(" \t"u8))));
        }
        return head;
    }

    /// <summary>Reads a head from a stream.</summary>
    /// <param name="stream">Read in pieces; what came after the head is in the result.</param>
    /// <param name="surplus">Bytes read before, to be looked at first.</param>
    /// <param name="limit">The longest head accepted.</param>
    /// <param name="cancellationToken">Carries the deadline.</param>
    /// <returns>The bytes of the head, and those after it; an empty head when the peer finished in good order, between two heads.</returns>
    /// <exception cref="EndOfStreamException">The peer finished inside the head.</exception>
    /// <exception cref="HttpHeadTooLargeException">The limit was reached.</exception>
    public static async ValueTask<(ReadOnlyMemory<byte> Head, ReadOnlyMemory<byte> Surplus)> ReadAsync(
        Stream stream, ReadOnlyMemory<byte> surplus, int limit, CancellationToken cancellationToken)
    {
        var buffer = new byte[Math.Max(1024, surplus.Length)];
        surplus.CopyTo(buffer);
        int count = surplus.Length, searched = 0;
        while (true)
        {
            // The end may have begun in what was searched before: at most two of its three bytes.
            var from = Math.Max(0, searched - 2);
            var end = FindEnd(buffer.AsSpan(from, count - from));
            if (end >= 0) end += from;
            searched = count;
            if (end > limit || (end < 0 && count >= limit)) throw new HttpHeadTooLargeException(limit);
            if (end >= 0) return (buffer.AsMemory(0, end), buffer.AsMemory(end, count - end));
            if (count == buffer.Length) Array.Resize(ref buffer, Math.Min(buffer.Length * 2, Math.Max(limit, buffer.Length + 1)));
            var read = await stream.ReadAsync(buffer.AsMemory(count), cancellationToken);
            if (read == 0) return count == 0 ? default : throw new EndOfStreamException();
            count += read;
        }
    }

    private static bool HasControl(ReadOnlySpan<byte> line)
    {
        foreach (var b in line)
        {
            if ((b < 0x20 && b != '\t') || b == 0x7F) return true;
        }
        return false;
    }
}

/// <summary>An HTTP head longer than anybody needs.</summary>
public sealed class HttpHeadTooLargeException(int limit) : IOException($"HTTP head exceeds {limit} bytes");

/// <summary>The status line of a response.</summary>
internal readonly record struct HttpStatus(int Code, string Line)
{
    /// <summary>Reads <c>HTTP/1.x code [reason]</c>.</summary>
    /// <exception cref="ProtocolViolationException">It is something else.</exception>
    internal static HttpStatus Parse(string startLine)
    {
        var parts = startLine.Split(' ', 3);
        if (parts.Length >= 2 && parts[0].StartsWith("HTTP/1.", StringComparison.Ordinal) && parts[1].Length == 3
            && int.TryParse(parts[1], System.Globalization.NumberStyles.None, null, out var code))
        {
            return new HttpStatus(code, startLine[(parts[0].Length + 1)..]);
        }
        throw new ProtocolViolationException("malformed HTTP response");
    }
}
