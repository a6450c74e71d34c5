namespace Kcp;

/// <summary>Who is due when: a binary heap in which everybody knows his place, so that a due time can be moved.</summary>
/// <remarks>Concurrency: none; the owner's lock covers it.</remarks>
internal sealed class DeadlineHeap<T> where T : class, IHasDeadline
{
    private readonly List<T> _items = [];

    /// <summary>The earliest due time; <see cref="long.MaxValue"/> when nobody is due.</summary>
    internal long Earliest => _items.Count == 0 ? long.MaxValue : _items[0].Due;

    /// <summary>Adds an item, or moves it.</summary>
    internal void Set(T item, long due)
    {
        if (item.Place < 0)
        {
            item.Place = _items.Count;
            _items.Add(item);
        }
        item.Due = due;
        Up(item);
        Down(item);
    }

    /// <summary>Takes the earliest item out if it is due.</summary>
    internal T? TakeDue(long now)
    {
        if (Earliest > now) return null;
        var first = _items[0];
        Remove(first);
        return first;
    }

    /// <summary>Takes an item out, if it is in.</summary>
    internal void Remove(T item)
    {
        if (item.Place < 0) return;
        var last = _items[^1];
        _items.RemoveAt(_items.Count - 1);
        if (last != item)
        {
            Put(last, item.Place);
            Up(last);
            Down(last);
        }
        item.Place = -1;
    }

    private void Put(T item, int place)
    {
        _items[place] = item;
        item.Place = place;
    }

    private void Up(T item)
    {
        int place = item.Place;
        while (place > 0 && _items[(place - 1) / 2].Due > item.Due)
        {
            Put(_items[(place - 1) / 2], place);
            place = (place - 1) / 2;
        }
        Put(item, place);
    }

    private void Down(T item)
    {
        int place = item.Place;
        while (2 * place + 1 < _items.Count)
        {
            int child = 2 * place + 1;
            if (child + 1 < _items.Count && _items[child + 1].Due < _items[child].Due) child++;
            if (_items[child].Due >= item.Due) break;
            Put(_items[child], place);
            place = child;
        }
        Put(item, place);
    }
}

/// <summary>Who can be in a <see cref="DeadlineHeap{T}"/>. Both belong to the heap.</summary>
internal interface IHasDeadline
{
    /// <summary>When it is due.</summary>
    long Due { get; set; }

    /// <summary>Where it is; -1 when it is in no heap, which is how it has to begin.</summary>
    int Place { get; set; }
}
