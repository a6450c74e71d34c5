namespace Yamux;

/// <summary>One stream of a session: a reliable byte stream in both directions, each of which ends by itself.</summary>
/// <remarks>
/// <para><b>Reading.</b> By <see cref="ReadAsync(Memory{byte}, CancellationToken)"/>, or by a sink set with
/// <see cref="SetSink"/>, which the session's read loop calls directly. Bytes are credited to the peer when they have been
/// taken, so a slow reader stops its own stream and no other.</para>
/// <para><b>Writing.</b> Small writes are copied and complete at once; larger ones refer to the caller's memory, wait for
/// the peer's credit and their turn, and complete when the carrier has taken all of it. A cancelled write leaves the framing
/// intact, but how much of it was sent is unknown.</para>
/// <para><b>Ownership.</b> Whoever opened or accepted a stream disposes it. Disposal is the orderly end: it sends FIN, unless
/// <see cref="CompleteWritesAsync"/> did, and drops what was not read; bytes that still arrive are answered by a reset.</para>
/// <para><b>Concurrency.</b> One reader and one writer at a time; everything else from any thread. Continuations of reads
/// and writes may run on the session's read loop, so they must not block.</para>
/// <para><b>Errors.</b> <see cref="YamuxStreamException"/> when the stream was reset or the session ended,
/// <see cref="ObjectDisposedException"/> after disposal or <see cref="Abort"/>.</para>
/// </remarks>
public sealed class YamuxStream : Stream
{
    /// <summary>Bytes that <see cref="WriteFramedAsync"/> needs in front of the payload.</summary>
    public const int HeaderLength = FrameHeader.Size;

    private readonly YamuxSession _session;

    internal YamuxStream(YamuxSession session, uint id)
    {
        _session = session;
        Id = id;
        Inbound = new InboundFlow(session, this);
        Outbound = new OutboundFlow(session, id);
    }

    /// <summary>The stream's id: odd when the client opened it, by custom even when the server did.</summary>
    public uint Id { get; }

    /// <summary>Bytes that have arrived and nobody has taken yet.</summary>
    public long QueuedReceiveBytes => Inbound.Queued;

    /// <summary>Whether a read would return at once: bytes have arrived, or the receiving direction is over.</summary>
    public bool IsReadable => Inbound.IsReadable;

    /// <summary>Whether nothing can be sent any more: the stream was reset by either side or disposed, or the session has ended.</summary>
    /// <remarks>A peer's FIN alone does not count. After FIN a reset is not seen by who reads, since what was sent before can be read still.</remarks>
    public bool IsOver
    {
        get { lock (_session.Sending.Gate) return Outbound.Ended is not null; }
    }

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

    internal InboundFlow Inbound { get; }

    internal OutboundFlow Outbound { get; }

    // Below: covered by the session's lock.

    /// <summary>We opened it, and nothing has come back yet.</summary>
    internal bool AwaitsAck { get; set; }

    /// <summary>The peer sent FIN.</summary>
    internal bool PeerFinished { get; set; }

    /// <summary>Disposed, and remembered until the peer's FIN.</summary>
    internal bool Lingers { get; set; }

    /// <summary>When it was opened by us, then when it was disposed: what a timeout counts from.</summary>
    internal long Since { get; set; }

    /// <summary>Reads what is there, or waits for bytes; 0 at the end. A zero-length read waits until something can be read.</summary>
    /// <param name="buffer">Filled from the start. Ownership: in use until the read completes.</param>
    /// <param name="cancellationToken">Ends the wait; no bytes are lost.</param>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Inbound.ReadAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        Inbound.ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Sends bytes.</summary>
    /// <param name="buffer">Ownership: in use until the write completes.</param>
    /// <param name="cancellationToken">Ends a wait for credit or for the stream's turn; how much was sent is then unknown.</param>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled(cancellationToken) : _session.Sending.WriteAsync(Outbound, buffer, default, cancellationToken);

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Sends the bytes behind the first <see cref="HeaderLength"/>, straight from the caller's buffer: header and payload leave in one carrier write without a copy.</summary>
    /// <param name="frame">
    /// Room for a header, then the payload. Ownership: in use until the write completes, and overwritten in places.
    /// </param>
    /// <param name="cancellationToken">As for <see cref="WriteAsync(ReadOnlyMemory{byte}, CancellationToken)"/>.</param>
    public ValueTask WriteFramedAsync(Memory<byte> frame, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(frame.Length, HeaderLength);
        return cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled(cancellationToken)
            : _session.Sending.WriteAsync(Outbound, frame[HeaderLength..], frame, cancellationToken);
    }

    /// <summary>Sends FIN: the peer reads what was written and then the end. Reading goes on. A second call does nothing.</summary>
    public ValueTask CompleteWritesAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        _session.CompleteWrites(this);
        return default;
    }

    /// <summary>Resets the stream: both directions end at once, on both sides, and bytes under way may be lost.</summary>
    public void Abort() => _session.Reset(this);

    /// <summary>
    /// Replaces reading: bytes that are queued, and then all that arrive, go to <paramref name="sink"/>. Once, and not while a
    /// read is pending.
    /// </summary>
    public void SetSink(IYamuxSink sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        Inbound.SetSink(sink);
    }

    /// <summary>The sink, which took less than it was offered, can take more. It may be called before this returns.</summary>
    public void ResumeSink() => Inbound.Resume();

    /// <summary>Does nothing: no write waits for a flush.</summary>
    public override void Flush()
    {
    }

    /// <summary>Does nothing: no write waits for a flush.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Not supported: nothing here may block.</summary>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("yamux streams are asynchronous.");

    /// <summary>Not supported: nothing here may block.</summary>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("yamux streams are asynchronous.");

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _session.Close(this);
        base.Dispose(disposing);
    }
}
