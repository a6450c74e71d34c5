namespace Yamux;

/// <summary>The pings of a session: at most one under way, and what its answers say about the link.</summary>
/// <remarks>
/// The round trip is the least of the last few samples: a ping that queued behind bulk says nothing about the link, and a
/// window sized by it would grow without need. Concurrency: all members may be called from any thread.
/// </remarks>
internal sealed class PingTracker(TimeProvider clock)
{
    private const int Samples = 4;

    private readonly Lock _gate = new();
    private readonly long[] _samples = new long[Samples]; // ticks of TimeSpan, 0 where none
    private int _next;
    private uint _value;
    private long _sentAt;
    private long _answeredAt;
    private bool _underWay;
    private bool _answered;
    private long _roundTrip; // ticks, 0 when unknown

    /// <summary>The round trip; null before the first answer.</summary>
    public TimeSpan? RoundTrip => Volatile.Read(ref _roundTrip) is var ticks and > 0 ? new TimeSpan(ticks) : null;

    /// <summary>Whether a ping waits for its answer.</summary>
    public bool IsUnderWay
    {
        get { lock (_gate) return _underWay; }
    }

    /// <summary>Starts a ping and yields its value; false while another is under way, or when an answer is younger than <paramref name="unlessYounger"/>.</summary>
    public bool TryStart(TimeSpan unlessYounger, out uint value)
    {
        lock (_gate)
        {
            value = _value + 1;
            if (_underWay) return false;
            long now = clock.GetTimestamp();
            if (_answered && clock.GetElapsedTime(_answeredAt, now) < unlessYounger) return false;
            _value = value;
            _underWay = true;
            _sentAt = now;
            return true;
        }
    }

    /// <summary>An answer came. One that nobody waits for is ignored, as the reference does.</summary>
    public void OnReply(uint value)
    {
        lock (_gate)
        {
            if (!_underWay || value != _value) return;
            _underWay = false;
            _answered = true;
            _answeredAt = clock.GetTimestamp();
            _samples[_next] = Math.Max(1, clock.GetElapsedTime(_sentAt, _answeredAt).Ticks);
            _next = (_next + 1) % Samples;
            long least = long.MaxValue;
            foreach (long sample in _samples)
            {
                if (sample > 0) least = Math.Min(least, sample);
            }

            Volatile.Write(ref _roundTrip, least);
        }
    }

    /// <summary>Whether the ping under way has waited longer than <paramref name="limit"/>.</summary>
    public bool IsOverdue(TimeSpan limit)
    {
        lock (_gate) return _underWay && clock.GetElapsedTime(_sentAt) >= limit;
    }

    /// <summary>Gives up on the ping under way.</summary>
    public void Forget()
    {
        lock (_gate) _underWay = false;
    }
}
