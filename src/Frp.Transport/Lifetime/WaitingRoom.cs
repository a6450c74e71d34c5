namespace Frp.Transport;

/// <summary>Connections that nothing is done for yet, up to a number: for one more, whoever has waited longest has to go.</summary>
/// <remarks>
/// <para>An honest peer waits for a moment, and one that means harm for as long as it can: so the longest wait is hardly ever an honest one's, and
/// newcomers are served however many others say nothing.</para>
/// <para><b>Concurrency.</b> All members may be called from any thread.</para>
/// </remarks>
/// <param name="places">How many may wait.</param>
public sealed class WaitingRoom(int places)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Place> _waiting = new(); // the one that has waited longest is first

    /// <summary>How many wait.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _waiting.Count;
        }
    }

    /// <summary>Takes a place.</summary>
    /// <param name="expel">
    /// Has the connection closed, without waiting. Called at most once for each wait, by whoever needs the place, and perhaps when the connection is over
    /// already.
    /// </param>
    /// <returns>The place, to be disposed when the connection is over.</returns>
    public Place Enter(Action expel)
    {
        var place = new Place(this, expel);
        place.Return();
        return place;
    }

    /// <summary>A connection's place.</summary>
    public sealed class Place : IDisposable
    {
        private readonly WaitingRoom _room;
        private readonly Action _expel;
        private readonly LinkedListNode<Place> _node;
        private bool _isOver;

        internal Place(WaitingRoom room, Action expel)
        {
            (_room, _expel) = (room, expel);
            _node = new LinkedListNode<Place>(this);
        }

        /// <summary>Something is done for the connection now.</summary>
        /// <returns>Whether it was waiting; not when it had been expelled before.</returns>
        public bool Leave()
        {
            lock (_room._lock)
            {
                if (_node.List is null) return false;
                _room._waiting.Remove(_node);
                return true;
            }
        }

        /// <summary>It waits again, behind all others.</summary>
        public void Return()
        {
            Place? longest = null;
            lock (_room._lock)
            {
                if (_isOver || _node.List is not null) return;
                _room._waiting.AddLast(_node);
                if (_room._waiting.Count > _room.Places)
                {
                    longest = _room._waiting.First!.Value;
                    _room._waiting.RemoveFirst();
                }
            }
            longest?._expel();
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            lock (_room._lock)
            {
                _isOver = true;
                if (_node.List is not null) _room._waiting.Remove(_node);
            }
        }
    }

    private int Places => places;
}
