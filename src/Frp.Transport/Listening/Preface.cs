using System.Net.Sockets;

namespace Frp.Transport;

/// <summary>Looking at a connection's first bytes without taking them away.</summary>
internal static class Preface
{
    /// <summary>Fills <paramref name="first"/> with the connection's first bytes; they will be read again by whoever reads next.</summary>
    /// <param name="connection">Its place is taken by the result.</param>
    /// <param name="first">As many bytes as are needed for a decision.</param>
    /// <param name="cancellationToken">Carries the deadline.</param>
    /// <returns>The same connection when its socket let us peek, so that nothing is buffered above it; else one that replays the bytes.</returns>
    /// <exception cref="EndOfStreamException">The peer finished before.</exception>
    internal static async ValueTask<Connection> PeekAsync(Connection connection, Memory<byte> first, CancellationToken cancellationToken)
    {
        if (connection.TryGetSocket(out var socket))
        {
            var peeked = await socket.ReceiveAsync(first, SocketFlags.Peek, cancellationToken);
            if (peeked == 0) throw new EndOfStreamException();
            if (peeked == first.Length) return connection;
        }

        // A peek returns at once with whatever is there, so waiting for the rest by peeking would be a busy loop: take the
        // bytes for good and put them back.
        var filled = 0;
        while (filled < first.Length)
        {
            var count = await connection.Stream.ReadAsync(first[filled..], cancellationToken);
            if (count == 0) throw new EndOfStreamException();
            filled += count;
        }
        return new PrefixedConnection(connection, first.ToArray());
    }
}
