using Frp.Transport;

namespace Frp.Server;

/// <summary>A work connection that a client has opened and that waits for a user.</summary>
/// <param name="Connection">The connection.</param>
/// <param name="Messages">The message reader and writer on top of it.</param>
/// <param name="End">What the end of one direction does to the other, as agreed with the client.</param>
internal sealed record WorkConnection(Connection Connection, Frp.Wire.MessageStream Messages, RelayEnd End) : IAsyncDisposable
{
    /// <summary>Whether the client has gone away while the connection waited: before its start message it has nothing to say.</summary>
    internal bool IsDead => Connection switch
    {
        MuxConnection mux => mux.MuxStream.IsReadable,
        _ => Connection.TryGetSocket(out var socket) ? socket.Poll(0, System.Net.Sockets.SelectMode.SelectRead) : Connection.HasPeerLeft,
    };

    public async ValueTask DisposeAsync()
    {
        await Messages.DisposeAsync();
        await Connection.DisposeAsync();
    }
}

/// <summary>
/// The work connections of one session that wait for users, and the users that wait for work connections.
/// </summary>
/// <remarks>
/// <para>A connection that arrives goes to the user that has waited longest, else into the queue. The queue is bounded by the
/// pool's size and a slack (wire specification §11.1); users are bounded by their deadline.</para>
/// <para><b>Requests.</b> For each user that takes a connection one more is asked for, and a user that finds none asks for one
/// first: with an empty pool two requests go out, so that the next user finds one ready.</para>
/// <para><b>Concurrency.</b> One lock, never held while anything else is called.</para>
/// </remarks>
internal sealed class WorkConnectionPool(int size, Action<int> request, TimeProvider time)
{
    private const int Slack = 10;

    private readonly Lock _lock = new();
    private readonly Queue<WorkConnection> _idle = new();
    private readonly LinkedList<Waiter> _waiters = new();
    private bool _closed;

    /// <summary>Connections that the client was asked to keep ready.</summary>
    internal int Size => size;

    /// <summary>Connections that wait for users.</summary>
    internal int IdleCount
    {
        get
        {
            lock (_lock) return _idle.Count;
        }
    }

    /// <summary>Offers a connection.</summary>
    /// <returns>False when there is no room, or the pool is closed: the caller keeps the connection.</returns>
    internal bool TryAdd(WorkConnection connection)
    {
        Waiter? waiter = null;
        lock (_lock)
        {
            if (_closed) return false;
            while (_waiters.First is { } first)
            {
                _waiters.RemoveFirst();
                if (!first.Value.TryClaim()) continue;
                waiter = first.Value;
                break;
            }
            if (waiter is null)
            {
                if (_idle.Count >= size + Slack) return false;
                _idle.Enqueue(connection);
                return true;
            }
        }
        waiter.Source.SetResult(connection);
        return true;
    }

    /// <summary>Takes a connection, waiting for one if need be.</summary>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="cancellationToken">Gives up earlier.</param>
    /// <returns>The connection, now the caller's; null when none came in time or the session ended.</returns>
    internal async ValueTask<WorkConnection?> TakeAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        while (TryTakeIdle(out var idle))
        {
            request(1);
            if (!idle.IsDead) return idle;
            await idle.DisposeAsync();
        }
        var waiter = new Waiter();
        lock (_lock)
        {
            if (_closed) return null;
            _waiters.AddLast(waiter.Node);
        }
        request(2);
        await using var timer = time.CreateTimer(static state => ((Waiter)state!).GiveUp(), waiter, timeout, Timeout.InfiniteTimeSpan);
        await using var registration = cancellationToken.UnsafeRegister(static state => ((Waiter)state!).GiveUp(), waiter);
        var connection = await waiter.Source.Task;
        if (connection is null)
        {
            lock (_lock)
            {
                if (waiter.Node.List is not null) _waiters.Remove(waiter.Node);
            }
        }
        return connection;
    }

    /// <summary>Closes the idle connections and tells waiting users that none will come.</summary>
    internal async ValueTask CloseAsync()
    {
        List<WorkConnection> idle;
        List<Waiter> waiters;
        lock (_lock)
        {
            if (_closed) return;
            _closed = true;
            idle = [.. _idle];
            waiters = [.. _waiters];
            _idle.Clear();
            _waiters.Clear();
        }
        foreach (var waiter in waiters) waiter.GiveUp();
        foreach (var connection in idle) await connection.DisposeAsync();
    }

    private bool TryTakeIdle([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out WorkConnection? connection)
    {
        lock (_lock)
        {
            return _idle.TryDequeue(out connection);
        }
    }

    private sealed class Waiter
    {
        private int _claimed;

        internal Waiter() => Node = new LinkedListNode<Waiter>(this);

        internal LinkedListNode<Waiter> Node { get; }

        internal TaskCompletionSource<WorkConnection?> Source { get; } = new();

        internal bool TryClaim() => Interlocked.Exchange(ref _claimed, 1) == 0;

        internal void GiveUp()
        {
            if (TryClaim()) Source.TrySetResult(null);
        }
    }
}
