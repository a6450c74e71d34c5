namespace Frp.Client;

/// <summary>Wakes one sleeper, and is remembered while nobody sleeps.</summary>
/// <remarks><b>Concurrency.</b> <see cref="Wake"/> from any thread; one sleeper at a time, who begins to listen before he looks around.</remarks>
internal sealed class Wakening
{
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Wakes whoever sleeps, or will.</summary>
    internal void Wake() => Volatile.Read(ref _next).TrySetResult();

    /// <summary>Completes at the next <see cref="Wake"/> from here on.</summary>
    internal Task NextAsync(CancellationToken cancellationToken)
    {
        var next = Volatile.Read(ref _next);
        if (next.Task.IsCompleted)
        {
            next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _next, next);
        }
        return next.Task.WaitAsync(cancellationToken);
    }
}
