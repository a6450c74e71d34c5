using System.Security.Cryptography;
using System.Text;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>What becomes of a connection after a request on the WebSocket listener was answered.</summary>
internal enum UpgradeOutcome
{
    Upgraded,
    KeptOpen,
    Closed,
}

/// <summary>The upgrade to WebSocket: requests and answers as text. Pure.</summary>
/// <remarks>
/// <para><b>Layout.</b></para>
/// <code>
/// GET /~!frp HTTP/1.1                      HTTP/1.1 101 Switching Protocols
/// Host: {host}                             Upgrade: websocket
/// Upgrade: websocket                       Connection: Upgrade
/// Connection: Upgrade                      Sec-WebSocket-Accept: {base64(SHA1(key + GUID))}
/// Sec-WebSocket-Key: {base64, 16 bytes}
/// Origin: {origin}
/// Sec-WebSocket-Version: 13
/// </code>
/// <para><b>Source.</b> RFC 6455 section 4; docs/wire/transports.md, WebSocket, for what differs.</para>
/// </remarks>
internal static class WebSocketHandshake
{
    internal const string Path = "/~!frp";
    private const string Guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    /// <summary>A fresh key for a request.</summary>
    internal static string CreateKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));

    /// <summary>The proof that the server has understood a key.</summary>
    internal static string Accept(string key) => Convert.ToBase64String(SHA1.HashData(Encoding.Latin1.GetBytes(key + Guid)));

    /// <summary>The client's request.</summary>
    internal static byte[] CreateRequest(string host, string key) => Encoding.Latin1.GetBytes(
        $"GET {Path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n" +
        $"Origin: http://{host}\r\nSec-WebSocket-Version: 13\r\n\r\n");

    /// <summary>Checks the server's answer to <see cref="CreateRequest"/>.</summary>
    /// <exception cref="ProtocolViolationException">The server did not switch, or to something else.</exception>
    internal static void CheckResponse(ReadOnlySpan<byte> bytes, string key)
    {
        var head = HttpHead.TryParse(bytes) ?? throw new ProtocolViolationException("malformed answer to the WebSocket upgrade");
        var status = HttpStatus.Parse(head.StartLine);
        if (status.Code != 101) throw new ProtocolViolationException($"WebSocket upgrade refused: {PeerText.Escape(status.Line, 200)}");
        // Compat: whole values, as the reference compares them: "Upgrade, keep-alive" is refused.
        if (!string.Equals(head["Upgrade"], "websocket", StringComparison.OrdinalIgnoreCase)
            || !string.Equals(head["Connection"], "Upgrade", StringComparison.OrdinalIgnoreCase))
        {
            throw new ProtocolViolationException("the server did not upgrade to WebSocket");
        }
        if (head["Sec-WebSocket-Accept"] != Accept(key)) throw new ProtocolViolationException("the WebSocket upgrade answers another request");
        if (head["Sec-WebSocket-Extensions"] is not null) throw new ProtocolViolationException("the server uses WebSocket extensions nobody offered");
        if (head["Sec-WebSocket-Protocol"] is not null) throw new ProtocolViolationException("the server chose a WebSocket protocol nobody offered");
    }

    /// <summary>The server's answer to a request.</summary>
    /// <param name="bytes">A complete head.</param>
    /// <param name="now">For the Date field.</param>
    /// <returns>What to send, what becomes of the connection, and the Origin of one that is upgraded.</returns>
    internal static (string Response, UpgradeOutcome Outcome, string? Origin) Answer(ReadOnlySpan<byte> bytes, DateTimeOffset now)
    {
        if (HttpHead.TryParse(bytes) is not { } head || head.StartLine.Split(' ') is not [var method, var target, var version])
        {
            return Plain("400 Bad Request");
        }
        if (version is not ("HTTP/1.1" or "HTTP/1.0")) return Plain("505 HTTP Version Not Supported: unsupported protocol version");
        var hosts = head.All("Host").Count();
        if (version == "HTTP/1.1" && hosts == 0) return Plain("400 Bad Request: missing required Host header");
        if (hosts > 1) return Plain("400 Bad Request: too many Host headers");

        if (target.Split('?')[0] != Path) return NotFound(head, method, version, now);
        if (method != "GET") return Bare("405 Method Not Allowed");
        if (!string.Equals(head["Upgrade"], "websocket", StringComparison.OrdinalIgnoreCase) || !head.HasToken("Connection", "upgrade"))
        {
            return Bare("400 Bad Request", body: "not websocket protocol");
        }
        if (head["Sec-WebSocket-Key"] is not { Length: > 0 } key) return Bare("400 Bad Request", body: "mismatch challenge/response");
        if (head["Sec-WebSocket-Version"] != "13")
        {
            return Bare("400 Bad Request", "Sec-WebSocket-Version: 13\r\n", "missing or bad WebSocket Version");
        }
        if (head["Origin"] is not { } origin || !IsAbsoluteUri(origin)) return Bare("403 Forbidden");

        var protocol = "";
        if (head["Sec-WebSocket-Protocol"] is { } offered && offered.Trim().Length > 0)
        {
            if (offered.Contains(',')) return Bare("400 Bad Request");
            protocol = $"Sec-WebSocket-Protocol: {offered}\r\n";
        }
        return ($"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {Accept(key)}\r\n{protocol}\r\n",
            UpgradeOutcome.Upgraded, origin);
    }

    /// <summary>The answer to a head that is too long.</summary>
    internal static string TooLarge => Plain("431 Request Header Fields Too Large").Response;

    // A refusal of the upgrade itself: a status line, at most a text without a length, then the end.
    private static (string, UpgradeOutcome, string?) Bare(string status, string field = "", string body = "") =>
        ($"HTTP/1.1 {status}\r\n{field}\r\n{body}", UpgradeOutcome.Closed, null);

    // A refusal of the request as HTTP.
    private static (string Response, UpgradeOutcome Outcome, string? Origin) Plain(string status) =>
        ($"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n{status}", UpgradeOutcome.Closed, null);

    private static (string, UpgradeOutcome, string?) NotFound(HttpHead head, string method, string version, DateTimeOffset now)
    {
        const string body = "404 page not found\n";
        // A body is not worth reading for a 404: such a request is the connection's last.
        var hasBody = head["Transfer-Encoding"] is not null || (head["Content-Length"] is { } length && length != "0");
        var close = hasBody || head.HasToken("Connection", "close") || (version == "HTTP/1.0" && !head.HasToken("Connection", "keep-alive"));
        var response = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n" +
            $"Date: {now.UtcDateTime:R}\r\nContent-Length: {body.Length}\r\n{(close ? "Connection: close\r\n" : "")}\r\n{(method == "HEAD" ? "" : body)}";
        return (response, close ? UpgradeOutcome.Closed : UpgradeOutcome.KeptOpen, null);
    }

    // scheme ":" rest, without blanks. Source: RFC 3986 section 3.1 for the scheme.
    private static bool IsAbsoluteUri(string text)
    {
        var colon = text.IndexOf(':');
        if (colon <= 0 || !char.IsAsciiLetter(text[0]) || text.Contains(' ') || colon == text.Length - 1) return false;
        foreach (var c in text.AsSpan(0, colon))
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.')) return false;
        }
        return true;
    }
}
