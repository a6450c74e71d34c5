using System.Runtime.CompilerServices;

namespace Frp.Wire;

/// <summary>A byte stream that transforms what passes through to another one.</summary>
/// <remarks>
/// <para><b>Ownership.</b> Disposing a layer disposes the stream below. Half-close and abort are matters of the connection
/// below, whose owner handles them there.</para>
/// <para><b>Concurrency.</b> One reader and one writer at a time, which may be different threads. Disposal may come from anywhere.</para>
/// <para><b>Writes.</b> A write that failed or was cancelled leaves the peer's cipher or framing torn: later writes throw.</para>
/// <para><b>Waiting.</b> A zero-byte read waits for bytes below without holding memory, unless decoded bytes are at hand. When it
/// completes, less than a deliverable piece may have come, so the read that follows can still wait.</para>
/// </remarks>
public abstract class LayerStream : Stream
{
    private UseGate _reads;
    private UseGate _writes;
    private bool _torn;

    private protected LayerStream(Stream inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        Inner = inner;
    }

    /// <summary>The stream below.</summary>
    protected Stream Inner { get; }

    /// <inheritdoc/>
    public sealed override bool CanRead => true;
    /// <inheritdoc/>
    public sealed override bool CanWrite => true;
    /// <inheritdoc/>
    public sealed override bool CanSeek => false;
    /// <inheritdoc/>
    public sealed override long Length => throw new NotSupportedException();
    /// <inheritdoc/>
    public sealed override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    /// <inheritdoc/>
    public sealed override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    /// <inheritdoc/>
    public sealed override void SetLength(long value) => throw new NotSupportedException();
    /// <summary>Not supported: nothing here may block a thread.</summary>
    public sealed override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("asynchronous reads only");
    /// <summary>Not supported: nothing here may block a thread.</summary>
    public sealed override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("asynchronous writes only");
    /// <inheritdoc/>
    public sealed override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    /// <inheritdoc/>
    public sealed override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    /// <inheritdoc/>
    public sealed override void Flush() => Inner.Flush();
    /// <inheritdoc/>
    public sealed override Task FlushAsync(CancellationToken cancellationToken) => Inner.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    public abstract override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);
    /// <inheritdoc/>
    public abstract override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default);

    /// <inheritdoc/>
    public sealed override async ValueTask DisposeAsync()
    {
        await Inner.DisposeAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc/>
    protected sealed override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Inner.Dispose();
            if (_reads.Close()) ReleaseReadState();
            if (_writes.Close()) ReleaseWriteState();
        }
        base.Dispose(disposing);
    }

    /// <summary>Gives back what the receiving direction holds. Called once, with nobody reading.</summary>
    private protected abstract void ReleaseReadState();

    /// <summary>Gives back what the sending direction holds. Called once, with nobody writing.</summary>
    private protected abstract void ReleaseWriteState();

    private protected void EnterRead() => _reads.Enter(this);

    private protected void ExitRead()
    {
        if (_reads.Exit()) ReleaseReadState();
    }

    private protected void EnterWrite()
    {
        _writes.Enter(this);
        if (!_torn) return;
        ExitWrite();
        throw new IOException("an earlier write did not complete");
    }

    private protected void ExitWrite()
    {
        if (_writes.Exit()) ReleaseWriteState();
    }

    /// <summary>Writes transformed bytes: from the transformation to the end of the write below there is no way back.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private protected async ValueTask WriteDownAsync(ReadOnlyMemory<byte> transformed, CancellationToken cancellationToken)
    {
        _torn = true;
        await Inner.WriteAsync(transformed, cancellationToken);
        _torn = false;
    }
}
