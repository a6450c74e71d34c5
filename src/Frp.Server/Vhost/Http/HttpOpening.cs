using System.Net.Sockets;
using Frp.Transport;

namespace Frp.Server;

/// <summary>What a connection to the HTTP virtual host begins with.</summary>
internal enum HttpOpening
{
    /// <summary>A request of HTTP/1, or nothing that we know.</summary>
    Http1,
    /// <summary>HTTP/2's preface.</summary>
    Http2,
    /// <summary>A request for a tunnel.</summary>
    Connect,
}

/// <summary>Tells connections apart by their first bytes.</summary>
internal static class HttpOpenings
{
    private static ReadOnlySpan<byte> Http2Preface => "PRI * HTTP/2.0"u8;

    /// <summary>Looks at a connection's first bytes, as many as are needed, and leaves them to be read again.</summary>
    /// <param name="connection">Its place is taken by the result.</param>
    /// <param name="cancellationToken">Carries the deadline.</param>
    /// <exception cref="EndOfStreamException">The peer finished before it said anything.</exception>
    internal static async ValueTask<(Connection Connection, HttpOpening Opening)> ReadAsync(Connection connection, CancellationToken cancellationToken)
    {
        var first = new byte[16];
        if (connection.TryGetSocket(out var socket))
        {
            int peeked = await socket.ReceiveAsync(first.AsMemory(), SocketFlags.Peek, cancellationToken);
            if (peeked == 0) throw new EndOfStreamException();
            if (Judge(first.AsSpan(0, peeked)) is { } opening) return (connection, opening);
        }
        // Too few to tell. A peek would return the same ones at once: they are read for good and put back.
        int filled = 0;
        while (true)
        {
            int count = await connection.Stream.ReadAsync(first.AsMemory(filled), cancellationToken);
            filled += count;
            if (filled == 0) throw new EndOfStreamException();
            if ((count == 0 ? HttpOpening.Http1 : Judge(first.AsSpan(0, filled))) is not { } opening) continue;
            return (new PrefixedConnection(connection, first.AsMemory(0, filled)), opening);
        }
    }

    private static HttpOpening? Judge(ReadOnlySpan<byte> first)
    {
        if (first.StartsWith(Http2Preface)) return HttpOpening.Http2;
        if (first.StartsWith(ConnectTunnel.Opening)) return HttpOpening.Connect;
        return Http2Preface.StartsWith(first) || ConnectTunnel.Opening.StartsWith(first) ? null : HttpOpening.Http1;
    }
}
