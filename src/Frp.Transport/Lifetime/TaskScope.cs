namespace Frp.Transport;

/// <summary>
/// The owner of background work. Whatever runs inside a scope is cancelled with it, and is over when the scope is disposed.
/// </summary>
/// <remarks>
/// <para>Scopes nest as the domain nests: service ⊃ listener ⊃ carrier ⊃ session ⊃ proxy ⊃ relay. A scope's cost is one
/// cancellation source; a task's cost is one state machine and a counter, so that a relay needs no source of its own.</para>
/// <para><b>Two kinds of work.</b> <see cref="Run"/> is for the loops without which the scope makes no sense: the end of one
/// by exception closes the scope. <see cref="RunChild"/> is for what comes and goes (connections, relays): its failure is
/// handed to the observer and harms nobody else.</para>
/// <para><b>Concurrency.</b> All members may be called from any thread.</para>
/// </remarks>
public sealed class TaskScope : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action<string, Exception>? _onFault;
    private CloseReason? _reason;
    private TaskCompletionSource? _idle;
    private int _live = 1; // the scope itself, until it is disposed
    private int _disposed;

    /// <summary>Creates a scope.</summary>
    /// <param name="name">For logs and <see cref="ToString"/>.</param>
    /// <param name="onFault">Told of each failure that is not an expected end, with the name of the work that failed.</param>
    /// <param name="parent">Cancelling this stops the scope.</param>
    public TaskScope(string name, Action<string, Exception>? onFault = null, CancellationToken parent = default)
    {
        Name = name;
        _onFault = onFault;
        _stopping = CancellationTokenSource.CreateLinkedTokenSource(parent);
        Stopping = _stopping.Token;
    }

    /// <summary>The scope's name.</summary>
    public string Name { get; }

    /// <summary>Fires when the scope is closing; every piece of work in it must end then.</summary>
    public CancellationToken Stopping { get; }

    /// <summary>Why the scope closed; null while it is open.</summary>
    public CloseReason? Reason => Volatile.Read(ref _reason);

    /// <summary>Pieces of work that have not ended.</summary>
    public int Count => Math.Max(0, Volatile.Read(ref _live) - (Volatile.Read(ref _disposed) == 0 ? 1 : 0));

    /// <summary>Starts work that belongs to the scope's core: its failure closes the scope.</summary>
    /// <param name="name">For fault reports.</param>
    /// <param name="work">Runs on the caller's thread up to its first real wait.</param>
    public void Run(string name, Func<CancellationToken, Task> work) => Start(name, work, essential: true);

    /// <summary>Starts work whose end, good or bad, is its own affair.</summary>
    /// <inheritdoc cref="Run"/>
    public void RunChild(string name, Func<CancellationToken, Task> work) => Start(name, work, essential: false);

    /// <summary>Closes the scope: the first reason wins, and everything inside is cancelled. Does not wait.</summary>
    public void Close(CloseReason reason)
    {
        if (Interlocked.CompareExchange(ref _reason, reason, null) is not null) return;
        try
        {
            _stopping.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Disposed meanwhile: everything has ended already.
        }
        catch (AggregateException e)
        {
            _onFault?.Invoke(Name, e); // a callback registered on the token threw; the rest has run
        }
    }

    /// <summary>Waits until no work is left in the scope, which stays open.</summary>
    public Task WaitForIdleAsync(CancellationToken cancellationToken)
    {
        var idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Interlocked.CompareExchange(ref _idle, idle, null) is { } earlier) idle = earlier;
        if (Count == 0) SignalIdle();
        return idle.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Closes the scope, if it is open still, and waits until all of its work has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        Close(new CloseReason(CloseKind.LocalClose, "closed"));
        if (Interlocked.Exchange(ref _disposed, 1) == 0) Release();
        await _drained.Task;
        _stopping.Dispose();
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({Count})";

    private void Start(string name, Func<CancellationToken, Task> work, bool essential)
    {
        // A scope that has drained cannot be entered again: the work never starts.
        int live;
        do
        {
            live = Volatile.Read(ref _live);
            if (live == 0) return;
        }
        while (Interlocked.CompareExchange(ref _live, live + 1, live) != live);
        _ = ObserveAsync(name, work, essential);
    }

    private async Task ObserveAsync(string name, Func<CancellationToken, Task> work, bool essential)
    {
        try
        {
            await work(Stopping);
        }
        catch (OperationCanceledException) when (Stopping.IsCancellationRequested)
        {
            // The scope's own token: an ordered end.
        }
        catch (Exception e)
        {
            var reason = CloseReason.From(e);
            if (!reason.IsExpected) _onFault?.Invoke(name, e);
            if (essential) Close(reason);
        }
        finally
        {
            Release();
        }
    }

    private void Release()
    {
        int live = Interlocked.Decrement(ref _live);
        if (live == 0) _drained.TrySetResult();
        if (live <= 1) SignalIdle();
    }

    private void SignalIdle() => Interlocked.Exchange(ref _idle, null)?.TrySetResult();
}
