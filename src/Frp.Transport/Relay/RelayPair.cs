namespace Frp.Transport;

/// <summary>The two connections of a relay and how they end: once, for one reason.</summary>
/// <remarks>
/// <para><b>Half-closed.</b> Nobody reads any more from the end whose direction is over, so nobody would notice its reset or its death. From
/// then on, and not before, a timer looks at it every <see cref="LookPeriod"/>. When it is gone the other end is reset too, which tells
/// the relay behind that one. What the other end was sent before is waited for, however slowly it is taken.</para>
/// <para><b>Silence is no reason.</b> An end that has shut its writing side may wait for the answer as long as it likes.</para>
/// </remarks>
internal sealed class RelayPair(Connection a, Connection b, bool halfClose, TimeProvider time)
{
    /// <summary>How often a half-closed pair is looked at.</summary>
    // A user who has closed looks like one who waits until his kernel has forgotten him (60 s on Linux) and answers a keep-alive probe, sent
    // every 15 s, with a reset: looking more often would not find him much earlier.
    internal static readonly TimeSpan LookPeriod = TimeSpan.FromSeconds(15);

    private CloseReason? _reason;
    private bool _closing;
    private int _aborted;
    private int _endedDirections;
    private ITimer? _looks;

    /// <summary>Why the relay ended; null while it runs.</summary>
    internal CloseReason? Reason => Volatile.Read(ref _reason);

    /// <summary>The direction from one of the two to the other has ended, and delivered its last byte.</summary>
    internal async ValueTask EndOfDirectionAsync(Connection from, Connection to)
    {
        var ended = new CloseReason(CloseKind.EndOfStream, "end of stream");
        if (!halfClose)
        {
            await EndAsync(ended); // Compat: a FIN from either side closes both (docs/COMPAT.md, "half-close").
            return;
        }
        Interlocked.CompareExchange(ref _reason, ended, null);
        // Counted first: from a look's point of view the second end must not come behind what it does to the sockets.
        bool isFirst = Interlocked.Increment(ref _endedDirections) == 1;
        await to.CompleteWritesAsync(CancellationToken.None);
        if (isFirst && Volatile.Read(ref _endedDirections) == 1) Watch(from, to);
    }

    /// <summary>Resets both connections; the first reason stays.</summary>
    internal void Abort(CloseReason reason)
    {
        Interlocked.CompareExchange(ref _reason, reason, null);
        // While both are closed in order, the failure of a direction is only the echo of that: nothing more is reset.
        if (Volatile.Read(ref _closing) && reason.Kind != CloseKind.Shutdown) return;
        if (Interlocked.Exchange(ref _aborted, 1) != 0) return;
        a.Abort();
        b.Abort();
    }

    /// <summary>Closes both connections in order, whatever they still have to say.</summary>
    internal async ValueTask EndAsync(CloseReason reason)
    {
        Volatile.Write(ref _closing, true);
        Interlocked.CompareExchange(ref _reason, reason, null);
        if (_looks is not null) await _looks.DisposeAsync();
        await a.DisposeAsync();
        await b.DisposeAsync();
    }

    // Called by a direction's task, which is over before the relay closes the pair: no timer is left behind.
    private void Watch(Connection ended, Connection other) =>
        _looks = time.CreateTimer(_ => Look(ended, other), null, LookPeriod, LookPeriod);

    private void Look(Connection ended, Connection other)
    {
        if (ended.State != LinkState.Gone) return;
        // Both ended meanwhile, and the kernel is through with the connection: that is the ordered end.
        if (Volatile.Read(ref _endedDirections) > 1) return;
        if (other.State == LinkState.Sending) return;
        Abort(new CloseReason(CloseKind.Reset, "the peer has left"));
    }
}
