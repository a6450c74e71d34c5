namespace Frp.Wire;

/// <summary>Lets one user at a time use some state, and says who gives it back when disposal comes while it is in use.</summary>
/// <remarks>A mutable struct: keep it in a field. Exactly one call of <see cref="Exit"/> or <see cref="Close"/> returns true.</remarks>
internal struct UseGate
{
    private const int Idle = 0;
    private const int Busy = 1;
    private const int Closed = 2;

    private int _state;

    internal void Enter(object owner)
    {
        var state = Interlocked.CompareExchange(ref _state, Busy, Idle);
        ObjectDisposedException.ThrowIf(state == Closed, owner);
        if (state == Busy) throw new InvalidOperationException("another operation of this direction is under way");
    }

    /// <summary>Ends the use; true when the gate was closed meanwhile and the state is now the caller's to release.</summary>
    internal bool Exit() => Interlocked.CompareExchange(ref _state, Idle, Busy) == Closed;

    /// <summary>Lets nobody in any more; true when nobody is inside and the state is now the caller's to release.</summary>
    internal bool Close() => Interlocked.Exchange(ref _state, Closed) == Idle;
}
