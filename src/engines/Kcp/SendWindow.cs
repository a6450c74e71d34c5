using System.Buffers;

namespace Kcp;

/// <summary>A payload segment on its way. Without data it has been acknowledged.</summary>
internal struct OutgoingSegment
{
    internal byte[]? Data;
    internal int Length;
    internal int Sends;
    /// <summary>Acknowledgements of later segments that came first.</summary>
    internal int Skipped;
    /// <summary>On the clock that the peer sees.</summary>
    internal uint FirstSent;
    internal uint LastSent;
    internal int Timeout;
    internal long ResendAt;
}

/// <summary>The stream's bytes from the first one that is not acknowledged, cut into segments: first those under way, then those that wait.</summary>
/// <remarks>
/// A ring indexed by the segments' numbers. A segment's buffer is rented when its first byte comes and returned when it is acknowledged, so an idle
/// stream holds none. Concurrency: none; the owner's lock covers it.
/// </remarks>
internal sealed class SendWindow(int segmentSize, int limit)
{
    private OutgoingSegment[] _ring = [];

    /// <summary>The first segment that is not acknowledged.</summary>
    internal uint First { get; private set; }

    /// <summary>The first one that has not been sent.</summary>
    internal uint Next { get; private set; }

    /// <summary>Behind the last one.</summary>
    internal uint End { get; private set; }

    /// <summary>Segments under way.</summary>
    internal int UnderWay => (int)(Next - First);

    /// <summary>Segments that have not been sent.</summary>
    internal int Waiting => (int)(End - Next);

    /// <summary>Nothing is under way, and nothing waits.</summary>
    internal bool IsEmpty => First == End;

    /// <summary>Whether a byte would be taken.</summary>
    internal bool HasRoom => (int)(End - First) < limit || HasOpenTail;

    /// <summary>Whether the last segment that waits is not full.</summary>
    internal bool HasOpenTail => Waiting > 0 && this[End - 1].Length < segmentSize;

    internal ref OutgoingSegment this[uint number] => ref _ring[number & (uint)(_ring.Length - 1)];

    /// <summary>Takes as many bytes as there is room for.</summary>
    internal int Append(ReadOnlySpan<byte> data)
    {
        int taken = 0;
        while (taken < data.Length)
        {
            if (!HasOpenTail)
            {
                if ((int)(End - First) >= limit) break;
                Push();
            }
            ref var tail = ref this[End - 1];
            int count = Math.Min(segmentSize - tail.Length, data.Length - taken);
            data.Slice(taken, count).CopyTo(tail.Data.AsSpan(tail.Length));
            tail.Length += count;
            taken += count;
        }
        return taken;
    }

    /// <summary>The first segment that waits is under way from now on.</summary>
    internal ref OutgoingSegment TakeNext() => ref this[Next++];

    /// <summary>A segment has arrived.</summary>
    internal void Acknowledge(uint number)
    {
        Release(ref this[number]);
        while (First != Next && this[First].Data is null) First++;
    }

    /// <summary>All before a number have arrived. It may be an old one, and must not be beyond <see cref="Next"/>.</summary>
    internal void AcknowledgeBefore(uint number)
    {
        while (SegmentHeader.Distance(First, number) > 0) Release(ref this[First++]);
        while (First != Next && this[First].Data is null) First++;
    }

    /// <summary>Whether a segment of that number is under way, and not acknowledged yet.</summary>
    internal bool IsUnderWay(uint number) => number - First < (uint)UnderWay && this[number].Data is not null;

    /// <summary>Gives all buffers back.</summary>
    internal void Clear()
    {
        for (; First != End; First++) Release(ref this[First]);
        Next = End;
        _ring = [];
    }

    private static void Release(ref OutgoingSegment segment)
    {
        if (segment.Data is not { } data) return;
        segment.Data = null;
        ArrayPool<byte>.Shared.Return(data);
    }

    private void Push()
    {
        if ((int)(End - First) == _ring.Length)
        {
            var larger = new OutgoingSegment[Math.Max(8, _ring.Length * 2)];
            for (uint i = First; i != End; i++) larger[i & (uint)(larger.Length - 1)] = this[i];
            _ring = larger;
        }
        this[End++] = new OutgoingSegment { Data = ArrayPool<byte>.Shared.Rent(segmentSize) };
    }
}
