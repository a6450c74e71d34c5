using System.Buffers.Binary;
using Frp.Transport;

namespace Frp.Fuzz;

/// <summary>An HTTP proxy's answers to frpc's CONNECT. The first byte chooses between a bare CONNECT, Basic and NTLM.</summary>
internal sealed class HttpProxyTarget : FuzzTarget
{
    public override string Name => "http-proxy";

    public override IReadOnlyList<string> Sources => ["Frp.Transport/Dialing/Proxy/HttpConnect.cs", "Frp.Transport/Dialing/Proxy/NtlmMessage.cs", "Frp.Transport/Http/HttpHead.cs"];

    public override IReadOnlyList<string> Words =>
    [
        "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 407 Proxy Authentication Required\r\n", "Proxy-Authenticate: NTLM\r\n", "Proxy-Authenticate: Negotiate TlRMTVNTUAACAAAA", "Content-Length: ", "-1", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "\r\n\r\n", "262144", "2147483648",
    ];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        if (input.IsEmpty) return;
        int mode = input.Span[0] % 3;
        input = input[1..];
        Now.ForAnyPieces(input, feed => Connect(feed, input, mode), static e => e is ProxyRefusedException or ProtocolViolationException or EndOfStreamException or HttpHeadTooLargeException);
    }

    private static string Connect(Feed feed, ReadOnlyMemory<byte> input, int mode)
    {
        var connection = new FeedConnection(feed);
        var tunnel = Now.Of(mode == 2
            ? HttpConnect.ConnectNtlmAsync(connection, "server:7000", "domain\\user", "password", StoppedClock.Instance, CancellationToken.None)
            : HttpConnect.ConnectAsync(connection, "server:7000", mode == 1 ? "user" : null, "password", CancellationToken.None));
        var rest = new MemoryStream();
        var buffer = new byte[61];
        while (Now.Of(tunnel.Stream.ReadAsync(buffer)) is var count and > 0) rest.Write(buffer, 0, count);
        FindException.Unless(input.Span.EndsWith(rest.ToArray()), "the tunnel does not begin where the answer ends");
        return $"tunnel {rest.Length}";
    }
}

/// <summary>A SOCKS 5 proxy's answers. The first byte chooses whether we have a user.</summary>
internal sealed class Socks5Target : FuzzTarget
{
    public override string Name => "socks5";

    public override IReadOnlyList<string> Sources => ["Frp.Transport/Dialing/Proxy/Socks5.cs"];

    public override int MaxLength => 512;

    public override IReadOnlyList<string> Words => ["\x05\0", "\x05\x02\x01\0", "\x05\0\0\x01\x7f\0\0\x01\0\x50", "\x05\0\0\x03\xff", "\x05\0\0\x04", "\x05\x05"];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        if (input.IsEmpty) return;
        string? user = input.Span[0] % 2 == 0 ? null : "user";
        string host = (input.Span[0] & 2) == 0 ? "server" : "::1";
        Now.ForAnyPieces(input[1..], feed =>
        {
            Now.Of(Socks5.ConnectAsync(new FeedConnection(feed), host, 7000, user, "password", CancellationToken.None));
            return $"tunnel {feed.Rest.Length}";
        }, static e => e is ProxyRefusedException or ProtocolViolationException);
    }
}

/// <summary>An NTLM challenge: offsets and lengths that a proxy chooses, and the answer that we make of them.</summary>
internal sealed class NtlmChallengeTarget : FuzzTarget
{
    public override string Name => "ntlm";

    public override IReadOnlyList<string> Sources => ["Frp.Transport/Dialing/Proxy/NtlmMessage.cs", "Frp.Transport/Dialing/Proxy/Md4.cs"];

    public override int MaxLength => 1024;

    public override IReadOnlyList<string> Words => ["NTLMSSP\0\x02\0\0\0", "\x01\x02\x81\0", "\x07\0\x08\0", "\0\0\0\0", "\x10\0\x10\0\x30\0\0\0", "\xff\xff\xff\xff"];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        byte[] answer;
        try
        {
            answer = NtlmMessage.Authenticate(input.Span, "user", "password", DateTimeOffset.UnixEpoch, new byte[8]);
        }
        catch (Exception e) when (e is ProtocolViolationException or ProxyRefusedException)
        {
            return;
        }
        FindException.Unless(answer.AsSpan().StartsWith("NTLMSSP\0\x03"u8), "an answer that is none");
        foreach (int field in (int[])[12, 20, 28, 36, 44, 52])
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(answer.AsSpan(field)), offset = BinaryPrimitives.ReadInt32LittleEndian(answer.AsSpan(field + 4));
            FindException.Unless(offset >= 0 && offset + length <= answer.Length, "a field outside the answer");
        }
    }
}
