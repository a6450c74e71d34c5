using System.Diagnostics;
using System.Threading.Tasks.Sources;

namespace Yamux;

/// <summary>The receiving direction of one stream: its window, what waits to be taken, and whoever takes it.</summary>
/// <remarks>
/// <para>Payload goes to the sink, or into the memory of a reader that waits, straight from the session's read buffer. Only
/// what neither can take is queued, at most the window. A reader that has got its bytes may wait again at once, with room for those behind them.</para>
/// <para><b>Concurrency.</b> <c>_gate</c> covers every field; it is never held while a sink or a continuation runs, nor
/// while the session's lock is. Whoever set <c>_delivering</c> alone calls the sink and alone shortens the queue.</para>
/// </remarks>
internal sealed class InboundFlow(YamuxSession session, YamuxStream stream) : IValueTaskSource<int>
{
    private readonly Lock _gate = new();
    private readonly ReceiveWindow _window = new(session.Budget, session.Options.MaxStreamWindow);
    private SegmentQueue _queue = new(session.Options.Pool);
    private int _atHand;               // bytes behind those that a reader continues with: theirs next, or else the queue's
    private long _sinceProbe;          // bytes admitted since the round trip was last asked for
    private YamuxStreamEnd? _end;
    private bool _released;            // the window's budget was given back

    private ManualResetValueTaskSourceCore<int> _read;
    private Memory<byte> _destination;
    private CancellationToken _readToken;
    private CancellationTokenRegistration _readRegistration;
    private bool _reading;             // a reader waits for bytes
    private bool _readIssued;          // its value task has not been awaited yet

    private IYamuxSink? _sink;
    private bool _delivering;          // somebody calls the sink, or is about to
    private bool _blocked;             // the sink took less than it was given
    private bool _resume;              // it asked for more while it was being called
    private bool _endDelivered;

    /// <summary>Bytes nobody has taken yet.</summary>
    public long Queued
    {
        get { lock (_gate) return _queue.Length + _atHand; }
    }

    /// <summary>Whether bytes are queued, or none will come.</summary>
    public bool IsReadable
    {
        get { lock (_gate) return _queue.Length > 0 || _atHand > 0 || _end is not null; }
    }

    /// <summary>The window's size.</summary>
    public long Window
    {
        get { lock (_gate) return _window.Target; }
    }

    /// <summary>Fixes the window the stream opens with; returns the increment that announces it.</summary>
    public uint Open()
    {
        lock (_gate) return _end is null ? _window.Open(session.Options.StreamWindow) : 0;
    }

    /// <summary>Accounts for a Data frame when its header is read; false when it exceeds the window.</summary>
    public bool TryAdmit(uint length)
    {
        bool probe = false;
        lock (_gate)
        {
            if (!_window.TryReceive(length, session.Options.TimeProvider)) return false;
            _sinceProbe += length;
            if (_sinceProbe >= YamuxOptions.ProtocolWindow)
            {
                _sinceProbe = 0;
                probe = true;
            }
        }

        if (probe) session.MeasureRoundTrip();
        return true;
    }

    /// <summary>Passes on payload that was admitted; false when nobody will ever take it. Read loop only.</summary>
    public bool Deliver(ReadOnlySpan<byte> data)
    {
        for (bool first = true; ; first = false)
        {
            int count;
            uint credit;
            lock (_gate)
            {
                _atHand = 0;
                // A reader who has ended the stream in between drops the rest, as if it had been queued.
                if (_end is not null) return !first;
                if (_sink is not null && !_delivering && !_blocked)
                {
                    Debug.Assert(_queue.Length == 0);
                    _delivering = true;
                    _resume = false;
                    break;
                }

                if (!_reading)
                {
                    _queue.Append(data);
                    return true;
                }

                count = Math.Min(data.Length, _destination.Length);
                data[..count].CopyTo(_destination.Span);
                credit = Take(count);
                EndWait();
                data = data[count..];
                _atHand = data.Length;
            }

            Announce(credit);
            // The reader continues here, and will often wait again when this returns, with room for more: then the rest need not be queued.
            _read.SetResult(count);
            if (data.IsEmpty) return true;
        }

        int taken = Offer(data);
        uint offered;
        lock (_gate)
        {
            offered = Take(taken);
            if (_end is null or YamuxStreamEnd.Finished) _queue.Append(data[taken..]);
            _blocked = taken < data.Length;
        }

        Announce(offered);
        Pump();
        return true;
    }

    /// <summary>The peer sent FIN: what is queued can still be taken, then comes the end.</summary>
    public void Finish()
    {
        bool pump = false;
        bool wake = false;
        lock (_gate)
        {
            if (_end is not null) return;
            _end = YamuxStreamEnd.Finished;
            if (_reading)
            {
                EndWait();
                wake = true;
            }

            if (_queue.Length == 0 && (_sink is null || wake)) Release();
            if (_sink is not null && !_delivering && !_blocked) pump = _delivering = true;
        }

        if (wake) _read.SetResult(0);
        if (pump) Pump();
    }

    /// <summary>The stream is over at once; what is queued is dropped, unless the peer had finished and it may still be read.</summary>
    public void Fail(YamuxStreamEnd end)
    {
        bool pump = false;
        bool wake = false;
        lock (_gate)
        {
            if (_end is YamuxStreamEnd.Finished && end != YamuxStreamEnd.ClosedLocally) return;
            if (_end is not (null or YamuxStreamEnd.Finished)) return;
            _end = end;
            if (_reading)
            {
                EndWait();
                wake = true;
            }

            if (!_delivering) // else the deliverer drops the queue, of which it may hold a piece
            {
                _queue.Clear();
                Release();
                if (_sink is not null && !_endDelivered) pump = _delivering = true;
            }
        }

        if (wake) _read.SetException(Failure(end));
        if (pump) Pump();
    }

    /// <summary>Reads what is there, or waits. A zero-length destination waits until something can be read.</summary>
    public ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellationToken);
        int count;
        uint credit;
        lock (_gate)
        {
            if (_sink is not null) throw new InvalidOperationException("The stream has a sink; it cannot be read as well.");
            if (_readIssued) throw new InvalidOperationException("The stream is being read already.");
            if (_end is not (null or YamuxStreamEnd.Finished)) return ValueTask.FromException<int>(Failure(_end.Value));
            if (_queue.Length == 0 && _end is null)
            {
                _read.Reset();
                _destination = destination;
                _reading = _readIssued = true;
                _readToken = cancellationToken;
                if (cancellationToken.CanBeCanceled)
                    _readRegistration = cancellationToken.UnsafeRegister(static (flow, token) => ((InboundFlow)flow!).CancelRead(token), this);
                return new ValueTask<int>(this, _read.Version);
            }

            count = _queue.Read(destination.Span);
            credit = Take(count);
            if (_end is not null && _queue.Length == 0) Release();
        }

        Announce(credit);
        return new ValueTask<int>(count);
    }

    /// <summary>Hands everything queued, and from now on everything that arrives, to <paramref name="sink"/>.</summary>
    public void SetSink(IYamuxSink sink)
    {
        lock (_gate)
        {
            if (_sink is not null) throw new InvalidOperationException("The stream has a sink already.");
            if (_readIssued) throw new InvalidOperationException("The stream is being read.");
            _sink = sink;
            _delivering = true;
        }

        Pump();
    }

    /// <summary>The sink can take more.</summary>
    public void Resume()
    {
        lock (_gate)
        {
            if (_sink is null) throw new InvalidOperationException("The stream has no sink.");
            if (_delivering)
            {
                _resume = true;
                return;
            }

            if (!_blocked) return;
            _delivering = true;
            _blocked = false;
        }

        Pump();
    }

    // Called by whoever set _delivering. Offers the queue until it is empty or the sink is full, then the end.
    private void Pump()
    {
        while (true)
        {
            ReadOnlyMemory<byte> next;
            lock (_gate)
            {
                if (_end is not (null or YamuxStreamEnd.Finished)) _queue.Clear();
                if (_blocked && _resume) _blocked = false;
                _resume = false;
                next = _queue.Peek();
                if (next.IsEmpty)
                {
                    if (_end is null || _endDelivered)
                    {
                        _delivering = _blocked = false;
                        return;
                    }

                    _endDelivered = true; // _delivering stays set: nothing follows the end
                    Release();
                    break;
                }

                if (_blocked)
                {
                    _delivering = false;
                    return;
                }
            }

            int taken = Offer(next.Span);
            uint credit;
            lock (_gate)
            {
                if (taken > 0) _queue.Advance(taken);
                credit = Take(taken);
                _blocked = taken < next.Length;
            }

            Announce(credit);
        }

        _sink!.OnEnd(_end.Value);
    }

    private int Offer(ReadOnlySpan<byte> data)
    {
        int taken = _sink!.OnData(data);
        if ((uint)taken > (uint)data.Length) throw new InvalidOperationException("A sink took more than it was given.");
        return taken;
    }

    private uint Take(int count)
    {
        uint credit = _window.Take(count, session.Options.TimeProvider, session.RoundTripTime);
        return _end is null ? credit : 0; // a peer that has finished needs none
    }

    private void Announce(uint credit)
    {
        if (credit > 0) session.AnnounceWindow(stream, credit);
    }

    private void Release()
    {
        if (_released) return;
        _released = true;
        _window.Release();
    }

    private void EndWait()
    {
        _reading = false;
        _destination = default;
        _readRegistration.Unregister();
        _readRegistration = default;
    }

    private void CancelRead(CancellationToken token)
    {
        lock (_gate)
        {
            // The registration of an earlier read may fire late; then this read waits for another token.
            if (!_reading || _readToken != token) return;
            EndWait();
        }

        _read.SetException(new OperationCanceledException(token));
    }

    private Exception Failure(YamuxStreamEnd end) => end == YamuxStreamEnd.ClosedLocally
        ? new ObjectDisposedException(nameof(YamuxStream))
        : new YamuxStreamException(end, session.End is { } over ? new YamuxSessionException(over) : null);

    int IValueTaskSource<int>.GetResult(short token)
    {
        try
        {
            return _read.GetResult(token);
        }
        finally
        {
            Volatile.Write(ref _readIssued, false);
        }
    }

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _read.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _read.OnCompleted(continuation, state, token, flags);
}
