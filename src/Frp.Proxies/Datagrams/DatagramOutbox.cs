using System.Buffers;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>Datagrams that wait for a payload connection, encoded already: what has come meanwhile leaves with one write.</summary>
/// <remarks>
/// <para><b>Bounds.</b> 1024 datagrams, or 8 MiB of them; more are not taken, and the caller drops them (wire specification §14.3: an
/// end that reads a UDP socket drops). An empty outbox holds no buffer.</para>
/// <para><b>Lifetime.</b> An outbox outlives the connections that empty it. What a connection had taken when it failed is lost, as
/// datagrams may be; what waits goes to the next one.</para>
/// <para><b>Concurrency.</b> Any number of callers of <see cref="Append"/>, one <see cref="SendAsync"/> at a time.</para>
/// </remarks>
internal sealed class DatagramOutbox(IMessageCodec codec, TimeProvider time)
{
    // Source: wire specification §14.3.
    internal const int MaxPackets = 1024;
    private const int MaxBytes = 8 * 1024 * 1024;

    // A first block for one or two datagrams, and larger ones once they queue.
    private const int FirstBlockLength = 4 * 1024;
    private const int BlockLength = 32 * 1024;

    private readonly Lock _lock = new();
    private readonly WakeSignal _wake = new();
    private readonly Queue<Block> _blocks = new();
    private Block _tail;
    private int _packets;
    private int _bytes;
    private long _writeBegan;

    /// <summary>What became of a datagram.</summary>
    internal enum Outcome
    {
        Queued,
        Full,
        /// <summary>Its message would be longer than the peer accepts.</summary>
        TooLong,
    }

    /// <summary>How long the write that is under way has taken; zero when there is none.</summary>
    internal TimeSpan WriteDuration => Volatile.Read(ref _writeBegan) is not 0 and var began ? time.GetElapsedTime(began) : TimeSpan.Zero;

    /// <summary>Puts a datagram behind the others. It leaves after the next <see cref="Kick"/>.</summary>
    /// <param name="content">The datagram.</param>
    /// <param name="address">The JSON of the user's address.</param>
    internal Outcome Append(ReadOnlySpan<byte> content, ReadOnlySpan<byte> address)
    {
        lock (_lock)
        {
            if (_packets >= MaxPackets || _bytes >= MaxBytes) return Outcome.Full;
            int written = PacketFrame.Write(codec, content, address, GetRoom(PacketFrame.GetMaxLength(content.Length, address.Length)));
            if (written == 0) return Outcome.TooLong;
            Count(written);
            return Outcome.Queued;
        }
    }

    /// <summary>Puts a sign of life behind the datagrams, full or not: there is never more than one in the time that a write may take.</summary>
    internal void AppendPing()
    {
        lock (_lock) Count(PacketFrame.WritePing(codec, GetRoom(PacketFrame.GetMaxLength(0, 0))));
    }

    /// <summary>Lets what was put in leave. Where nothing stands in the way, it has left when this returns.</summary>
    internal void Kick() => _wake.Set();

    /// <summary>Waits until something is in.</summary>
    internal async Task WaitForContentAsync(CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.UnsafeRegister(static state => ((WakeSignal)state!).Set(), _wake);
        while (IsEmpty())
        {
            cancellationToken.ThrowIfCancellationRequested();
            await _wake.WaitAsync();
        }
    }

    /// <summary>Forgets what waits.</summary>
    /// <returns>How many datagrams that were.</returns>
    internal int Clear()
    {
        int count = 0;
        while (TryTake(out var block))
        {
            count += block.Packets;
            ArrayPool<byte>.Shared.Return(block.Bytes);
        }
        return count;
    }

    /// <summary>Writes what there is, and what comes, until it is cancelled. A write that has begun is ended by the connection's abort only.</summary>
    /// <exception cref="IOException">The connection failed.</exception>
    internal async Task SendAsync(Stream stream, CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.UnsafeRegister(static state => ((WakeSignal)state!).Set(), _wake);
        try
        {
            while (true)
            {
                bool unflushed = false;
                while (TryTake(out var block))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    Volatile.Write(ref _writeBegan, time.GetTimestamp());
                    unflushed = true;
                    await stream.WriteAsync(block.Bytes.AsMemory(0, block.Length), CancellationToken.None);
                    ArrayPool<byte>.Shared.Return(block.Bytes); // not after a failure: the stream may use it still
                }
                if (unflushed)
                {
                    await stream.FlushAsync(CancellationToken.None);
                    Volatile.Write(ref _writeBegan, 0);
                    continue;
                }
                cancellationToken.ThrowIfCancellationRequested();
                await _wake.WaitAsync();
            }
        }
        finally
        {
            Volatile.Write(ref _writeBegan, 0);
        }
    }

    private bool IsEmpty()
    {
        lock (_lock) return _bytes == 0;
    }

    private Span<byte> GetRoom(int length)
    {
        if (_tail.Bytes is null || _tail.Bytes.Length - _tail.Length < length)
        {
            bool first = _bytes == 0;
            if (_tail.Length > 0) _blocks.Enqueue(_tail);
            else if (_tail.Bytes is not null) ArrayPool<byte>.Shared.Return(_tail.Bytes);
            _tail = new Block(ArrayPool<byte>.Shared.Rent(Math.Max(length, first ? FirstBlockLength : BlockLength)), 0, 0);
        }
        return _tail.Bytes.AsSpan(_tail.Length);
    }

    private void Count(int length)
    {
        _tail = new Block(_tail.Bytes, _tail.Length + length, _tail.Packets + 1);
        _packets++;
        _bytes += length;
    }

    private bool TryTake(out Block block)
    {
        lock (_lock)
        {
            if (!_blocks.TryDequeue(out block))
            {
                block = _tail;
                if (block.Length == 0) return false;
                _tail = default;
            }
            _packets -= block.Packets;
            _bytes -= block.Length;
            return true;
        }
    }

    private readonly record struct Block(byte[] Bytes, int Length, int Packets);
}
