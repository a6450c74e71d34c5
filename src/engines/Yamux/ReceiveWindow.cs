namespace Yamux;

/// <summary>The receive window of one stream: what the peer may still send, and when to tell it that it may send more.</summary>
/// <remarks>
/// <para><b>Invariant.</b> target = remaining + held + unannounced. <i>Remaining</i> is what the peer may still send,
/// <i>held</i> what it sent and nobody has taken yet, so that held never exceeds what was granted.</para>
/// <para><b>Growth.</b> When half of the window is taken in less than one and a half round trips, the
/// window, not the reader, is what limits the stream: the target doubles, up to a maximum and within the session's budget. A
/// reader that stalls takes nothing, and so never grows its window. One round trip would be too short: where frames do not divide half of a
/// window, what is credited once in a round trip is a little more than that half, and the rest waits for the next one.</para>
/// <para><b>Concurrency.</b> None; the owner's lock covers it.</para>
/// </remarks>
internal sealed class ReceiveWindow(ReceiveBudget budget, int maximum)
{
    private const double GrowthPatience = 1.5; // round trips

    private long _target = YamuxOptions.ProtocolWindow;
    private long _remaining = YamuxOptions.ProtocolWindow;
    private long _held;
    private long _announcedAt;
    private bool _started;

    /// <summary>Bytes the peer may have outstanding, held ones included.</summary>
    public long Target => _target;

    /// <summary>Bytes the peer may still send.</summary>
    public long Remaining => _remaining;

    /// <summary>Bytes received, or announced by a frame's header, and not taken yet.</summary>
    public long Held => _held;

    /// <summary>Takes part of the budget for the window a stream opens with; returns the increment that announces it.</summary>
    public uint Open(int window)
    {
        int extra = budget.Reserve(window - _target);
        _target += extra;
        _remaining += extra;
        return (uint)extra;
    }

    /// <summary>Accounts for a Data frame's payload; false when the peer had no right to send as much.</summary>
    public bool TryReceive(uint length, TimeProvider clock)
    {
        if (length > _remaining) return false;
        _remaining -= length;
        _held += length;
        if (!_started)
        {
            _started = true;
            _announcedAt = clock.GetTimestamp();
        }

        return true;
    }

    /// <summary>Accounts for bytes that were taken; returns the increment to announce now, or 0.</summary>
    /// <param name="count">Bytes taken.</param>
    /// <param name="clock">Measures how fast half a window was taken.</param>
    /// <param name="roundTrip">The link's round trip, null when unknown.</param>
    public uint Take(int count, TimeProvider clock, TimeSpan? roundTrip)
    {
        _held -= count;
        if (_target - _remaining - _held < _target / 2) return 0;

        long now = clock.GetTimestamp();
        if (roundTrip is { } rtt && _target < maximum && clock.GetElapsedTime(_announcedAt, now) < rtt * GrowthPatience)
            _target += budget.Reserve(Math.Min(_target, maximum - _target));

        _announcedAt = now;
        long increment = _target - _remaining - _held;
        _remaining += increment;
        return (uint)increment;
    }

    /// <summary>Gives the budget back. Called once, when nothing of the stream is held any more.</summary>
    public void Release()
    {
        budget.Release(_target - YamuxOptions.ProtocolWindow);
        _target = YamuxOptions.ProtocolWindow;
    }
}

/// <summary>What all streams of a session together may hold beyond the protocol's window.</summary>
/// <remarks>Concurrency: all members may be called from any thread.</remarks>
internal sealed class ReceiveBudget(long limit)
{
    private const int Granularity = 4096;
    private long _available = limit;

    /// <summary>Bytes not reserved.</summary>
    public long Available => Volatile.Read(ref _available);

    /// <summary>
    /// Reserves up to <paramref name="wanted"/> bytes. Nobody gets more than a quarter of what is left, so that late streams
    /// get something as well.
    /// </summary>
    public int Reserve(long wanted)
    {
        while (true)
        {
            long available = Volatile.Read(ref _available);
            long granted = Math.Min(wanted, available / 4);
            if (granted < wanted) granted -= granted % Granularity;
            if (granted <= 0) return 0;
            if (Interlocked.CompareExchange(ref _available, available - granted, available) == available) return (int)granted;
        }
    }

    /// <summary>Gives reserved bytes back.</summary>
    public void Release(long bytes)
    {
        if (bytes > 0) Interlocked.Add(ref _available, bytes);
    }
}
