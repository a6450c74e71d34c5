using System.Text;

namespace Frp.Transport;

/// <summary>Asks a service by HTTP how it is: one GET on a connection of its own, redirects followed.</summary>
/// <remarks>Written out here because it is all that is needed of an HTTP client, which would be the largest part of the program.</remarks>
public static class HttpProbe
{
    private const int LongestHead = 64 * 1024;
    private const int MostRedirects = 10;
    private const int LongestFarewell = 64 * 1024;

    // The caller's deadline is for all of it.
    private static readonly TcpDialOptions DialOptions = new() { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Sends the request and waits for the head of the answer.</summary>
    /// <param name="address">An <c>http</c> address.</param>
    /// <param name="headers">Sent as they are; <c>Host</c> replaces the one of the address.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Carries the deadline.</param>
    /// <returns>The status of the last answer.</returns>
    /// <exception cref="IOException">No answer, a malformed one, or a redirect to where this does not go.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">Nobody is there.</exception>
    public static async ValueTask<int> GetAsync(Uri address, IReadOnlyList<(string Name, string Value)> headers, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(headers);
        string? host = headers.LastOrDefault(h => h.Name.Equals("Host", StringComparison.OrdinalIgnoreCase)).Value;
        for (int redirects = 0; ; redirects++)
        {
            var (status, location) = await AskAsync(address, Request(address, host, headers), time, cancellationToken);
            if (status is not (301 or 302 or 303 or 307 or 308) || location is null) return status;
            if (redirects == MostRedirects) throw new IOException($"more than {MostRedirects} redirects");
            if (!Uri.TryCreate(address, location, out var next) || next.Scheme != Uri.UriSchemeHttp) throw new IOException("redirected to what is not an http address");
            // Source: Go's client, which the reference uses: a host of one's own goes along with relative redirects only.
            if (Uri.IsWellFormedUriString(location, UriKind.Absolute)) host = null;
            address = next;
        }
    }

    private static byte[] Request(Uri address, string? host, IReadOnlyList<(string Name, string Value)> headers)
    {
        var text = new StringBuilder();
        text.Append("GET ").Append(address.PathAndQuery).Append(" HTTP/1.1\r\nHost: ").Append(host ?? EndPoints.Join(address.Host, address.Port)).Append("\r\nConnection: close\r\n");
        foreach (var (name, value) in headers)
        {
            if (name.AsSpan().ContainsAny('\r', '\n') || value.AsSpan().ContainsAny('\r', '\n')) throw new IOException("a header spans lines");
            if (!name.Equals("Host", StringComparison.OrdinalIgnoreCase)) text.Append(name).Append(": ").Append(value).Append("\r\n");
        }
        return Encoding.UTF8.GetBytes(text.Append("\r\n").ToString());
    }

    private static async ValueTask<(int Status, string? Location)> AskAsync(Uri address, byte[] request, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var connection = await TcpDialer.DialAsync(address.Host, address.Port, DialOptions, time, cancellationToken);
        await connection.Stream.WriteAsync(request, cancellationToken);
        ReadOnlyMemory<byte> surplus = default;
        while (true)
        {
            (var bytes, surplus) = await HttpHead.ReadAsync(connection.Stream, surplus, LongestHead, cancellationToken);
            if (bytes.IsEmpty) throw new EndOfStreamException("no answer");
            var head = HttpHead.TryParse(bytes.Span) ?? throw new IOException("malformed answer");
            int status = HttpStatus.Parse(head.StartLine).Code;
            if (status < 200) continue; // a provisional answer: another one follows
            await HearOutAsync(connection.Stream, cancellationToken);
            return (status, head["Location"]);
        }
    }

    /// <summary>Reads a body of ordinary length, so that the service does not see its answer refused.</summary>
    private static async ValueTask HearOutAsync(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        try
        {
            for (int heard = 0; heard < LongestFarewell;)
            {
                int count = await stream.ReadAsync(buffer, cancellationToken);
                if (count == 0) return;
                heard += count;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // What it had to say, it has said in the head.
        }
    }
}
