namespace Frp.Wire;

/// <summary>A stream from which some bytes were read too many: they come first again.</summary>
/// <remarks>Disposing it disposes the stream below. Writes pass through.</remarks>
public sealed class PrefixedStream : Stream
{
    private readonly Stream _inner;
    private ReadOnlyMemory<byte> _prefix;

    /// <summary>Puts bytes back in front of a stream.</summary>
    /// <param name="inner">Owned from here on.</param>
    /// <param name="prefix">What the next reads return first. Not copied: the caller leaves it alone.</param>
    public PrefixedStream(Stream inner, ReadOnlyMemory<byte> prefix)
    {
        ArgumentNullException.ThrowIfNull(inner);
        _inner = inner;
        _prefix = prefix;
    }

    /// <summary>The stream with the bytes before it; the stream itself when there are none.</summary>
    public static Stream Wrap(Stream inner, ReadOnlyMemory<byte> prefix)
    {
        ArgumentNullException.ThrowIfNull(inner);
        return prefix.IsEmpty ? inner : new PrefixedStream(inner, prefix);
    }

    /// <summary>Whether the bytes have been read again, and the stream below is all there is.</summary>
    public bool IsReplayed => _prefix.IsEmpty;

    /// <summary>What is left of the bytes in front; they count as read from here on.</summary>
    public ReadOnlyMemory<byte> TakePrefix()
    {
        var rest = _prefix;
        _prefix = default;
        return rest;
    }

    /// <inheritdoc/>
    public override bool CanRead => _inner.CanRead;
    /// <inheritdoc/>
    public override bool CanWrite => _inner.CanWrite;
    /// <inheritdoc/>
    public override bool CanSeek => false;
    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();
    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();
    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    /// <inheritdoc/>
    public override int Read(Span<byte> buffer) => _prefix.IsEmpty ? _inner.Read(buffer) : Take(buffer);
    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _prefix.IsEmpty ? _inner.ReadAsync(buffer, cancellationToken)
        : cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken)
        : new(Take(buffer.Span));
    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => _inner.Write(buffer, offset, count);
    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer) => _inner.Write(buffer);
    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        _inner.WriteAsync(buffer, cancellationToken);
    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        _inner.WriteAsync(buffer, offset, count, cancellationToken);
    /// <inheritdoc/>
    public override void Flush() => _inner.Flush();
    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => _inner.FlushAsync(cancellationToken);
    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await _inner.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _inner.Dispose();
        base.Dispose(disposing);
    }

    private int Take(Span<byte> buffer)
    {
        var count = Math.Min(buffer.Length, _prefix.Length);
        _prefix.Span[..count].CopyTo(buffer);
        _prefix = count == _prefix.Length ? default : _prefix[count..]; // nothing keeps the array alive longer than need be
        return count;
    }
}
