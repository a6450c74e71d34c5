using System.Net;
using Frp.Transport;

namespace Frp.Server;

/// <summary>A connection to the control port, from its acceptance to its end: a stranger's, until something on it has been accepted.</summary>
/// <remarks><b>Ownership.</b> Disposed by the task that serves the connection. <b>Concurrency.</b> Any, but for disposing.</remarks>
internal sealed class Visit : IDisposable
{
    /// <summary>Payload that a carrier may bring before a login: a hello and a login of the greatest length, and as much again.</summary>
    internal const int StrangersBytes = 4 * 64 * 1024;

    // Logical connections of one carrier that are served at a time before a login. Clients open one, and log in; the rest waits in the session's backlog.
    private const int StrangersStreams = 2;

    private readonly SemaphoreSlim _places = new(StrangersStreams);
    private readonly Strangers _strangers;
    private readonly Deadline _patience;
    private int _unverifiedFailures;

    internal Visit(Strangers strangers, IPAddress key, TimeSpan patience, TimeProvider time, CancellationToken stopping)
    {
        (_strangers, Key) = (strangers, key);
        _patience = new Deadline(patience, time, stopping);
        Stopping = _patience.Token;
    }

    /// <summary>The address that it counts for.</summary>
    internal IPAddress Key { get; }

    /// <summary>Its place among the strangers; theirs.</summary>
    internal WaitingRoom.Place? Place { get; set; }

    /// <summary>Fires when its time as a stranger is over, when it must make room, and when the server stops.</summary>
    internal CancellationToken Stopping { get; }

    /// <summary>Whether it was closed for being a stranger.</summary>
    internal bool IsEvicted => _patience.HasPassed;

    /// <summary>Something on it has been accepted.</summary>
    internal bool IsAccepted { get; set; }

    /// <summary>Told once, when the visitor is accepted: it may have more from then on.</summary>
    internal Action? OnAccepted { get; set; }

    /// <summary>The visitor is no stranger any more.</summary>
    internal void Accept()
    {
        if (IsAccepted) return;
        _patience.Lift();
        _strangers.Accept(this);
        if (!IsAccepted) return;
        OnAccepted?.Invoke();
        _places.Release(); // for the one that waits, and waits no more
    }

    /// <summary>Waits until one more logical connection may be served.</summary>
    /// <returns>Whether it is a stranger's, whose end is to be told to <see cref="HasServed"/>.</returns>
    internal async ValueTask<bool> WaitToServeAsync(CancellationToken cancellationToken)
    {
        if (IsAccepted) return false;
        await _places.WaitAsync(cancellationToken);
        return true;
    }

    /// <summary>A stranger's logical connection is over.</summary>
    internal void HasServed() => _places.Release();

    /// <summary>Whether the visitor is known to come from that address; asked when it matters.</summary>
    internal Func<bool> IsVerified { get; set; } = static () => true;

    /// <summary>The visitor has shown a proof that is none.</summary>
    /// <remarks>What has not come from an address must not speak against it. Whether it has may be known by the end of the visit only.</remarks>
    internal void Failed()
    {
        if (IsVerified()) _strangers.Failed(this);
        else Interlocked.Increment(ref _unverifiedFailures);
    }

    /// <summary>Ends it, to make room.</summary>
    internal void Evict() => _patience.Expire();

    /// <inheritdoc/>
    public void Dispose()
    {
        for (int i = IsVerified() ? _unverifiedFailures : 0; i > 0; i--) _strangers.Failed(this);
        _strangers.Leave(this);
        _patience.Dispose();
        _places.Dispose();
    }
}
