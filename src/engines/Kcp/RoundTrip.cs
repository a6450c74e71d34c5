namespace Kcp;

/// <summary>How long a segment and its acknowledgement take, and how long to wait for one.</summary>
/// <remarks>RFC 6298, with a smaller weight for samples that are much below the mean. Source: wire reference 4.4.3.</remarks>
internal struct RoundTrip(int interval)
{
    internal const int LongestTimeout = 60_000;
    private const int ShortestTimeout = 30;
    private const int FirstTimeout = 200;

    private int _smoothed;
    private int _variance;

    /// <summary>When a segment is sent again, in ms after it was sent.</summary>
    internal int Timeout { get; private set; } = FirstTimeout;

    /// <summary>One acknowledgement came after <paramref name="elapsed"/> ms.</summary>
    internal void Add(int elapsed)
    {
        elapsed = Math.Min(elapsed, LongestTimeout);
        if (_smoothed == 0)
        {
            (_smoothed, _variance) = (elapsed, elapsed / 2);
        }
        else
        {
            int error = elapsed - _smoothed;
            _smoothed += error >> 3;
            error = Math.Abs(error);
            _variance += (error - _variance) >> (elapsed < _smoothed - _variance ? 5 : 2);
        }
        Timeout = Math.Clamp(_smoothed + Math.Max(interval, 4 * _variance), ShortestTimeout, LongestTimeout);
    }
}
