namespace Frp.Transport;

/// <summary>A bound on a wait for a peer: a token that fires after a time, or when an outer token does.</summary>
/// <remarks>
/// <para>Which of the two fired decides what the failure means, so the wait ends with
/// <c>catch (OperationCanceledException) when (deadline.HasPassed) { throw deadline.Passed("..."); }</c>.</para>
/// <para><b>Ownership.</b> Dispose it when the wait is over: until then it holds a timer.</para>
/// </remarks>
public sealed class Deadline : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _registration;
    private readonly CancellationToken _outer;
    private readonly TimeSpan _after;

    /// <summary>Starts the clock.</summary>
    /// <param name="after">From now; <see cref="Timeout.InfiniteTimeSpan"/> for never.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="outer">Ends the wait as well, as a cancellation.</param>
    public Deadline(TimeSpan after, TimeProvider timeProvider, CancellationToken outer)
    {
        _after = after;
        _outer = outer;
        _source = new CancellationTokenSource(after, timeProvider);
        _registration = outer.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), _source);
    }

    /// <summary>Fires at the deadline or with the outer token.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>The deadline fired, and nobody had asked for the end before.</summary>
    public bool HasPassed => _source.IsCancellationRequested && !_outer.IsCancellationRequested;

    /// <summary>The exception for a wait that took too long.</summary>
    /// <param name="wait">What was waited for: completes "no ... within 10 s".</param>
    public TimeoutException Passed(string wait) => new($"no {wait} within {_after.TotalSeconds:0.###} s");

    /// <summary>It fires no more, unless with the outer token.</summary>
    public void Lift() => _source.CancelAfter(Timeout.InfiniteTimeSpan);

    /// <summary>It is over now, as if the time had passed. Does nothing when the wait is over.</summary>
    public void Expire()
    {
        try
        {
            _source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The wait has ended meanwhile.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _registration.Dispose();
        _source.Dispose();
    }
}
