namespace Frp.Web.Tests;

/// <summary>A clock whose timers fire when they are told to. The time of day goes on.</summary>
internal sealed class StoppedTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<Stopped> _timers = [];
    private readonly Dictionary<TimeSpan, TaskCompletionSource> _waits = [];

    /// <summary>Completes when somebody waits for this long.</summary>
    internal Task Waits(TimeSpan time)
    {
        lock (_lock) return Wait(time).Task;
    }

    /// <summary>Lets every timer fire that is there now.</summary>
    internal void Pass()
    {
        Stopped[] timers;
        lock (_lock) timers = [.. _timers];
        foreach (var timer in timers) timer.Fire();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Stopped(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private TaskCompletionSource Wait(TimeSpan time)
    {
        if (!_waits.TryGetValue(time, out var wait)) _waits[time] = wait = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return wait;
    }

    private sealed class Stopped(StoppedTime time, TimerCallback callback, object? state) : ITimer
    {
        internal void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._lock)
            {
                time._timers.Remove(this);
                if (dueTime == Timeout.InfiniteTimeSpan) return true;
                time._timers.Add(this);
                time.Wait(dueTime).TrySetResult();
            }
            return true;
        }

        public void Dispose()
        {
            lock (time._lock) time._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
