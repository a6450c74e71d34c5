using System.Threading.Tasks.Sources;

namespace Frp.Proxies;

/// <summary>Wakes one loop that waits for work. The loop goes on inside the call that wakes it, up to its next real wait.</summary>
/// <remarks>
/// So nothing is handed to another thread, and nothing is allocated. A signal that comes while nobody waits is kept; several become
/// one. <b>Concurrency.</b> Any number of callers of <see cref="Set"/>, one waiter. Not to be set under a lock.
/// </remarks>
internal sealed class WakeSignal : IValueTaskSource
{
    private const int Idle = 0;
    private const int Signalled = 1;
    private const int Waiting = 2;

    private ManualResetValueTaskSourceCore<bool> _core;
    private int _state;

    /// <summary>Wakes the loop, now or at its next wait.</summary>
    internal void Set()
    {
        while (true)
        {
            int state = Volatile.Read(ref _state);
            if (state == Signalled) return;
            int next = state == Waiting ? Idle : Signalled;
            if (Interlocked.CompareExchange(ref _state, next, state) != state) continue;
            if (state == Waiting) _core.SetResult(true);
            return;
        }
    }

    /// <summary>Waits for the next signal. Never cancelled: whoever ends the loop sets the signal.</summary>
    internal ValueTask WaitAsync()
    {
        _core.Reset();
        if (Interlocked.CompareExchange(ref _state, Waiting, Idle) == Idle) return new ValueTask(this, _core.Version);
        Volatile.Write(ref _state, Idle);
        return ValueTask.CompletedTask;
    }

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
