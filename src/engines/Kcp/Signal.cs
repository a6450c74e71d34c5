using System.Threading.Tasks.Sources;

namespace Kcp;

/// <summary>Something that one caller at a time waits for, again and again, without an allocation.</summary>
/// <remarks>
/// Armed and disarmed under the owner's lock; whoever has disarmed it completes it outside. Continuations run where it is completed, so they must not
/// block.
/// </remarks>
internal sealed class Signal(Lock gate) : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _core;
    private CancellationTokenRegistration _registration;
    private bool _isArmed;

    /// <summary>Somebody waits.</summary>
    internal bool IsArmed => _isArmed;

    /// <summary>Begins a wait; under the lock. Await <see cref="WaitAsync"/> outside.</summary>
    internal void Arm()
    {
        if (_isArmed) throw new InvalidOperationException("another call of this kind is under way");
        _isArmed = true;
        _core.Reset();
    }

    /// <summary>The wait that <see cref="Arm"/> began; outside the lock, once.</summary>
    internal ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        _registration = cancellationToken.UnsafeRegister(static (state, token) => ((Signal)state!).Cancel(token), this);
        return new ValueTask(this, _core.Version);
    }

    /// <summary>Ends a wait, if there is one; under the lock.</summary>
    /// <returns>Whether <see cref="Complete"/> is to be called.</returns>
    internal bool Disarm()
    {
        bool wasArmed = _isArmed;
        _isArmed = false;
        return wasArmed;
    }

    /// <summary>Tells the one who waits; outside the lock.</summary>
    internal void Complete() => _core.SetResult(true);

    private void Cancel(CancellationToken token)
    {
        lock (gate)
        {
            if (!Disarm()) return;
        }
        _core.SetException(new OperationCanceledException(token));
    }

    void IValueTaskSource.GetResult(short token)
    {
        // A callback that is late belongs to this wait, and must not meet the next one.
        _registration.Dispose();
        _core.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}

/// <summary>Those who are to be told, once the lock is free.</summary>
internal struct Wakes
{
    private Signal? _first;
    private Signal? _second;
    private Signal? _third;

    internal void Add(Signal signal)
    {
        if (!signal.Disarm()) return;
        if (_first is null) _first = signal;
        else if (_second is null) _second = signal;
        else _third = signal;
    }

    internal readonly void Tell()
    {
        _first?.Complete();
        _second?.Complete();
        _third?.Complete();
    }
}
