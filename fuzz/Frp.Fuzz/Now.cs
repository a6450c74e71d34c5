namespace Frp.Fuzz;

/// <summary>Calls of asynchronous methods whose streams never wait: what is not over when the call returns would wait for ever.</summary>
#pragma warning disable VSTHRD002 // an engine calls synchronously, and nothing here waits for a context
internal static class Now
{
    /// <summary>For <see cref="Soon"/>. A replay among other tests may have to wait for a processor; an engine ends an input sooner by itself.</summary>
    internal static TimeSpan Limit { get; set; } = TimeSpan.FromSeconds(30);

    internal static T Of<T>(ValueTask<T> call)
    {
        FindException.Unless(call.IsCompleted, "waits although the whole input is there");
        return call.GetAwaiter().GetResult();
    }

    internal static void Of(ValueTask call)
    {
        FindException.Unless(call.IsCompleted, "waits although the whole input is there");
        call.GetAwaiter().GetResult();
    }

    /// <summary>For what changes threads on its way. Its own end must still come: nothing outside is waited for.</summary>
    internal static void Soon(Task task, string otherwise)
    {
        FindException.Unless(Task.WaitAny([task], Limit) == 0, otherwise);
        task.GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="Soon(Task, string)"/>
    internal static T Soon<T>(Task<T> task, string otherwise)
    {
        FindException.Unless(Task.WaitAny([task], Limit) == 0, otherwise);
        return task.GetAwaiter().GetResult();
    }

    /// <summary>A text that tells two outcomes apart: the result, or the refusal when it is one of those that are documented.</summary>
    /// <param name="call">What may refuse.</param>
    /// <param name="isRefusal">Whether an exception is a documented refusal; any other one is a find.</param>
    internal static string Outcome(Func<string> call, Func<Exception, bool> isRefusal)
    {
        try
        {
            return call();
        }
        catch (Exception e) when (isRefusal(e))
        {
            return $"{e.GetType().Name}: {e.Message}";
        }
    }

    /// <summary>The outcome must be the same however the input is cut into pieces.</summary>
    internal static string ForAnyPieces(ReadOnlyMemory<byte> input, Func<Feed, string> call, Func<Exception, bool> isRefusal)
    {
        string whole = Outcome(() => call(new Feed(input)), isRefusal);
        // A byte at a time is the hardest cut; the other one moves with the input and so meets every offset.
        foreach (int piece in (int[])[1, 2 + input.Length % 29])
            FindException.UnlessEqual(whole, Outcome(() => call(new Feed(input, piece)), isRefusal), $"the outcome in pieces of {piece}");
        return whole;
    }
}
#pragma warning restore VSTHRD002

/// <summary>A clock that stands, with timers that never fire: deadlines are the tests' business.</summary>
internal class StoppedClock : TimeProvider
{
    internal static readonly StoppedClock Instance = new();

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch;

    public override long GetTimestamp() => 1;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Timer();

    private sealed class Timer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

/// <summary>A clock on which a second passes between any two looks: nothing is ever put off to another thread because something else was just now.</summary>
internal sealed class HurryingClock : StoppedClock
{
    private long _looks;

    public override long GetTimestamp() => ++_looks * TimestampFrequency;
}
