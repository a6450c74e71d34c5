namespace Frp.Transport.Tests;

/// <summary>The longest a test waits for an event that must come. Never waited out by a test that passes.</summary>
internal static class Patience
{
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    internal static CancellationToken Token => new CancellationTokenSource(Limit).Token;

    internal static Task<T> Soon<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Limit);

    internal static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Limit);

    internal static Task Soon(this Task task) => task.WaitAsync(Limit);

    internal static Task Soon(this ValueTask task) => task.AsTask().WaitAsync(Limit);
}
