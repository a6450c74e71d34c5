using System.Buffers;
using System.Runtime.CompilerServices;

namespace Frp.Transport;

/// <summary>
/// What lies between TLS and a carrier: many records in one system call, both ways, and no memory while nothing happens.
/// </summary>
/// <remarks>
/// <para><b>Reads.</b> A read goes straight into the caller's buffer. Only when the last one came back full, so that more
/// is probably waiting, is a large buffer rented and filled in one call; it goes back as soon as it has been read out. So a
/// connection that waits holds no buffer, even after a burst, unless the burst ended exactly where a buffer did. Zero-byte reads wait for
/// data without any buffer; behind a full read they do not wait.</para>
/// <para><b>Writes</b> are gathered until <see cref="FlushAsync"/>, or until <see cref="WriteGather.Limit"/> is reached.</para>
/// <para><b>Concurrency.</b> One reader and one writer. A second writer is told so instead of tearing records.</para>
/// <para><b>Ownership.</b> The stream below stays its owner's.</para>
/// </remarks>
internal sealed class GatheringStream(Stream inner) : DuplexStream
{
    // Measured: eight TLS records a call; with the gathered writes 475 MB/s at 3.2 s/GB against 445 at 3.6 without.
    private const int BulkSize = 128 * 1024;
    // Below this a full buffer says nothing about what waits behind it.
    private const int LargeReadSize = 4 * 1024;

    private byte[]? _bulk;
    private int _bulkStart;
    private int _bulkEnd;
    private bool _lastReadWasFull;

    private WriteGather _gather;
    private int _writing;
    private bool _torn;

    /// <summary>
    /// While set, reads that had to wait resume on a worker thread: a handshake signs, verifies and builds chains for up to
    /// milliseconds, which must not happen on the event thread that completed the read.
    /// </summary>
    internal bool OffloadReads { get; set; }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_bulk is not null)
        {
            if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellationToken);
            return ValueTask.FromResult(TakeFromBulk(buffer));
        }
        if (OffloadReads) return ReadOffloadedAsync(buffer, cancellationToken);
        if (buffer.Length == 0 && _lastReadWasFull) return ValueTask.FromResult(0); // there is more, most likely: no call to ask
        if (buffer.Length < LargeReadSize) return inner.ReadAsync(buffer, cancellationToken);
        if (_lastReadWasFull && buffer.Length < BulkSize) return ReadBulkAsync(buffer, cancellationToken);

        var read = inner.ReadAsync(buffer, cancellationToken);
        if (!read.IsCompletedSuccessfully) return ReadDirectAsync(read, buffer.Length);
        var count = read.GetAwaiter().GetResult();
        _lastReadWasFull = count == buffer.Length;
        return ValueTask.FromResult(count);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        EnterWrite();
        if (buffer.Length > _gather.Room) return WriteThroughAsync(buffer, cancellationToken);
        buffer.Span.CopyTo(_gather.Append(buffer.Length));
        LeaveWrite();
        return ValueTask.CompletedTask;
    }

    public override Task FlushAsync(CancellationToken cancellationToken)
    {
        EnterWrite();
        if (_gather.Count > 0) return FlushGatheredAsync(cancellationToken);
        LeaveWrite();
        return inner.FlushAsync(cancellationToken);
    }

    private int TakeFromBulk(Memory<byte> buffer)
    {
        var count = Math.Min(buffer.Length, _bulkEnd - _bulkStart);
        _bulk.AsSpan(_bulkStart, count).CopyTo(buffer.Span);
        _bulkStart += count;
        if (_bulkStart == _bulkEnd)
        {
            ArrayPool<byte>.Shared.Return(_bulk!);
            _bulk = null;
        }
        return count;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadDirectAsync(ValueTask<int> read, int size)
    {
        var count = await read;
        _lastReadWasFull = count == size;
        return count;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadBulkAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var rented = ArrayPool<byte>.Shared.Rent(BulkSize);
        var read = inner.ReadAsync(rented.AsMemory(0, BulkSize), cancellationToken);
        int count;
        try
        {
            count = await read;
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(rented); // the operation is over, whatever became of it
            throw;
        }
        _lastReadWasFull = count == BulkSize;
        if (count == 0)
        {
            ArrayPool<byte>.Shared.Return(rented);
            return 0;
        }
        _bulk = rented;
        _bulkStart = 0;
        _bulkEnd = count;
        return TakeFromBulk(buffer);
    }

    private async ValueTask<int> ReadOffloadedAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var read = inner.ReadAsync(buffer, cancellationToken);
        if (read.IsCompleted) return await read;
        var count = await read;
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return count;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteThroughAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            await SendGatheredAsync(cancellationToken);
            if (buffer.Length > WriteGather.Limit) await inner.WriteAsync(buffer, cancellationToken);
            else buffer.Span.CopyTo(_gather.Append(buffer.Length));
        }
        catch
        {
            _torn = true;
            throw;
        }
        finally
        {
            LeaveWrite();
        }
    }

    private async Task FlushGatheredAsync(CancellationToken cancellationToken)
    {
        try
        {
            await SendGatheredAsync(cancellationToken);
            await inner.FlushAsync(cancellationToken);
        }
        finally
        {
            LeaveWrite();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendGatheredAsync(CancellationToken cancellationToken)
    {
        var gathered = _gather.Take();
        if (gathered.Array is null) return;
        try
        {
            await inner.WriteAsync(gathered, cancellationToken);
        }
        catch
        {
            _torn = true; // part of it may be out: records after it would make no sense
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(gathered.Array);
        }
    }

    private void EnterWrite()
    {
        if (Interlocked.CompareExchange(ref _writing, 1, 0) != 0) throw new IOException("a write is under way, or the connection is closing");
        if (!_torn) return;
        LeaveWrite();
        throw new IOException("an earlier write failed");
    }

    private void LeaveWrite() => Volatile.Write(ref _writing, 0);
}
