using System.Buffers;
using System.Diagnostics;

namespace Frp.Wire;

/// <summary>Bytes read ahead, in memory that is rented on need and given back as soon as nothing is buffered and something larger than usual was held.</summary>
/// <remarks>
/// A mutable struct: keep it in a field, behind a <see cref="UseGate"/>, so that the pool never gets memory that a read still fills.
/// </remarks>
internal struct PooledReadBuffer
{
    private readonly int _initial;
    private readonly int _maxPreferred;
    private byte[]? _array;
    private int _start;
    private int _end;
    private int _preferred;

    /// <summary>An empty buffer.</summary>
    /// <param name="initialLength">What is rented for a first read, and kept while waiting.</param>
    /// <param name="maxPreferredLength">What is rented at most while reads come back full; a longer need is met all the same.</param>
    internal PooledReadBuffer(int initialLength, int maxPreferredLength)
    {
        _initial = _preferred = initialLength;
        _maxPreferred = maxPreferredLength;
    }

    /// <summary>What is buffered.</summary>
    internal readonly Span<byte> Filled => _array.AsSpan(_start, _end - _start);

    /// <summary>The same, to be kept until bytes are consumed or room is asked for.</summary>
    internal readonly Memory<byte> FilledMemory => _array.AsMemory(_start, _end - _start);

    internal readonly int Length => _end - _start;

    /// <summary>Room behind what is buffered, so that at least <paramref name="needed"/> bytes fit in all.</summary>
    internal Memory<byte> GetRoom(int needed)
    {
        var length = _end - _start;
        Debug.Assert(needed > length);
        if (_array is null || _array.Length < needed)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, _preferred));
            Filled.CopyTo(larger);
            if (_array is not null) ArrayPool<byte>.Shared.Return(_array);
            (_array, _start, _end) = (larger, 0, length);
        }
        else if (_start > 0 && (length == 0 || _array.Length - _start < needed))
        {
            Filled.CopyTo(_array);
            (_start, _end) = (0, length);
        }
        return _array.AsMemory(_end);
    }

    /// <summary>Counts bytes that were read into the room, and learns from the amount how much to ask for next time.</summary>
    internal void Advance(int count)
    {
        var room = _array!.Length - _end;
        if (count == room) _preferred = Math.Min(_array.Length * 4, _maxPreferred);
        else if (count < room / 8) _preferred = _initial;
        _end += count;
    }

    /// <summary>Takes bytes off the front.</summary>
    internal void Consume(int count)
    {
        _start += count;
        if (_start < _end) return;
        _start = _end = 0;
        // A small buffer is kept for the next wait; another size than the preferred one is changed for it.
        if (_array is not null && (_array.Length > 2 * _preferred || _array.Length < _preferred)) Release();
    }

    /// <summary>Gives the memory back when nothing is buffered, before a wait that may be long.</summary>
    internal void ReleaseIfEmpty()
    {
        if (_start == _end) Release();
    }

    /// <summary>Gives the memory back with whatever is in it.</summary>
    internal void Release()
    {
        var array = _array;
        _array = null;
        _start = _end = 0;
        if (array is not null) ArrayPool<byte>.Shared.Return(array);
    }
}
