using System.Threading.Tasks.Sources;

namespace Yamux;

/// <summary>The sending direction of one stream: the credit the peer gave, and the one write that waits for its turn.</summary>
/// <remarks>
/// Payload is never copied while it waits: the queue refers to the writer's memory, and the write completes when its last
/// byte was handed to the carrier. <b>Concurrency.</b> <see cref="SendQueue.Gate"/> covers every field but the value task
/// source, which whoever set <see cref="Active"/> to false completes, outside the lock.
/// </remarks>
internal sealed class OutboundFlow(YamuxSession session, uint streamId) : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _write;
    private CancellationToken _token;
    private CancellationTokenRegistration _registration;
    private ReadOnlyMemory<byte> _payload; // what is left of it
    private Memory<byte> _frame;           // framed writes: room for a header, then what is left of the payload
    private bool _framed;
    private bool _issued;                  // the value task has not been awaited yet
    private bool _cancelled;

    /// <summary>The stream's id, for headers.</summary>
    public uint StreamId => streamId;

    /// <summary>Bytes the peer allows us to send.</summary>
    public long Window { get; set; } = YamuxOptions.ProtocolWindow;

    /// <summary>Why nothing can be sent any more; null while it can.</summary>
    public YamuxStreamEnd? Ended { get; set; }

    /// <summary>FIN was sent, or is in the queue.</summary>
    public bool Finished { get; set; }

    /// <summary>A write waits or is under way.</summary>
    public bool Active { get; private set; }

    /// <summary>A part of it belongs to the batch that is being written: the writer's memory is in use.</summary>
    public bool InFlight { get; set; }

    /// <summary>In the queue. May outlive a cancelled write; then the place is kept for the next one, or skipped.</summary>
    public bool Queued { get; set; }

    /// <summary>The next flow in the queue.</summary>
    public OutboundFlow? Next { get; set; }

    /// <summary>The batch that carries our last WindowUpdate, and where in it: credit of one batch becomes one frame.</summary>
    public (long Batch, int Offset) Credit { get; set; }

    /// <summary>Bytes of the write that have not been handed to the carrier.</summary>
    public int Remaining => _framed ? _frame.Length - FrameHeader.Size : _payload.Length;

    /// <summary>Throws unless a write may begin.</summary>
    public void ThrowIfUnwritable()
    {
        if (Ended is { } end) throw session.StreamFailure(end);
        if (Finished) throw new InvalidOperationException("The stream's writes were completed.");
        if (Active || Volatile.Read(ref _issued)) throw new InvalidOperationException("The stream is being written to already.");
    }

    /// <summary>Begins a write that waits for its turn.</summary>
    public ValueTask Begin(ReadOnlyMemory<byte> payload, Memory<byte> frame, CancellationToken cancellationToken)
    {
        _write.Reset();
        _payload = payload;
        _frame = frame;
        _framed = !frame.IsEmpty;
        _cancelled = false;
        Active = _issued = true;
        _token = cancellationToken;
        if (cancellationToken.CanBeCanceled)
            _registration = cancellationToken.UnsafeRegister(static (flow, token) => ((OutboundFlow)flow!).Cancel(token), this);
        return new ValueTask(this, _write.Version);
    }

    /// <summary>Copies the next part, with its header, to where the batch is gathered.</summary>
    public void CopyTo(Span<byte> destination, int slice)
    {
        Header(slice).Write(destination);
        (_framed ? _frame.Span.Slice(FrameHeader.Size, slice) : _payload.Span[..slice]).CopyTo(destination[FrameHeader.Size..]);
    }

    /// <summary>The next part, with its header, in the writer's own memory; false when that has no room for headers.</summary>
    public bool TryGetFrame(int slice, out ReadOnlyMemory<byte> frame)
    {
        frame = default;
        if (!_framed) return false;
        Header(slice).Write(_frame.Span); // before a later part, these are payload bytes that were sent
        frame = _frame[..(FrameHeader.Size + slice)];
        return true;
    }

    /// <summary>A part was written. True when the write is over, and must be completed outside the lock.</summary>
    public bool Advance(int slice)
    {
        InFlight = false;
        if (_framed) _frame = _frame[slice..];
        else _payload = _payload[slice..];
        if (Remaining > 0 && Ended is null && !_cancelled) return false;
        return Stop();
    }

    /// <summary>The stream is over. True when a waiting write must be completed outside the lock.</summary>
    public bool Fail(YamuxStreamEnd end)
    {
        if (Ended is not null) return false;
        Ended = end;
        return Active && !InFlight && Stop();
    }

    /// <summary>Completes the write; not under the lock.</summary>
    public void Complete()
    {
        bool whole = Remaining == 0;
        _payload = default;
        _frame = default;
        if (Ended is { } end && !whole) _write.SetException(session.StreamFailure(end));
        else if (!whole) _write.SetException(new OperationCanceledException(_token));
        else _write.SetResult(true);
    }

    private FrameHeader Header(int slice) => new(FrameType.Data, FrameFlags.None, streamId, (uint)slice);

    private bool Stop()
    {
        Active = false;
        _registration.Unregister();
        _registration = default;
        return true;
    }

    private void Cancel(CancellationToken token)
    {
        lock (session.Sending.Gate)
        {
            // The registration of an earlier write may fire late; then this write waits for another token.
            if (!Active || _token != token) return;
            _cancelled = true;
            if (InFlight) return; // framing must stay whole: Advance sees it
            Stop();
        }

        Complete();
    }

    void IValueTaskSource.GetResult(short token)
    {
        try
        {
            _write.GetResult(token);
        }
        finally
        {
            Volatile.Write(ref _issued, false);
        }
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _write.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _write.OnCompleted(continuation, state, token, flags);
}
