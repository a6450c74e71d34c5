using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace Frp.Transport;

/// <summary>Looking at a connection's first bytes without taking them away.</summary>
internal static class Preface
{
    /// <summary>Fills <paramref name="first"/> with the connection's first bytes; they will be read again by whoever reads next.</summary>
    /// <param name="connection">Its place is taken by the result.</param>
    /// <param name="first">As many bytes as are needed for a decision.</param>
    /// <param name="cancellationToken">Carries the deadline.</param>
    /// <returns>
    /// The same connection when its socket let us peek, so that nothing is buffered above it; else one that replays the bytes. Null when a peer that has said
    /// nothing has reset the connection, or his time is over: then it is closed. Many come and say nothing, and exceptions cost more than the rest of them.
    /// </returns>
    /// <exception cref="EndOfStreamException">The peer finished before.</exception>
    internal static async ValueTask<Connection?> PeekAsync(Connection connection, Memory<byte> first, CancellationToken cancellationToken)
    {
        if (connection.TryGetSocket(out var socket))
        {
            int peeked;
            // Closing the socket ends the receive, and does not wait for anything.
            using (var peek = new SocketPeek())
            await using (cancellationToken.UnsafeRegister(static waiting => _ = ((Connection)waiting!).DisposeAsync().AsTask(), connection))
            {
                peeked = await peek.ReceiveAsync(socket, first);
            }
            if (peeked < 0)
            {
                await connection.DisposeAsync();
                return null;
            }
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

    /// <summary>One look at what a socket has received. Whatever keeps it from that is a number, and closing the socket is the way to end it.</summary>
    private sealed class SocketPeek() : SocketAsyncEventArgs(true), IValueTaskSource<int>
    {
        private ManualResetValueTaskSourceCore<int> _wait;

        /// <summary>Waits for the first bytes, and leaves them there.</summary>
        /// <returns>How many; 0 when the peer has ended, below 0 when the connection has.</returns>
        internal ValueTask<int> ReceiveAsync(Socket socket, Memory<byte> buffer)
        {
            SetBuffer(buffer);
            SocketFlags = SocketFlags.Peek;
            try
            {
                return socket.ReceiveAsync(this) ? new ValueTask<int>(this, _wait.Version) : ValueTask.FromResult(Result);
            }
            catch (ObjectDisposedException)
            {
                return ValueTask.FromResult(-1);
            }
        }

        private int Result => SocketError == SocketError.Success ? BytesTransferred : -1;

        protected override void OnCompleted(SocketAsyncEventArgs e) => _wait.SetResult(Result);

        int IValueTaskSource<int>.GetResult(short token) => _wait.GetResult(token);

        ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _wait.GetStatus(token);

        void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _wait.OnCompleted(continuation, state, token, flags);
    }
}
