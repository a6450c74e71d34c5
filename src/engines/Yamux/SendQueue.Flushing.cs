using System.Runtime.CompilerServices;

namespace Yamux;

/// <summary>Who flushes, decided under the lock and done outside of it.</summary>
internal enum Flush
{
    /// <summary>Nobody has to: a flush is under way or on its way.</summary>
    None,

    /// <summary>The caller, who has taken the batch.</summary>
    Direct,

    /// <summary>A thread-pool item.</summary>
    Deferred,
}

/// <content>Writing one batch after the other. A hand-written state machine, since an async method would allocate each time the carrier makes it wait.</content>
internal sealed partial class SendQueue
{
    private const int BatchFlows = BatchLimit / CopyLimit + 64;

    /// <summary>Batches one thread writes in a row before it lets others have the thread.</summary>
    private const int BatchesInARow = 16;

    private readonly Stream _carrier;
    private readonly Action _resume;
    private readonly OutboundFlow?[] _flows = new OutboundFlow?[BatchFlows];
    private readonly int[] _slices = new int[BatchFlows];
    private int _flowCount;
    private int _firstReferred;   // flows before this one were copied behind the front
    private byte[]? _batchFront;
    private int _batchFrontLength;
    private byte[]? _scratch;
    private int _step;
    private int _batchesLeft;
    private long _writingSince;   // 0 unless the carrier makes us wait
    private ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter _awaiter;

    /// <summary>Since when the carrier has refused to take a frame; 0 when it has not.</summary>
    public long WritingSince => Volatile.Read(ref _writingSince);

    /// <summary>Does what <see cref="Decide"/> decided; not under the lock.</summary>
    public void Run(Flush flush)
    {
        switch (flush)
        {
            case Flush.Direct:
                _batchesLeft = 1; // the caller pays for its own batch, not for everybody's
                Step();
                break;
            case Flush.Deferred:
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                break;
            default:
                break;
        }
    }

    void IThreadPoolWorkItem.Execute()
    {
        lock (Gate)
        {
            if (_state != State.Scheduled) return;
            if (Take() != Flush.Direct) return;
        }

        _batchesLeft = BatchesInARow;
        Step();
    }

    // Takes the next batch, Gate held: all of the front, then one slice of each flow in turn up to the limit.
    private Flush Take()
    {
        _batchNumber++;
        _flowCount = 0;
        int referred = 0;
        int bulk = 0;
        while (bulk < BatchLimit && _flowCount < BatchFlows && Dequeue() is { } flow)
        {
            if (!flow.Active) continue; // cancelled while it waited
            int slice = (int)Math.Min(SliceOf(flow.Remaining), flow.Window);
            if (slice == 0) continue;   // the place of a cancelled write, and the next one has no credit
            flow.Window -= slice;
            flow.InFlight = true;
            bulk += slice;
            _flows[_flowCount] = flow;
            _slices[_flowCount] = slice;
            _flowCount++;
            if (slice >= CopyLimit) referred++;
        }

        // Small slices to the left: they are copied now and share the front's carrier write.
        _firstReferred = 0;
        if (referred < _flowCount)
        {
            for (int i = 0; i < _flowCount; i++)
            {
                if (_slices[i] >= CopyLimit) continue;
                (_flows[i], _flows[_firstReferred]) = (_flows[_firstReferred], _flows[i]);
                (_slices[i], _slices[_firstReferred]) = (_slices[_firstReferred], _slices[i]);
                OutboundFlow flow = _flows[_firstReferred]!;
                int slice = _slices[_firstReferred++];
                AppendFrame(default, slice);
                flow.CopyTo(_front.AsSpan(_frontLength - slice - FrameHeader.Size), slice);
            }
        }

        _batchFront = _front;
        _batchFrontLength = _frontLength;
        // The next batch is likely to be about as large as this one.
        _frontHint = Math.Clamp(_frontLength, FrontMinimum, 64 * 1024);
        _front = null;
        _lastBatchFrames = _frontFrames;
        _frontLength = _frontFrames = _pingReplies = 0;
        if (_batchFrontLength == 0 && _flowCount == 0)
        {
            GoIdle();
            return Flush.None;
        }

        _state = State.Flushing;
        _step = -1;
        return Flush.Direct;
    }

    // The last bytes are no frame of their own when they are no more than its header: writes of 64 KiB are common.
    private int SliceOf(int remaining) => remaining <= _options.MaxFramePayload + FrameHeader.Size ? remaining : _options.MaxFramePayload;

    private void Step()
    {
        try
        {
            do
            {
                while (TryNext(out ValueTask operation))
                {
                    var awaiter = operation.ConfigureAwait(false).GetAwaiter();
                    if (!awaiter.IsCompleted)
                    {
                        _awaiter = awaiter;
                        Volatile.Write(ref _writingSince, Math.Max(1, _options.TimeProvider.GetTimestamp()));
                        _session.EnsureTicking();
                        awaiter.UnsafeOnCompleted(_resume); // may already run while this returns: touch nothing below
                        return;
                    }

                    awaiter.GetResult();
                }
            }
            while (EndBatch());
        }
        catch (Exception e)
        {
            FailBatch(e);
        }
    }

    private void Resume()
    {
        Volatile.Write(ref _writingSince, 0);
        try
        {
            _awaiter.GetResult();
        }
        catch (Exception e)
        {
            FailBatch(e);
            return;
        }

        _batchesLeft = BatchesInARow;
        Step();
    }

    // The operations of a batch: the front, each referred slice, a flush.
    private bool TryNext(out ValueTask operation)
    {
        if (_step < 0)
        {
            _step = _firstReferred;
            if (_batchFrontLength > 0)
            {
                operation = _carrier.WriteAsync(_batchFront.AsMemory(0, _batchFrontLength), _session.Stopping);
                return true;
            }
        }

        if (_step < _flowCount)
        {
            OutboundFlow flow = _flows[_step]!;
            int slice = _slices[_step++];
            if (!flow.TryGetFrame(slice, out ReadOnlyMemory<byte> frame))
            {
                if (_scratch is null || _scratch.Length < slice + FrameHeader.Size)
                {
                    ReturnScratch();
                    _scratch = _pool.Rent(slice + FrameHeader.Size);
                }

                flow.CopyTo(_scratch, slice);
                frame = _scratch.AsMemory(0, slice + FrameHeader.Size);
            }

            operation = _carrier.WriteAsync(frame, _session.Stopping);
            return true;
        }

        if (_step == _flowCount)
        {
            _step++;
            operation = new ValueTask(_carrier.FlushAsync(_session.Stopping));
            return true;
        }

        operation = default;
        return false;
    }

    // Completes what was written; true when another batch was taken.
    private bool EndBatch()
    {
        int completed = SettleBatch(failed: false);
        // Still flushing: a writer that goes on inside its continuation queues its next frame for the batch below, and
        // returns here, instead of recursing.
        Complete(completed);

        lock (Gate)
        {
            _lastWriteAt = _options.TimeProvider.GetTimestamp();
            if (_closed || (_frontLength == 0 && _bulkHead is null))
            {
                DropFront();
                ReturnScratch();
                GoIdle();
                return false;
            }

            if (--_batchesLeft > 0 && Take() == Flush.Direct) return true;
            ReturnScratch();
            if (_batchesLeft > 0) return false; // only cancelled writes were queued
            _state = State.Scheduled;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return false;
    }

    private void FailBatch(Exception e)
    {
        Volatile.Write(ref _writingSince, 0);
        _session.EndByCarrier(e); // first, so that the writers below learn the reason
        int completed = SettleBatch(failed: true);
        lock (Gate)
        {
            DropFront();
            ReturnScratch();
            GoIdle();
        }

        Complete(completed);
    }

    // Moves the flows whose write is over to the left and returns their count.
    private int SettleBatch(bool failed)
    {
        int completed = 0;
        lock (Gate)
        {
            if (_batchFront is not null) _pool.Return(_batchFront);
            _batchFront = null;
            for (int i = 0; i < _flowCount; i++)
            {
                OutboundFlow flow = _flows[i]!;
                _flows[i] = null;
                if (flow.Advance(failed ? 0 : _slices[i])) _flows[completed++] = flow;
                else if (flow.Window > 0) Append(flow);
            }
        }

        return completed;
    }

    private void Complete(int count)
    {
        for (int i = 0; i < count; i++)
        {
            OutboundFlow flow = _flows[i]!;
            _flows[i] = null;
            flow.Complete();
        }
    }

    private void ReturnScratch()
    {
        if (_scratch is not null) _pool.Return(_scratch);
        _scratch = null;
    }
}
