using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace Frp.Web;

/// <summary>What the HTTP server says to a user: gathered until it is flushed, and then sent in one piece.</summary>
/// <remarks>
/// <para>A flush is over when everything is sent, so that a user who does not read stops what is read for him. It is cancelled by closing the
/// connection only. When the connection is closed, what is written is dropped, and flushes say so.</para>
/// <para><b>Concurrency.</b> One writer, who does not write while a flush is under way; <see cref="SentBytes"/> and <see cref="IsSending"/>
/// may be read at any time.</para>
/// </remarks>
/// <param name="stream">The user's connection. Not owned.</param>
internal sealed class HandedOutput(Stream stream) : PipeWriter
{
    private const int SmallBytes = 4 * 1024; // an answer with a body of some lines
    private const int LargeBytes = 64 * 1024; // a piece of a body, as the forwarder reads it

    private byte[] _buffer = [];
    private int _count;
    private long _sentBytes;
    private volatile bool _isSending;
    private volatile bool _isOver;

    /// <summary>What was flushed since the beginning; that the kernel has no room for some of it, <see cref="IsSending"/> says.</summary>
    internal long SentBytes => Volatile.Read(ref _sentBytes);

    /// <summary>Whether bytes wait for room in the kernel.</summary>
    internal bool IsSending => _isSending;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _count;

    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)bytes, (uint)(_buffer.Length - _count), nameof(bytes));
        _count += bytes;
    }

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsMemory(_count);
    }

    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsSpan(_count);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (_isOver) return new(new FlushResult(isCanceled: false, isCompleted: true));
        if (_count == 0) return default;
        var (buffer, count) = (_buffer, _count);
        (_buffer, _count) = ([], 0);
        Volatile.Write(ref _sentBytes, _sentBytes + count); // before anybody can have it
        var sending = SendAsync(buffer.AsMemory(0, count));
        if (!sending.IsCompletedSuccessfully) return FinishAsync(sending, buffer);
        sending.GetAwaiter().GetResult();
        Return(buffer);
        return default;
    }

    /// <summary>Does nothing: a write, once begun, is cancelled by closing the connection.</summary>
    public override void CancelPendingFlush()
    {
    }

    /// <summary>Drops what was not flushed, and what comes from here on.</summary>
    public override void Complete(Exception? exception = null)
    {
        _isOver = true;
        Return(_buffer);
        (_buffer, _count) = ([], 0);
    }

    private ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var writing = stream.WriteAsync(bytes, CancellationToken.None);
            if (!writing.IsCompletedSuccessfully) return writing;
            writing.GetAwaiter().GetResult();
            return new ValueTask(stream.FlushAsync(CancellationToken.None)); // layers above a socket gather
        }
        catch (ObjectDisposedException e)
        {
            return ValueTask.FromException(e); // said by the stream before it begins
        }
    }

    private async ValueTask<FlushResult> FinishAsync(ValueTask sending, byte[] buffer)
    {
        _isSending = true;
        try
        {
            await sending;
            await stream.FlushAsync(CancellationToken.None);
            Return(buffer);
            return default;
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            _isOver = true; // the buffer is left to the collector: who knows what still looks at it
            return new FlushResult(isCanceled: false, isCompleted: true);
        }
        finally
        {
            _isSending = false;
        }
    }

    private void Reserve(int sizeHint)
    {
        int needed = _count + Math.Max(sizeHint, 1);
        if (needed <= _buffer.Length) return;
        // In one piece, because it is sent in one: what fits into the small buffer is all there is to copy.
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, _buffer.Length == 0 ? SmallBytes : Math.Max(LargeBytes, 2 * _buffer.Length)));
        _buffer.AsSpan(0, _count).CopyTo(larger);
        Return(_buffer);
        _buffer = larger;
    }

    private static void Return(byte[] buffer)
    {
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
    }
}
