using System.Buffers;
using System.Net.Sockets;
using Yamux;

namespace Frp.Transport;

/// <summary>The short way between a socket and a stream of a multiplexing session: no intermediate stream, pipe or queue in either direction.</summary>
/// <remarks>
/// <para><b>Towards the socket</b> the session's read loop hands payload to a sink, which tries a non-blocking send. What the socket
/// does not take stays in the stream's own queue, bounded by the window that we granted.</para>
/// <para><b>Towards the session</b> bytes are received behind room for a frame header, so that header and payload leave in one write
/// from the buffer that they were received in.</para>
/// <para><b>Concurrency.</b> The sink is called by one thread at a time (the session's contract); its state is shared with the
/// completion of its own pending send only, which runs while the sink refuses data.</para>
/// </remarks>
internal static class MuxRelay
{
    internal static Task RunAsync(Socket socket, YamuxStream stream, RelayPair pair, Connection socketEnd, Connection streamEnd)
    {
        socket.Blocking = false;
        var sink = new SocketSink(socket, stream, pair, socketEnd, streamEnd);
        stream.SetSink(sink);
        return Task.WhenAll(sink.Completion, PumpAsync(socket, stream, pair, socketEnd, streamEnd));
    }

    private static async Task PumpAsync(Socket socket, YamuxStream stream, RelayPair pair, Connection socketEnd, Connection streamEnd)
    {
        const int Header = YamuxStream.HeaderLength;
        var idle = new byte[Header + Relay.IdleBufferSize];
        byte[]? bulk = null;
        try
        {
            while (true)
            {
                int count = await socket.ReceiveAsync(idle.AsMemory(Header), SocketFlags.None, CancellationToken.None);
                if (count == 0) break;
                if (count < idle.Length - Header)
                {
                    await stream.WriteFramedAsync(idle.AsMemory(0, Header + count), CancellationToken.None);
                    continue;
                }
                bulk = ArrayPool<byte>.Shared.Rent(Relay.BulkBufferSize);
                idle.CopyTo(bulk, 0);
                if (await PumpBulkAsync(socket, stream, bulk, Header + count)) break;
                ArrayPool<byte>.Shared.Return(bulk);
                bulk = null;
                // Whoever has said more than a line is likely to do so again: an answer of a kilobyte then comes in one receive.
                if (idle.Length < Header + Relay.RestingBufferSize) idle = new byte[Header + Relay.RestingBufferSize];
            }
            await pair.EndOfDirectionAsync(socketEnd, streamEnd);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            pair.Abort(CloseReason.From(e));
        }
        finally
        {
            if (bulk is not null) ArrayPool<byte>.Shared.Return(bulk);
        }
    }

    /// <summary>Sends what the socket has until it has run dry, or has given less than there was room for: what waits tries first.</summary>
    /// <returns>Whether the socket came to its end.</returns>
    private static async ValueTask<bool> PumpBulkAsync(Socket socket, YamuxStream stream, byte[] buffer, int filled)
    {
        // With the header: what is larger would leave in two frames.
        const int limit = Relay.BulkBufferSize;
        for (int turn = 1; ; turn++)
        {
            if (turn % Relay.PiecesPerTurn == 0) await Task.Yield();
            int count = socket.Receive(buffer.AsSpan(filled, limit - filled), SocketFlags.None, out var error);
            if (error is not (SocketError.Success or SocketError.WouldBlock)) throw new SocketException((int)error);
            bool over = error == SocketError.Success && count == 0;
            if (error == SocketError.Success) filled += count;
            bool dry = filled < limit;
            if (filled > YamuxStream.HeaderLength) await stream.WriteFramedAsync(buffer.AsMemory(0, filled), CancellationToken.None);
            if (over || dry) return over;
            filled = YamuxStream.HeaderLength;
        }
    }

    /// <summary>Receives the stream's payload and sends it on the socket.</summary>
    private sealed class SocketSink(Socket socket, YamuxStream stream, RelayPair pair, Connection socketEnd, Connection streamEnd) : IYamuxSink
    {
        private readonly TaskCompletionSource _completion = new();
        private volatile bool _sending; // a send is pending: refuse data until it is done
        private Task _pending = Task.CompletedTask; // the last such send; may outlive _sending by the call of ResumeSink

        /// <summary>Completes when the last byte has been sent, or when nothing more will be.</summary>
        internal Task Completion => _completion.Task;

        public int OnData(ReadOnlySpan<byte> data)
        {
            if (_sending) return 0;
            if (!TrySend(data, out int sent, out var error)) return data.Length; // the relay is over: nobody wants it any more
            if (error == SocketError.Success && sent == data.Length) return sent;
            if (error is not (SocketError.Success or SocketError.WouldBlock))
            {
                pair.Abort(CloseReason.From(new SocketException((int)error)));
                return data.Length; // nobody wants it any more
            }
            if (error == SocketError.WouldBlock) sent = 0;
            // The socket is full. Take one more piece and let an ordinary send wait for room.
            int piece = Math.Min(data.Length - sent, Relay.BulkBufferSize);
            byte[] buffer = ArrayPool<byte>.Shared.Rent(piece);
            data.Slice(sent, piece).CopyTo(buffer);
            _sending = true;
            _pending = SendPendingAsync(buffer, piece);
            return sent + piece;
        }

        private bool TrySend(ReadOnlySpan<byte> data, out int sent, out SocketError error)
        {
            try
            {
                sent = socket.Send(data, SocketFlags.None, out error);
                return true;
            }
            catch (ObjectDisposedException)
            {
                (sent, error) = (0, SocketError.OperationAborted);
                return false;
            }
        }

        public void OnEnd(YamuxStreamEnd end)
        {
            if (end != YamuxStreamEnd.Finished)
            {
                pair.Abort(new CloseReason(CloseKind.Reset, end == YamuxStreamEnd.Reset ? "the peer reset the stream" : "the session ended"));
                _completion.TrySetResult();
                return;
            }
            _ = FinishAsync();
        }

        private async Task SendPendingAsync(byte[] buffer, int count)
        {
            try
            {
                await Relay.SendAllAsync(socket, buffer.AsMemory(0, count));
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                pair.Abort(CloseReason.From(e));
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
                _sending = false;
            }
            stream.ResumeSink();
        }

        private async Task FinishAsync()
        {
            try
            {
                await _pending; // the stream's last bytes may be in it: taken, and not sent yet
                await pair.EndOfDirectionAsync(streamEnd, socketEnd);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                pair.Abort(CloseReason.From(e));
            }
            _completion.TrySetResult();
        }
    }
}
