namespace Frp.Web;

/// <summary>How long a local service may take to begin its response, counted from when it has the whole request.</summary>
/// <remarks>
/// Neither a slow upload nor the wait for a work connection counts. <b>Concurrency.</b> All members may be called from any thread.
/// Reused for one request after the other: <see cref="Begin"/> after <see cref="End"/>.
/// </remarks>
/// <param name="limit">Gives the limit in force.</param>
/// <param name="time">The clock.</param>
internal sealed class ResponseTimer(Func<TimeSpan> limit, TimeProvider time) : IDisposable
{
    private readonly Lock _lock = new();
    private CancellationTokenSource _source = new(Timeout.InfiniteTimeSpan, time);
    private bool _waiting;
    private bool _sending;
    private int _connecting;

    /// <summary>Fires when the limit has passed.</summary>
    internal CancellationToken Token => _source.Token;

    /// <summary>Whether the limit has passed.</summary>
    internal bool HasPassed => _source.IsCancellationRequested;

    /// <summary>A request is about to be sent.</summary>
    /// <param name="hasBody">The clock waits for <see cref="BodySent"/>.</param>
    internal void Begin(bool hasBody)
    {
        lock (_lock)
        {
            if (_source.IsCancellationRequested)
            {
                _source.Dispose();
                _source = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
            }
            (_waiting, _sending, _connecting) = (true, hasBody, 0);
            Count();
        }
    }

    /// <summary>The user has sent the whole body.</summary>
    internal void BodySent()
    {
        lock (_lock)
        {
            _sending = false;
            Count();
        }
    }

    /// <summary>A connection is being opened for the request.</summary>
    internal void Connecting()
    {
        lock (_lock)
        {
            _connecting++;
            if (_waiting) _source.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>The connection is there, or cannot be had.</summary>
    internal void Connected()
    {
        lock (_lock)
        {
            if (_connecting > 0) _connecting--;
            Count();
        }
    }

    /// <summary>The response has begun, or will not.</summary>
    internal void End()
    {
        lock (_lock)
        {
            if (!_waiting) return;
            _waiting = false;
            _source.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>The answer is waited for no longer, as if the limit had passed.</summary>
    /// <returns>False when none was waited for.</returns>
    internal bool Expire()
    {
        lock (_lock)
        {
            if (_waiting) _source.CancelAfter(TimeSpan.Zero);
            return _waiting;
        }
    }

    public void Dispose() => _source.Dispose();

    private void Count()
    {
        if (_waiting && !_sending && _connecting == 0) _source.CancelAfter(limit());
    }
}
