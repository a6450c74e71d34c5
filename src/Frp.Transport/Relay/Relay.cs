using System.Buffers;
using System.Net.Sockets;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>How a relay treats the end of one direction.</summary>
public enum RelayEnd
{
    /// <summary>The end of either direction ends both, as between programs that cannot tell a FIN from a close.</summary>
    CloseBoth,
    /// <summary>The end of one direction is passed on, and the other goes on until it ends too.</summary>
    HalfClose,
}

/// <summary>
/// Moves bytes between two connections, both ways, until both directions have ended: what a tunnel does all day.
/// </summary>
/// <remarks>
/// <para>There are three ways, best first. Between a socket and a stream of a multiplexer, payload goes from the session's read
/// loop straight to a non-blocking send, and from the socket into the buffer that the session sends from
/// (<see cref="MuxRelay"/>). Between two sockets it goes through one buffer. Anything else (TLS, WebSocket, encryption,
/// compression) goes through <see cref="Stream"/>.</para>
/// <para><b>Buffers.</b> An idle direction holds a small buffer only. The large one is rented when the small one comes back full
/// and given back when the source has run dry.</para>
/// <para><b>Ends.</b> End of stream and reset are ordinary: a reset of one connection resets the other, so that a user who
/// aborts is seen to abort. Where a payload cannot be decoded any more (encryption, compression) both are closed in good order, and what was good of it is
/// delivered. Both connections are closed when the relay returns.</para>
/// </remarks>
public static class Relay
{
    /// <summary>Bytes of the buffer that a waiting direction holds.</summary>
    // Not compared with other sizes: holds a request line or a small message without a second read.
    internal const int IdleBufferSize = 512;

    /// <summary>The same, between a socket and a mux stream, once a direction has carried more than that at a time.</summary>
    // Measured: docs/PERFORMANCE.md, "idle buffers".
    internal const int RestingBufferSize = 2 * 1024;

    /// <summary>Bytes of the buffer of a direction under load.</summary>
    // Measured: docs/PERFORMANCE.md, "relay buffers".
    internal const int BulkBufferSize = 64 * 1024;

    /// <summary>The same between two sockets, where nobody else waits for the thread that moves a piece.</summary>
    // Measured: docs/PERFORMANCE.md, "relay buffers".
    internal const int SocketBufferSize = 256 * 1024;

    /// <summary>Pieces that a direction moves without a wait before it lets others have the thread.</summary>
    internal const int PiecesPerTurn = 16;

    /// <summary>Relays until both directions have ended, and closes both connections.</summary>
    /// <param name="a">One connection. Ownership passes to the relay.</param>
    /// <param name="b">The other connection. Ownership passes to the relay.</param>
    /// <param name="end">What the end of one direction does to the other.</param>
    /// <param name="time">The clock of half-closed relays; no other has a use for it.</param>
    /// <param name="cancellationToken">Aborts both connections.</param>
    /// <returns>Why the relay ended, as the first direction to end saw it.</returns>
    public static async Task<CloseReason> RunAsync(Connection a, Connection b, RelayEnd end, TimeProvider time, CancellationToken cancellationToken)
    {
        var pair = new RelayPair(a, b, end == RelayEnd.HalfClose && a.CanHalfClose && b.CanHalfClose, time);
        await using var registration = cancellationToken.UnsafeRegister(static state => ((RelayPair)state!).Abort(new CloseReason(CloseKind.Shutdown, "stopping")), pair);
        try
        {
            // What was read ahead goes first, so that the rest can take the short way.
            a = await PassPrefixAsync(a, b);
            b = await PassPrefixAsync(b, a);
            if (b is MuxConnection muxB && a.TryGetSocket(out var socketA)) await MuxRelay.RunAsync(socketA, muxB.MuxStream, pair, a, b);
            else if (a is MuxConnection muxA && b.TryGetSocket(out var socketB)) await MuxRelay.RunAsync(socketB, muxA.MuxStream, pair, b, a);
            else await Task.WhenAll(CopyAsync(a, b, pair), CopyAsync(b, a, pair));
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            pair.Abort(CloseReason.From(e)); // the prefix could not be passed on
        }
        finally
        {
            await pair.EndAsync(new CloseReason(CloseKind.LocalClose, "closed"));
        }
        return pair.Reason!;
    }

    private static async ValueTask<Connection> PassPrefixAsync(Connection from, Connection to)
    {
        if (from is not PrefixedConnection prefixed) return from;
        await to.Stream.WriteAsync(prefixed.TakePrefix());
        await to.Stream.FlushAsync();
        return prefixed.Inner;
    }

    private static async Task CopyAsync(Connection from, Connection to, RelayPair pair)
    {
        try
        {
            bool fromSocket = from.TryGetSocket(out var source), toSocket = to.TryGetSocket(out var target);
            if (fromSocket && toSocket) await CopySocketsAsync(source!, target!);
            else await CopyStreamsAsync(from.Stream, to.Stream);
            await pair.EndOfDirectionAsync(from, to);
        }
        catch (ProtocolViolationException e)
        {
            await pair.EndAsync(CloseReason.From(e)); // Compat: docs/COMPAT.md, "a payload that cannot be decoded"
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            pair.Abort(CloseReason.From(e));
        }
    }

    private static async Task CopySocketsAsync(Socket from, Socket to)
    {
        var idle = new byte[IdleBufferSize];
        byte[]? bulk = null;
        try
        {
            while (true)
            {
                int count = await from.ReceiveAsync(idle.AsMemory(), SocketFlags.None, CancellationToken.None);
                if (count == 0) return;
                if (count < idle.Length)
                {
                    await SendAllAsync(to, idle.AsMemory(0, count));
                    continue;
                }
                bulk = ArrayPool<byte>.Shared.Rent(SocketBufferSize);
                idle.CopyTo(bulk, 0);
                int filled = count;
                for (int turn = 1; ; turn++)
                {
                    if (turn % PiecesPerTurn == 0) await Task.Yield();
                    int more = from.Receive(bulk.AsSpan(filled), SocketFlags.None, out var error);
                    if (error is not (SocketError.Success or SocketError.WouldBlock)) throw new SocketException((int)error);
                    bool dry = error == SocketError.WouldBlock;
                    if (!dry) filled += more;
                    if (filled > 0) await SendAllAsync(to, bulk.AsMemory(0, filled));
                    if (dry) break;
                    if (more == 0) return;
                    filled = 0;
                }
                ArrayPool<byte>.Shared.Return(bulk);
                bulk = null;
            }
        }
        finally
        {
            if (bulk is not null) ArrayPool<byte>.Shared.Return(bulk);
        }
    }

    internal static async ValueTask SendAllAsync(Socket to, ReadOnlyMemory<byte> data)
    {
        while (data.Length > 0) data = data[await to.SendAsync(data, SocketFlags.None, CancellationToken.None)..];
    }

    private static async Task CopyStreamsAsync(Stream from, Stream to)
    {
        var idle = new byte[IdleBufferSize];
        byte[]? bulk = null;
        try
        {
            while (true)
            {
                int count = await from.ReadAsync(bulk ?? idle);
                if (count == 0) return;
                await to.WriteAsync((bulk ?? idle).AsMemory(0, count));
                await to.FlushAsync();
                if (bulk is null)
                {
                    if (count == idle.Length) bulk = ArrayPool<byte>.Shared.Rent(BulkBufferSize);
                }
                else if (count <= idle.Length)
                {
                    ArrayPool<byte>.Shared.Return(bulk);
                    bulk = null;
                }
            }
        }
        finally
        {
            if (bulk is not null) ArrayPool<byte>.Shared.Return(bulk);
        }
    }
}
