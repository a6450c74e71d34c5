namespace Frp.Transport;

/// <summary>The part of <see cref="System.IO.Stream"/> that byte-stream layers share: both directions, asynchronous only, no positions.</summary>
/// <remarks>A layer implements the two memory-based calls and <see cref="System.IO.Stream.FlushAsync(CancellationToken)"/>; everything else leads there or throws.</remarks>
public abstract class DuplexStream : Stream
{
    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public abstract override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <inheritdoc/>
    public abstract override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default);

    /// <inheritdoc/>
    public abstract override Task FlushAsync(CancellationToken cancellationToken);

    /// <inheritdoc/>
    public sealed override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public sealed override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Does nothing: writes are asynchronous, and so is their flush.</summary>
    public override void Flush()
    {
    }

    /// <summary>Not supported: a blocking call would stop an event thread.</summary>
    public sealed override int Read(byte[] buffer, int offset, int count) => throw Synchronous();

    /// <inheritdoc cref="Read(byte[], int, int)"/>
    public sealed override void Write(byte[] buffer, int offset, int count) => throw Synchronous();

    /// <inheritdoc/>
    public sealed override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public sealed override void SetLength(long value) => throw new NotSupportedException();

    private static NotSupportedException Synchronous() => new("byte streams are asynchronous only");
}
