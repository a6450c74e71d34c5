using System.Buffers;

namespace Yamux;

/// <summary>Bytes of a stream that arrived before anybody took them, in pooled segments.</summary>
/// <remarks>
/// Small frames share a segment, so what is rented stays close to what is held. Nothing is allocated before the first
/// append. Concurrency: none; the owner's lock covers it. A span from <see cref="Peek"/> stays valid while the lock is not
/// held, provided that only its taker calls <see cref="Advance"/> or <see cref="Clear"/>: appends write behind it.
/// </remarks>
internal struct SegmentQueue(ArrayPool<byte> pool)
{
    private const int FirstSegment = 512;   // a request's first bytes wait here between SYN and the reader
    private const int SmallQueue = 4096;    // up to here a segment is as large as what it holds
    private const int LaterSegment = 16 * 1024;

    private (byte[] Array, int Start, int End)[]? _ring;
    private int _head;
    private int _count;

    /// <summary>Bytes held.</summary>
    public long Length { get; private set; }

    /// <summary>Copies bytes to the end of the queue.</summary>
    public void Append(ReadOnlySpan<byte> data)
    {
        Length += data.Length;
        while (!data.IsEmpty)
        {
            if (_count > 0)
            {
                ref var tail = ref _ring![(_head + _count - 1) & (_ring.Length - 1)];
                int fits = Math.Min(tail.Array.Length - tail.End, data.Length);
                data[..fits].CopyTo(tail.Array.AsSpan(tail.End));
                tail.End += fits;
                data = data[fits..];
                if (data.IsEmpty) return;
            }

            Push(pool.Rent(Length <= SmallQueue ? Math.Max(data.Length, FirstSegment) : LaterSegment));
        }
    }

    /// <summary>The first bytes, as many as lie together; empty when nothing is held.</summary>
    public readonly ReadOnlyMemory<byte> Peek()
    {
        if (_count == 0) return default;
        var (array, start, end) = _ring![_head];
        return array.AsMemory(start, end - start);
    }

    /// <summary>Drops the first bytes, at most as many as <see cref="Peek"/> returned.</summary>
    public void Advance(int count)
    {
        ref var head = ref _ring![_head];
        head.Start += count;
        Length -= count;
        if (head.Start == head.End) Pop();
    }

    /// <summary>Copies and drops as many bytes as fit.</summary>
    public int Read(Span<byte> destination)
    {
        int total = 0;
        while (total < destination.Length && _count > 0)
        {
            ReadOnlySpan<byte> first = Peek().Span;
            int count = Math.Min(first.Length, destination.Length - total);
            first[..count].CopyTo(destination[total..]);
            Advance(count);
            total += count;
        }

        return total;
    }

    /// <summary>Drops everything.</summary>
    public void Clear()
    {
        while (_count > 0) Pop();
        Length = 0;
        _ring = null;
    }

    private void Push(byte[] array)
    {
        _ring ??= new (byte[], int, int)[4];
        if (_count == _ring.Length)
        {
            var larger = new (byte[], int, int)[_count * 2];
            for (int i = 0; i < _count; i++) larger[i] = _ring[(_head + i) & (_ring.Length - 1)];
            (_ring, _head) = (larger, 0);
        }

        _ring[(_head + _count++) & (_ring.Length - 1)] = (array, 0, 0);
    }

    private void Pop()
    {
        ref var head = ref _ring![_head];
        pool.Return(head.Array);
        head = default;
        _head = (_head + 1) & (_ring.Length - 1);
        _count--;
    }
}
