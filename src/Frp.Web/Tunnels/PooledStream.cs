using System.Buffers;
using System.Runtime.CompilerServices;
using Frp.Transport;

namespace Frp.Web;

/// <summary>A connection to a local service as an HTTP client wants it: every write is sent, and disposing the stream closes the connection.</summary>
/// <remarks>
/// <para><b>Repeats.</b> The client repeats a request when the connection ends before the first byte of the answer. That is right for a
/// connection that has waited for some time and a request that does no harm twice; everything else gets an error here, which is not
/// repeated: a local service that dies of a request shall not get it again.</para>
/// <para><b>Heads.</b> The client reads the head of an answer into a buffer of its own, and would hand on what of the body fits behind it
/// as a piece by itself. Where more of the body is on its way, that first read ends with the head, and the next one brings all there is.</para>
/// </remarks>
/// <param name="connection">Owned.</param>
/// <param name="closing">Where a close that has to wait does so.</param>
internal sealed class PooledStream(Connection connection, TaskScope closing) : DuplexStream
{
    private readonly Stream _inner = connection.Stream;
    private bool _isNew = true; // has carried no request yet
    private volatile bool _answered; // the last request's answer has begun
    private volatile bool _repeatable;
    private int _disposed;
    private byte[]? _kept; // what was read behind a head
    private int _keptStart;
    private int _keptEnd;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_kept is not null) return ReadKept(buffer, cancellationToken);
        var reading = _inner.ReadAsync(buffer, cancellationToken);
        return reading.IsCompletedSuccessfully ? ValueTask.FromResult(Judge(reading.GetAwaiter().GetResult(), buffer.Span)) : JudgeAsync(reading, buffer);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if ((_isNew || _answered) && buffer.Length > 0)
        {
            // GET, HEAD, OPTIONS, TRACE: no other method begins with their letters, and neither does HTTP/2's preface, whose frames begin with no letter.
            char first = (char)buffer.Span[0];
            bool harmless = first is 'G' or 'H' or 'O' or 'T';
            _repeatable = harmless && !_isNew;
            (_isNew, _answered) = (false, false);
            // What is done once only does not go to a client of whose end the machine knows before our loops do.
            if (!harmless && char.IsAsciiLetterUpper(first) && connection.HasPeerLeft) return ValueTask.FromException(new UnsentRequestException("the local service has left"));
        }
        // A write, once begun, is cancelled by closing the connection only: its layers do not survive half a frame.
        var writing = _inner.WriteAsync(buffer, CancellationToken.None);
        if (!writing.IsCompletedSuccessfully) return FinishAsync(writing);
        writing.GetAwaiter().GetResult();
        var flushing = _inner.FlushAsync(CancellationToken.None);
        return flushing.IsCompletedSuccessfully ? ValueTask.CompletedTask : new ValueTask(flushing);
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            var close = connection.DisposeAsync();
            if (!close.IsCompletedSuccessfully) closing.RunChild("close of a connection to a local service", _ => close.AsTask());
        }
        base.Dispose(disposing);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> JudgeAsync(ValueTask<int> reading, Memory<byte> buffer) => Judge(await reading, buffer.Span);

    private int Judge(int count, ReadOnlySpan<byte> buffer)
    {
        if (count > 0)
        {
            if (!_answered && count == buffer.Length) count = Split(buffer);
            _answered = true;
        }
        else if (buffer.Length > 0 && !_answered && !_repeatable)
        {
            throw new IOException("the local service has closed the connection without an answer");
        }
        return count;
    }

    // A read that comes back full has more behind it.
    private int Split(ReadOnlySpan<byte> read)
    {
        var end = "\r\n\r\n"u8;
        int head = read.StartsWith("HTTP/1"u8) ? read.IndexOf(end) + end.Length : 0;
        if (head < end.Length || head == read.Length) return read.Length;
        (_kept, _keptStart, _keptEnd) = (ArrayPool<byte>.Shared.Rent(read.Length - head), 0, read.Length - head);
        read[head..].CopyTo(_kept);
        return head;
    }

    private ValueTask<int> ReadKept(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int count = Math.Min(_keptEnd - _keptStart, buffer.Length);
        _kept.AsSpan(_keptStart, count).CopyTo(buffer.Span);
        _keptStart += count;
        if (_keptStart < _keptEnd) return ValueTask.FromResult(count);
        ArrayPool<byte>.Shared.Return(_kept!);
        _kept = null;
        // What lies behind it joins it, where that is known to be here.
        return count < buffer.Length && connection is MuxConnection { MuxStream.IsReadable: true } ? AddAsync(count, _inner.ReadAsync(buffer[count..], cancellationToken)) : ValueTask.FromResult(count);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<int> AddAsync(int count, ValueTask<int> reading) => count + await reading;

    private async ValueTask FinishAsync(ValueTask writing)
    {
        await writing;
        await _inner.FlushAsync(CancellationToken.None);
    }
}
