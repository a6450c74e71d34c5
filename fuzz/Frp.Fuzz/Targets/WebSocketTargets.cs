using System.Text;
using Frp.Transport;

namespace Frp.Fuzz;

/// <summary>An upgrade request at the bind port: one answer for each head, whatever the request says.</summary>
internal sealed class WebSocketUpgradeTarget : FuzzTarget
{
    public override string Name => "ws-upgrade";

    public override IReadOnlyList<string> Sources => ["Frp.Transport/WebSocket/WebSocketHandshake.cs", "Frp.Transport/WebSocket/WebSocketListenerHandshake.cs", "Frp.Transport/Http/HttpHead.cs"];

    // Past the limit of a head.
    public override int MaxLength => 17 * 1024;

    public override IReadOnlyList<string> Words =>
    [
        "GET /~!frp HTTP/1.1\r\n", "Host: a\r\n", "Upgrade: websocket\r\n", "Connection: Upgrade\r\n", "Sec-WebSocket-Key: m2vTWRLHPzkGO9i2cYWUFg==\r\n", "Origin: http://a\r\n", "Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Protocol: ", "Sec-WebSocket-Protocol: a\r\n", "\r", "\r\n\r\n", "\n\n",
        "Transfer-Encoding: chunked\r\n", "Content-Length: 1\r\n", "HTTP/1.0\r\n", "keep-alive", "close",
    ];

    public override void Run(ReadOnlyMemory<byte> input) => Now.ForAnyPieces(input, static feed =>
    {
        var connection = new FeedConnection(feed);
        string outcome;
        try
        {
            var upgraded = Now.Of(WebSocketListenerHandshake.RunAsync(connection, StoppedClock.Instance, CancellationToken.None));
            FindException.Unless(upgraded.Origin is { Length: > 0 }, "upgraded without an origin");
            outcome = $"upgraded {upgraded.Origin}";
        }
        catch (Exception e) when (e is ProtocolViolationException or EndOfStreamException)
        {
            FindException.Unless(connection.IsClosed, "refused, and the connection left open");
            outcome = e.GetType().Name;
        }
        string answers = Encoding.Latin1.GetString(feed.Written);
        foreach (string line in answers.Split("\r\n")) FindException.Unless(!line.AsSpan().ContainsAny('\r', '\n') || line.StartsWith("404 page", StringComparison.Ordinal), "an answer has a line that is none of ours");
        return $"{outcome} {answers}";
    }, static _ => false);
}

/// <summary>A server's answer to our upgrade request.</summary>
internal sealed class WebSocketAnswerTarget : FuzzTarget
{
    private const string Key = "m2vTWRLHPzkGO9i2cYWUFg==";

    public override string Name => "ws-answer";

    public override IReadOnlyList<string> Sources => ["Frp.Transport/WebSocket/WebSocketHandshake.cs", "Frp.Transport/Http/HttpHead.cs"];

    public override IReadOnlyList<string> Words => ["HTTP/1.1 101 Switching Protocols\r\n", "Upgrade: websocket\r\n", "Connection: Upgrade\r\n", $"Sec-WebSocket-Accept: {WebSocketHandshake.Accept(Key)}\r\n", "Sec-WebSocket-Extensions: ", "Sec-WebSocket-Protocol: ", "\r\n\r\n", "HTTP/1.1 404 "];

    public override void Run(ReadOnlyMemory<byte> input) => Now.ForAnyPieces(input, static feed =>
    {
        var (head, surplus) = Now.Of(HttpHead.ReadAsync(feed, default, 16 * 1024, CancellationToken.None));
        if (head.IsEmpty) return "nothing";
        WebSocketHandshake.CheckResponse(head.Span, Key);
        string text = Encoding.Latin1.GetString(head.Span);
        FindException.Unless(text.Contains(WebSocketHandshake.Accept(Key), StringComparison.Ordinal), "an answer to another request was taken");
        return $"{head.Length}";
    }, static e => e is ProtocolViolationException or EndOfStreamException or HttpHeadTooLargeException);
}

/// <summary>WebSocket frames at either end; the first byte chooses the end and the reader's buffer.</summary>
internal sealed class WebSocketFramesTarget : FuzzTarget
{
    public override string Name => "ws-frames";

    public override IReadOnlyList<string> Sources => ["Frp.Transport/WebSocket/WebSocketFrame.cs", "Frp.Transport/WebSocket/WebSocketStream.cs"];

    public override IReadOnlyList<string> Words => ["\x82\x7e\x01\x00", "\x82\xfe\x01\x00\0\0\0\0", "\x82\x7f\0\0\0\0\0\x01\0\0", "\x82\xff\0\0\0\0\0\x01\0\0", "\x89\x02hi", "\x88\x02\x03\xe8", "\x81\x85\x01\x02\x03\x04hello", "\x8a\x80\0\0\0\0", "\0\x80", "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff"];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        if (input.IsEmpty) return;
        byte mode = input.Span[0];
        input = input[1..];
        bool isClient = (mode & 1) != 0;
        string small = Read(new Feed(input), isClient, 1 + mode / 2);
        // Both ways of reading, below and above the length from which frames are unwrapped in the reader's own buffer.
        FindException.UnlessEqual(small, Read(new Feed(input), isClient, 4096), "the payload with a large buffer");
        FindException.UnlessEqual(small, Read(new Feed(input, 1), isClient, 4096), "the payload in single bytes");
        FindException.UnlessEqual(small, Read(new Feed(input, 3 + mode), isClient, 512 + mode), "the payload in pieces");
        FindException.UnlessEqual(small, Expected(input.Span, isClient), "the payload read by a second reading of the RFC");
    }

    private static string Read(Feed feed, bool isClient, int bufferLength)
    {
        using var stream = new WebSocketStream(feed, isClient, default);
        var all = new MemoryStream();
        var buffer = new byte[bufferLength];
        while (Now.Of(stream.ReadAsync(buffer)) is var count and > 0) all.Write(buffer, 0, count);
        return Convert.ToHexString(all.ToArray());
    }

    // RFC 6455 §5, slowly: a byte at a time, no vectors, no buffers.
    private static string Expected(ReadOnlySpan<byte> bytes, bool isClient)
    {
        var payload = new List<byte>();
        int at = 0;
        while (bytes.Length - at >= 2)
        {
            int opcode = bytes[at] & 15;
            bool isFinal = bytes[at] >= 128, isMasked = bytes[at + 1] >= 128;
            ulong length = (ulong)(bytes[at + 1] & 127);
            int more = length switch { 126 => 2, 127 => 8, _ => 0 };
            if (bytes.Length - at < 2 + more + (isMasked ? 4 : 0)) break;
            int head = at + 2;
            if (more > 0) length = 0;
            for (int i = 0; i < more; i++) length = length << 8 | bytes[head++];
            if (isMasked == isClient || (bytes[at] & 0x70) != 0 || length > long.MaxValue || (opcode >= 8 && (length > 125 || !isFinal))) break;
            int mask = head;
            if (isMasked) head += 4;
            if (opcode >= 8)
            {
                if ((ulong)(bytes.Length - head) < length || opcode is not (9 or 10)) break;
                at = head + (int)length;
                continue;
            }
            if (opcode > 2) break;
            int here = (int)Math.Min(length, (ulong)(bytes.Length - head));
            for (int i = 0; i < here; i++) payload.Add(isMasked ? (byte)(bytes[head + i] ^ bytes[mask + i % 4]) : bytes[head + i]);
            at = head + here;
        }
        return Convert.ToHexString(payload.ToArray());
    }
}
