using System.Text;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>A tunnel through an HTTP proxy.</summary>
/// <remarks><b>Source.</b> RFC 9110 section 9.3.6 (CONNECT), RFC 7617 (Basic), RFC 4559 and MS-NTHT (Negotiate).</remarks>
internal static class HttpConnect
{
    private const int MaxHeadSize = 64 * 1024;
    private const int MaxChallengeBody = 256 * 1024;

    /// <summary>CONNECT, with Basic credentials when there are any.</summary>
    internal static async ValueTask<Connection> ConnectAsync(
        Connection connection, string target, string? user, string password, CancellationToken cancellationToken)
    {
        var authorization = user is null ? null : "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));
        var (status, _, surplus) = await ExchangeAsync(connection, target, authorization, default, cancellationToken);
        return Tunnel(connection, status, surplus);
    }

    /// <summary>CONNECT with an NTLM handshake, both halves of which travel on the same connection.</summary>
    internal static async ValueTask<Connection> ConnectNtlmAsync(
        Connection connection, string target, string user, string password, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        var opening = Convert.ToBase64String(NtlmMessage.Negotiate());
        var (status, head, surplus) = await ExchangeAsync(connection, target, $"Negotiate {opening}", default, cancellationToken);
        if (status.Code == 407 && Offers(head, "NTLM"))
        {
            // Compat: the reference gives up. Some proxies know the handshake by its own name only; squid is one.
            surplus = await SkipBodyAsync(connection, head, surplus, cancellationToken);
            (status, head, surplus) = await ExchangeAsync(connection, target, $"NTLM {opening}", surplus, cancellationToken);
        }
        if (status.Code != 407) return Tunnel(connection, status, surplus);

        var (scheme, challenge) = FindChallenge(head);
        surplus = await SkipBodyAsync(connection, head, surplus, cancellationToken);
        var answer = NtlmMessage.Authenticate(challenge, user, password, timeProvider.GetUtcNow());
        (status, _, surplus) = await ExchangeAsync(connection, target, $"{scheme} {Convert.ToBase64String(answer)}", surplus, cancellationToken);
        return Tunnel(connection, status, surplus);
    }

    private static Connection Tunnel(Connection connection, HttpStatus status, ReadOnlyMemory<byte> surplus)
    {
        if (status.Code != 200) throw new ProxyRefusedException($"proxy answered CONNECT with {PeerText.Escape(status.Line, 200)}");
        return surplus.IsEmpty ? connection : new PrefixedConnection(connection, surplus);
    }

    private static async ValueTask<(HttpStatus Status, HttpHead Head, ReadOnlyMemory<byte> Surplus)> ExchangeAsync(
        Connection connection, string target, string? authorization, ReadOnlyMemory<byte> surplus, CancellationToken cancellationToken)
    {
        var field = authorization is null ? "" : $"Proxy-Authorization: {authorization}\r\n";
        var request = $"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: Mozilla/5.0\r\n{field}\r\n";
        await connection.Stream.WriteAsync(Encoding.Latin1.GetBytes(request), cancellationToken);
        await connection.Stream.FlushAsync(cancellationToken);
        var read = await HttpHead.ReadAsync(connection.Stream, surplus, MaxHeadSize, cancellationToken);
        if (read.Head.IsEmpty) throw new ProxyRefusedException("the proxy closed the connection instead of answering CONNECT");
        var head = HttpHead.TryParse(read.Head.Span) ?? throw new ProtocolViolationException("malformed answer from the proxy");
        return (HttpStatus.Parse(head.StartLine), head, read.Surplus);
    }

    // A scheme without a challenge, which an answer to an opening in another scheme has.
    private static bool Offers(HttpHead head, string scheme) => head.All("Proxy-Authenticate").Any(value => value.Trim().Equals(scheme, StringComparison.OrdinalIgnoreCase));

    private static (string Scheme, byte[] Challenge) FindChallenge(HttpHead head)
    {
        foreach (var value in head.All("Proxy-Authenticate"))
        {
            var blank = value.IndexOf(' ');
            if (blank < 0) continue;
            var scheme = value[..blank];
            if (!scheme.Equals("Negotiate", StringComparison.OrdinalIgnoreCase) && !scheme.Equals("NTLM", StringComparison.OrdinalIgnoreCase)) continue;
            var encoded = value[blank..].Trim();
            var challenge = new byte[encoded.Length];
            if (Convert.TryFromBase64String(encoded, challenge, out var length) && length > 0) return (scheme, challenge[..length]);
        }
        throw new ProxyRefusedException("proxy answered CONNECT with 407, but with no NTLM challenge");
    }

    // What follows goes over the same connection: the handshake is about it.
    private static async ValueTask<ReadOnlyMemory<byte>> SkipBodyAsync(
        Connection connection, HttpHead head, ReadOnlyMemory<byte> surplus, CancellationToken cancellationToken)
    {
        if (head.HasToken("Connection", "close") || head.HasToken("Proxy-Connection", "close"))
        {
            throw new ProxyRefusedException("the proxy closes the connection that its NTLM challenge is for");
        }
        if (head["Transfer-Encoding"] is not null) throw new ProxyRefusedException("the proxy's NTLM challenge has a body of unknown length");
        if (head["Content-Length"] is not { } text) return surplus;
        if (!int.TryParse(text, System.Globalization.NumberStyles.None, null, out var left) || left > MaxChallengeBody)
        {
            throw new ProxyRefusedException("the proxy's NTLM challenge has an unreasonable Content-Length");
        }
        if (left <= surplus.Length) return surplus[left..];
        left -= surplus.Length;
        var body = new byte[left];
        await connection.Stream.ReadExactlyAsync(body, cancellationToken);
        return default;
    }
}
