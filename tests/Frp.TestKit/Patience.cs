namespace Frp.TestKit;

/// <summary>The longest that a test waits for what must come. A test that passes never waits it out.</summary>
public static class Patience
{
    /// <summary>The limit for one event.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>How often states that nobody announces (a process's descriptors, a port of another process) are looked at.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(25);

    /// <summary>Waits for an event.</summary>
    public static Task Soon(this Task task) => task.WaitAsync(Limit);

    /// <summary>Waits for an event that brings something.</summary>
    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Limit);

    /// <summary>Waits for an event.</summary>
    public static Task Soon(this ValueTask task) => task.AsTask().WaitAsync(Limit);

    /// <summary>Waits for an event that brings something.</summary>
    public static Task<T> Soon<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Limit);

    /// <summary>Waits for a state that nobody announces.</summary>
    /// <param name="condition">Looks at the state.</param>
    /// <param name="what">What is missing when the limit has passed.</param>
    /// <exception cref="TimeoutException">The state did not come.</exception>
    public static Task UntilAsync(Func<bool> condition, Func<string> what) => UntilAsync(() => Task.FromResult(condition()), what);

    /// <summary>Waits for a state that nobody announces.</summary>
    /// <param name="condition">Looks at the state; has to come back by itself.</param>
    /// <param name="what">What is missing when the limit has passed.</param>
    /// <exception cref="TimeoutException">The state did not come.</exception>
    public static async Task UntilAsync(Func<Task<bool>> condition, Func<string> what)
    {
        long begin = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(Period);
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(begin) > Limit) throw new TimeoutException(what());
            await timer.WaitForNextTickAsync();
        }
    }
}
