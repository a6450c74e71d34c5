namespace Frp.Transport;

/// <summary>A token bucket of bytes: as many a second as its size, shared by everything that takes from it.</summary>
/// <remarks>
/// <para>Who takes more than there is goes into debt and waits until it is paid: whoever comes later waits longer, so that nobody starves.
/// Nothing is allocated unless somebody has to wait.</para>
/// <para><b>Concurrency.</b> All members may be called from any thread.</para>
/// <para><b>Source.</b> Wire specification §12.4.</para>
/// </remarks>
public sealed class BandwidthLimiter
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly double _rate;
    private double _bytes;
    private long _since;

    /// <summary>Creates a full bucket.</summary>
    /// <param name="bytesPerSecond">Above 0; also the most that can be saved up.</param>
    /// <param name="time">The clock.</param>
    public BandwidthLimiter(long bytesPerSecond, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytesPerSecond, 1);
        ArgumentNullException.ThrowIfNull(time);
        (_rate, _bytes, _time, _since) = (bytesPerSecond, bytesPerSecond, time, time.GetTimestamp());
        LargestPiece = (int)Math.Min(bytesPerSecond, int.MaxValue);
    }

    /// <summary>The most bytes that may be taken at once.</summary>
    public int LargestPiece { get; }

    /// <summary>A limiter for a quantity.</summary>
    /// <returns>Null where it sets no limit.</returns>
    public static BandwidthLimiter? For(long bytesPerSecond, TimeProvider time) => bytesPerSecond > 0 ? new BandwidthLimiter(bytesPerSecond, time) : null;

    /// <summary>Takes bytes, and tells how long to wait until they are there.</summary>
    /// <param name="count">0 to <see cref="LargestPiece"/>.</param>
    public TimeSpan Take(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, LargestPiece);
        lock (_lock)
        {
            Refill();
            _bytes -= count;
            return _bytes >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Min(-_bytes / _rate, int.MaxValue / 1000));
        }
    }

    /// <summary>Gives back what was taken and will not be used.</summary>
    public void Return(int count)
    {
        lock (_lock)
        {
            Refill();
            _bytes = Math.Min(_rate, _bytes + count);
        }
    }

    /// <summary>Waits until what was taken is there.</summary>
    /// <param name="wait">From <see cref="Take"/>.</param>
    /// <param name="count">What was taken: given back when the wait is cancelled.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask WaitAsync(TimeSpan wait, int count, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(wait, _time, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Return(count);
            throw;
        }
    }

    private void Refill()
    {
        long now = _time.GetTimestamp();
        _bytes = Math.Min(_rate, _bytes + _time.GetElapsedTime(_since, now).TotalSeconds * _rate);
        _since = now;
    }
}
