namespace Frp.Transport;

/// <summary>The two connections of a relay and how they end: once, for one reason.</summary>
internal sealed class RelayPair(Connection a, Connection b, bool halfClose)
{
    private CloseReason? _reason;
    private int _aborted;

    /// <summary>Why the relay ended; null while it runs.</summary>
    internal CloseReason? Reason => Volatile.Read(ref _reason);

    /// <summary>One direction has delivered its last byte to <paramref name="to"/>.</summary>
    internal async ValueTask EndOfDirectionAsync(Connection to)
    {
        Interlocked.CompareExchange(ref _reason, new CloseReason(CloseKind.EndOfStream, "end of stream"), null);
        if (halfClose) await to.CompleteWritesAsync(CancellationToken.None);
        else await CloseAsync(); // Compat: a FIN from either side closes both (docs/COMPAT.md, "half-close").
    }

    /// <summary>Resets both connections; the first reason stays.</summary>
    internal void Abort(CloseReason reason)
    {
        // After an ordered end of the first direction, the failure of the other is only its echo: nothing more is reset.
        if (Interlocked.CompareExchange(ref _reason, reason, null) is not null && !halfClose && reason.Kind != CloseKind.Shutdown) return;
        if (Interlocked.Exchange(ref _aborted, 1) != 0) return;
        a.Abort();
        b.Abort();
    }

    /// <summary>Closes both connections in order.</summary>
    internal async ValueTask CloseAsync()
    {
        Interlocked.CompareExchange(ref _reason, new CloseReason(CloseKind.LocalClose, "closed"), null);
        await a.DisposeAsync();
        await b.DisposeAsync();
    }
}
