using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies;

/// <summary>A user's stream in a tunnel.</summary>
/// <param name="Connection">The user's; without payload layers.</param>
/// <param name="Tunnel">To be left when the user is gone.</param>
internal readonly record struct TunnelStream(Connection Connection, HeldTunnel Tunnel);

/// <summary>The one tunnel of an xtcp visitor: opened when it is wanted, used by all users, opened again when it is lost.</summary>
/// <remarks>
/// <b>Concurrency.</b> Any number of users. One attempt at a time, <see cref="AttemptSpacing"/> apart, for all who wait. Attempts and tunnels run among
/// the host's users, where a tunnel stays until it is lost, or retired and left.
/// </remarks>
internal sealed partial class VisitorTunnel(XtcpVisitorConfig config, IVisitorHost host, PeerTunnelStarter starter)
{
    /// <summary>From the beginning of an attempt to that of the next.</summary>
    // Source: wire specification §22.
    internal static readonly TimeSpan AttemptSpacing = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Lazy<byte[]> _key = new(() => StreamKey.Derive(config.SecretKey));
    private HeldTunnel? _held;
    private Task<string>? _attempt; // its result: empty, or why it failed
    private long? _begun;
    private string? _failure; // of the last attempt, unless it is going on

    /// <summary>Key of the payload layers.</summary>
    internal byte[] Key => _key.Value;

    /// <summary>Fires when the visitor's door closes: attempts end.</summary>
    internal CancellationToken Closing { get; set; }

    /// <summary>Opens a stream for a user, and a tunnel if there is none.</summary>
    /// <param name="limit">How long that may take.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="IOException">There is no tunnel, and there will be none in time.</exception>
    internal async ValueTask<TunnelStream> OpenAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        long since = host.Time.GetTimestamp();
        using var deadline = new Deadline(limit, host.Time, cancellationToken);
        try
        {
            while (true)
            {
                if (await TryOpenAsync(deadline.Token) is { } stream) return stream;
                var (attempt, pause) = Attempt();
                if (attempt is not null)
                {
                    await attempt.WaitAsync(deadline.Token);
                    continue;
                }
                // Who cannot be helped in time is not kept waiting.
                if (pause >= limit - host.Time.GetElapsedTime(since)) throw new IOException(Cause);
                await Task.Delay(pause, host.Time, deadline.Token);
            }
        }
        catch (OperationCanceledException e) when (deadline.HasPassed)
        {
            throw new IOException(Cause, e);
        }
    }

    /// <summary>Keeps a tunnel open until it is cancelled.</summary>
    // Compat: the reference opens a stream each time to see whether the tunnel works (docs/COMPAT.md, "tunnels that are kept open").
    internal async Task KeepOpenAsync(CancellationToken cancellationToken)
    {
        var hour = TimeSpan.FromHours(1);
        var failures = new Queue<long>();
        while (true)
        {
            var pause = config.MinRetryInterval;
            if (!IsOpen)
            {
                var (attempt, spacing) = Attempt();
                if (attempt is null) pause = spacing;
                else if (await attempt.WaitAsync(cancellationToken) is { Length: > 0 }) failures.Enqueue(host.Time.GetTimestamp());
            }
            while (failures.TryPeek(out long oldest) && host.Time.GetElapsedTime(oldest) >= hour) failures.Dequeue();
            if (failures.Count >= Math.Max(1, config.MaxRetriesAnHour))
            {
                var rest = hour - host.Time.GetElapsedTime(failures.Peek());
                if (rest > pause) pause = rest;
            }
            await Task.Delay(pause, host.Time, cancellationToken);
        }
    }

    /// <summary>No user comes any more: the tunnel ends when the last one has left.</summary>
    internal void Retire()
    {
        HeldTunnel? held;
        lock (_lock) (held, _held) = (_held, null);
        held?.Retire();
    }

    /// <summary>Why there is no tunnel.</summary>
    private string Cause
    {
        get { lock (_lock) return _failure ?? "no tunnel in time"; }
    }

    private bool IsOpen
    {
        get { lock (_lock) return _held is { Tunnel.CanOpen: true }; }
    }

    private async ValueTask<TunnelStream?> TryOpenAsync(CancellationToken cancellationToken)
    {
        HeldTunnel? held;
        lock (_lock) held = _held;
        if (held is null || !held.TryEnter()) return null;
        try
        {
            return new TunnelStream(await held.Tunnel.OpenAsync(cancellationToken), held);
        }
        catch (Exception e)
        {
            held.Leave();
            if (e is not IOException) throw;
            Log.Lost(host.Logger, e.Message);
            lock (_lock)
            {
                if (_held == held) _held = null;
            }
            held.Retire();
            return null;
        }
    }

    /// <summary>The attempt that is going on, or one that begins now; or the time until one may begin.</summary>
    private (Task<string>? Attempt, TimeSpan Pause) Attempt()
    {
        var done = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_attempt is { IsCompleted: false }) return (_attempt, default);
            if (_begun is { } begun && AttemptSpacing - host.Time.GetElapsedTime(begun) is { Ticks: > 0 } pause) return (null, pause);
            (_attempt, _begun, _failure) = (done.Task, host.Time.GetTimestamp(), null);
        }
        host.Users.RunChild("tunnel", token => RunAsync(done, token));
        return (done.Task, default);
    }

    /// <summary>An attempt, and the life of the tunnel that comes of it.</summary>
    private async Task RunAsync(TaskCompletionSource<string> done, CancellationToken cancellationToken)
    {
        HeldTunnel held;
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Closing);
            var tunnel = await EstablishAsync(either.Token);
            held = new HeldTunnel(tunnel);
            lock (_lock) _held = held;
            if (either.IsCancellationRequested) Retire();
            done.TrySetResult("");
        }
        catch (Exception e) when (e is IOException or TimeoutException or PeerRefusedException)
        {
            Log.Failed(host.Logger, e.Message);
            lock (_lock) _failure = e.Message;
            done.TrySetResult(e.Message);
            return;
        }
        catch (OperationCanceledException)
        {
            return; // the door closes, or the client stops
        }
        finally
        {
            done.TrySetResult("the attempt was given up");
        }
        await using (held.Tunnel)
        {
            await Task.WhenAny(held.Tunnel.Completion, held.Left).WaitAsync(cancellationToken);
            if (held.Tunnel.Completion.IsCompleted) Log.Closed(host.Logger, await held.Tunnel.Completion);
        }
    }

    private async Task<PeerTunnel> EstablishAsync(CancellationToken cancellationToken)
    {
        var broker = host.Traversal;
        // Whether there is such a proxy is asked before STUN servers are.
        await broker.AskAsync(new NatHoleVisitor { ProxyName = broker.ProxyName, PreCheck = true }, cancellationToken);
        using var local = await LocalSide.DiscoverAsync(broker, config.NatTraversal, host.Time, cancellationToken);
        var (now, proof) = broker.ProofOf(config.SecretKey);
        var question = new NatHoleVisitor
        {
            ProxyName = broker.ProxyName,
            Protocol = config.Protocol,
            Timestamp = now,
            SignKey = proof,
            MappedAddrs = local.Mapped,
            AssistedAddrs = local.Assisted,
        };
        var answer = await broker.AskAsync(question, cancellationToken);
        var hole = await local.PunchAsync(PunchPlan.Of(answer), Key, host.Time, cancellationToken);
        var tunnel = await starter(hole, TunnelSide.Visitor, host.Time, cancellationToken);
        Log.Opened(host.Logger, config.Protocol, hole.Peer);
        return tunnel;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "the tunnel is open: [{Protocol}] to [{Peer}]")]
        internal static partial void Opened(ILogger logger, string protocol, System.Net.IPEndPoint peer);

        [LoggerMessage(2, LogLevel.Information, "the tunnel is over: {Reason}")]
        internal static partial void Closed(ILogger logger, CloseReason reason);

        [LoggerMessage(3, LogLevel.Warning, "no tunnel: {Cause}")]
        internal static partial void Failed(ILogger logger, string cause);

        [LoggerMessage(4, LogLevel.Debug, "the tunnel takes no users any more: {Cause}")]
        internal static partial void Lost(ILogger logger, string cause);
    }
}

/// <summary>A tunnel with its users counted.</summary>
/// <param name="tunnel">Owned by whoever waits for <see cref="Left"/>.</param>
internal sealed class HeldTunnel(PeerTunnel tunnel)
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _users;
    private bool _isRetired;

    internal PeerTunnel Tunnel => tunnel;

    /// <summary>Completes when it is retired and the last user has left.</summary>
    internal Task Left => _left.Task;

    /// <summary>A user comes.</summary>
    /// <returns>False when none may come any more.</returns>
    internal bool TryEnter()
    {
        lock (_lock)
        {
            if (_isRetired) return false;
            _users++;
            return true;
        }
    }

    /// <summary>A user leaves.</summary>
    internal void Leave()
    {
        lock (_lock)
        {
            if (--_users > 0 || !_isRetired) return;
        }
        _left.TrySetResult();
    }

    /// <summary>No user comes any more.</summary>
    internal void Retire()
    {
        lock (_lock)
        {
            if (_isRetired) return;
            _isRetired = true;
            if (_users > 0) return;
        }
        _left.TrySetResult();
    }
}
