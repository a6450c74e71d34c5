using System.Buffers;
using System.Buffers.Binary;

namespace Yamux;

/// <summary>The write path of a session: many streams' frames, one carrier, no writer task.</summary>
/// <remarks>
/// <para>Small frames are copied to the <i>front</i> buffer. Payload too large for that waits in the <i>bulk</i> queue, by
/// reference and in turn: each flow gets one slice per turn, so that bulk streams share the carrier, and the front goes
/// ahead of all of them. A flow has at most one write in the bulk queue and nothing in the front behind it, so frames of one
/// stream never overtake each other.</para>
/// <para>Whoever finds the queue idle writes (<see cref="SendQueue"/> has no task of its own); what comes meanwhile joins the
/// next batch. When writes follow each other closely, flushing is left to a thread-pool item: it runs behind the events
/// that are ready already, whose frames then share its carrier write. There is no timer.</para>
/// <para><b>Concurrency.</b> <see cref="Gate"/> covers every field; it is also the session's lock. It is never held across a
/// carrier call or a continuation. Fields of the batch belong to whoever took the queue to <see cref="State.Flushing"/>.</para>
/// </remarks>
internal sealed partial class SendQueue : IThreadPoolWorkItem
{
    /// <summary>Largest payload that is copied to the front when it can go at once.</summary>
    private const int SmallPayload = 2 * 1024;

    /// <summary>A slice below this is copied behind the front instead of being a carrier write of its own.</summary>
    private const int CopyLimit = 8 * 1024;

    /// <summary>Front bytes above which payload has to wait in the bulk queue, and its writer with it.</summary>
    private const int FrontLimit = 256 * 1024;

    /// <summary>Bulk bytes of one batch: a front frame that comes meanwhile waits no longer than for these.</summary>
    private const int BatchLimit = 128 * 1024;

    /// <summary>Ping replies in one batch; more pings than that, unread, are not a question about liveness.</summary>
    private const int PingReplyLimit = 64;

    // Measured: docs/wire/yamux.md, "Write path". Writes closer than this to each other are likely to meet another one.
    private const int HotMicroseconds = 50;

    // Measured: as above. A batch of this many frames says that company is the rule, and for how long to count on it.
    private const int CompanyFrames = 4;
    private const int CompanyMicroseconds = 1000;

    private const int FrontMinimum = 1024;

    private enum State
    {
        Idle,
        Scheduled, // a thread-pool item is on its way
        Flushing,  // somebody writes
    }

    private readonly YamuxSession _session;
    private readonly YamuxOptions _options;
    private readonly ArrayPool<byte> _pool;
    private readonly long _hotTicks;     // since the last write: below this a flush is deferred
    private readonly long _companyTicks; // the same when that write carried many frames

    private byte[]? _front;
    private int _frontLength;
    private int _frontHint = FrontMinimum;
    private int _pingReplies;
    private int _frontFrames;
    private int _lastBatchFrames;
    private OutboundFlow? _bulkHead;
    private OutboundFlow? _bulkTail;
    private State _state;
    private bool _closed;
    private long _lastWriteAt;
    private long _batchNumber = 1;
    private int _corkedThread;
    private TaskCompletionSource? _idle;

    public SendQueue(YamuxSession session, Stream carrier)
    {
        _session = session;
        _options = session.Options;
        _pool = _options.Pool;
        _carrier = carrier;
        _resume = Resume;
        _hotTicks = _options.TimeProvider.TimestampFrequency * HotMicroseconds / 1_000_000;
        _companyTicks = _options.TimeProvider.TimestampFrequency * CompanyMicroseconds / 1_000_000;
        _lastWriteAt = _options.TimeProvider.GetTimestamp() - 2 * _hotTicks;
    }

    /// <summary>The session's lock.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Sends payload of a stream.</summary>
    /// <param name="flow">The stream.</param>
    /// <param name="payload">The bytes; for a framed write, those behind the header.</param>
    /// <param name="frame">For a framed write, room for a header followed by the payload; else empty.</param>
    /// <param name="cancellationToken">Cancels what still waits for credit or for its turn.</param>
    public ValueTask WriteAsync(OutboundFlow flow, ReadOnlyMemory<byte> payload, Memory<byte> frame, CancellationToken cancellationToken)
    {
        ValueTask result = default;
        Flush flush;
        lock (Gate)
        {
            flow.ThrowIfUnwritable();
            if (payload.IsEmpty) return default;
            if (payload.Length <= SmallPayload && flow.Window >= payload.Length && _frontLength < FrontLimit)
            {
                flow.Window -= payload.Length;
                Span<byte> space = AppendFrame(new FrameHeader(FrameType.Data, FrameFlags.None, flow.StreamId, (uint)payload.Length), payload.Length);
                payload.Span.CopyTo(space);
                flush = Decide(urgent: true);
            }
            else
            {
                result = flow.Begin(payload, frame, cancellationToken);
                flush = Enqueue(flow, direct: true);
            }
        }

        Run(flush);
        return result;
    }

    /// <summary>Puts a flow with a waiting write in the queue, if it has credit. Gate held; the result is for <see cref="Run"/>.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="direct">Whether the calling thread may write it: the writer's own may, the read loop has other things to do.</param>
    public Flush Enqueue(OutboundFlow flow, bool direct)
    {
        if (_closed || !flow.Active || flow.InFlight || flow.Window <= 0) return Flush.None;
        Append(flow);
        if (!direct) return Decide(urgent: false);
        // Bulk does not wait for a scheduled item either: it fills a carrier write by itself.
        return _state == State.Flushing ? Flush.None : Take();
    }

    /// <summary>Appends a frame without payload. Gate held.</summary>
    public void AppendControl(FrameHeader header)
    {
        if (!_closed) AppendFrame(header, 0);
    }

    /// <summary>Appends credit for a stream, or adds it to a frame that has not left yet. Gate held.</summary>
    public void AppendCredit(OutboundFlow flow, uint increment)
    {
        if (_closed) return;
        if (flow.Credit.Batch == _batchNumber)
        {
            Span<byte> length = _front.AsSpan(flow.Credit.Offset + 8, 4);
            BinaryPrimitives.WriteUInt32BigEndian(length, BinaryPrimitives.ReadUInt32BigEndian(length) + increment);
            return;
        }

        flow.Credit = (_batchNumber, _frontLength);
        AppendFrame(new FrameHeader(FrameType.WindowUpdate, FrameFlags.None, flow.StreamId, increment), 0);
    }

    /// <summary>Appends a ping's answer, unless many wait already. Gate held.</summary>
    public void AppendPingReply(uint value)
    {
        if (_closed || _pingReplies >= PingReplyLimit) return;
        _pingReplies++;
        AppendFrame(new FrameHeader(FrameType.Ping, FrameFlags.Ack, 0, value), 0);
    }

    /// <summary>Decides who flushes what was appended. Gate held; the result is for <see cref="Run"/>.</summary>
    /// <param name="urgent">False for what may wait for company: SYN, ACK and credit.</param>
    public Flush Decide(bool urgent)
    {
        if (_closed || _state != State.Idle) return Flush.None;
        if (_corkedThread != 0 && _corkedThread == Environment.CurrentManagedThreadId) return Flush.None;
        long hot = _lastBatchFrames >= CompanyFrames ? _companyTicks : _hotTicks;
        if (urgent && _options.TimeProvider.GetTimestamp() - _lastWriteAt >= hot) return Take();
        _state = State.Scheduled;
        return Flush.Deferred;
    }

    /// <summary>From now on, frames of this thread wait for <see cref="Uncork"/>: the read loop answers a whole buffer at once.</summary>
    public void Cork()
    {
        _corkedThread = Environment.CurrentManagedThreadId; // means something to this thread alone
    }

    /// <summary>
    /// Ends <see cref="Cork"/> and flushes. False when replies pile up because the peer does not read them; nothing
    /// legitimate comes near that: four frames a stream.
    /// </summary>
    public bool Uncork()
    {
        Flush flush;
        bool flooded;
        lock (Gate)
        {
            _corkedThread = 0;
            flush = _frontLength > 0 || _bulkHead is not null ? Decide(urgent: true) : Flush.None;
            flooded = _frontLength > 4 * FrontLimit + 4L * FrameHeader.Size * _session.StreamCountLocked;
        }

        Run(flush);
        return !flooded;
    }

    /// <summary>Flushes what is queued, if nobody does, and completes when nothing is being written any more.</summary>
    public Task FlushAsync()
    {
        Flush flush = Flush.None;
        Task done;
        lock (Gate)
        {
            if (_state != State.Flushing && !_closed) flush = Take();
            done = WhenIdle();
        }

        Run(flush);
        return done;
    }

    /// <summary>Stops taking frames and drops what has not begun; completes when nothing is being written any more.</summary>
    public Task CloseAsync()
    {
        lock (Gate)
        {
            _closed = true;
            if (_state == State.Scheduled) GoIdle();
            DropFront();
            return WhenIdle();
        }
    }

    private Span<byte> AppendFrame(FrameHeader header, int payloadLength)
    {
        int needed = _frontLength + FrameHeader.Size + payloadLength;
        if (_front is null)
        {
            _front = _pool.Rent(Math.Max(_frontHint, needed));
        }
        else if (_front.Length < needed)
        {
            byte[] larger = _pool.Rent(Math.Max(needed, _front.Length * 2));
            _front.AsSpan(0, _frontLength).CopyTo(larger);
            _pool.Return(_front);
            _front = larger;
        }

        header.Write(_front.AsSpan(_frontLength));
        Span<byte> payload = _front.AsSpan(_frontLength + FrameHeader.Size, payloadLength);
        _frontLength = needed;
        _frontFrames++;
        return payload;
    }

    private void DropFront()
    {
        if (_front is not null) _pool.Return(_front);
        _front = null;
        _frontLength = 0;
    }

    private void Append(OutboundFlow flow)
    {
        if (flow.Queued) return;
        flow.Queued = true;
        flow.Next = null;
        if (_bulkTail is null) _bulkHead = flow;
        else _bulkTail.Next = flow;
        _bulkTail = flow;
    }

    private OutboundFlow? Dequeue()
    {
        if (_bulkHead is not { } flow) return null;
        _bulkHead = flow.Next;
        if (_bulkHead is null) _bulkTail = null;
        flow.Next = null;
        flow.Queued = false;
        return flow;
    }

    private Task WhenIdle()
    {
        if (_state == State.Idle) return Task.CompletedTask;
        _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _idle.Task;
    }

    private void GoIdle()
    {
        _state = State.Idle;
        _idle?.SetResult();
        _idle = null;
    }
}
