using System.Buffers;

namespace Kcp;

/// <summary>Payload segments that have arrived and are not read: in order, or behind a gap.</summary>
/// <remarks>
/// A ring indexed by the segments' numbers. The right edge never moves to the left, so what the peer was promised is kept. Concurrency: none; the
/// owner's lock covers it.
/// </remarks>
internal sealed class ReceiveWindow(int first, int longest)
{
    private (byte[]? Data, int Length)[] _ring = [];
    private uint _read; // the first segment that is not read to its end
    private int _offset; // bytes of it that are read
    private int _readSinceGrowth;
    private int _size = first;

    /// <summary>The first number that has not arrived.</summary>
    internal uint Expected { get; private set; }

    /// <summary>Segments that the peer may send from <see cref="Expected"/> on.</summary>
    internal int Room => _size - (int)(Expected - _read);

    /// <summary>Whether there are bytes to be read.</summary>
    internal bool IsReadable => _read != Expected;

    /// <summary>Segments that wait behind a gap.</summary>
    internal int BehindGap { get; private set; }

    /// <summary>Takes a segment.</summary>
    /// <returns>Whether it is here now, be it since long: it is to be acknowledged.</returns>
    internal bool Accept(uint number, ReadOnlySpan<byte> data)
    {
        int ahead = SegmentHeader.Distance(Expected, number);
        if (ahead >= Room) return false;
        if (ahead < 0) return true;
        if (_ring.Length < (int)(number - _read) + 1) Grow((int)(number - _read) + 1);
        ref var slot = ref At(number);
        if (slot.Data is not null) return true;
        slot = (ArrayPool<byte>.Shared.Rent(data.Length), data.Length);
        data.CopyTo(slot.Data);
        BehindGap++;
        while (BehindGap > 0 && At(Expected).Data is not null)
        {
            Expected++;
            BehindGap--;
        }
        SkipEmpty();
        return true;
    }

    /// <summary>Copies and drops as many bytes as fit.</summary>
    internal int Read(Span<byte> destination)
    {
        int total = 0;
        while (total < destination.Length && _read != Expected)
        {
            ref var slot = ref At(_read);
            int count = Math.Min(slot.Length - _offset, destination.Length - total);
            slot.Data.AsSpan(_offset, count).CopyTo(destination[total..]);
            total += count;
            _offset += count;
            if (_offset == slot.Length) Drop(ref slot);
            SkipEmpty();
        }
        return total;
    }

    /// <summary>Gives all buffers back.</summary>
    internal void Clear()
    {
        foreach (var (data, _) in _ring)
        {
            if (data is not null) ArrayPool<byte>.Shared.Return(data);
        }
        _ring = [];
        (_read, BehindGap) = (Expected, 0);
    }

    // Our peers never send segments without payload; others might, and a reader must not be told that there is something when there is not.
    private void SkipEmpty()
    {
        while (_read != Expected && At(_read).Length == 0) Drop(ref At(_read));
    }

    private void Drop(ref (byte[]? Data, int Length) slot)
    {
        ArrayPool<byte>.Shared.Return(slot.Data!);
        slot = default;
        _read++;
        _offset = 0;
        if (_size == longest || ++_readSinceGrowth < _size) return;
        _size = Math.Min(_size * 2, longest);
        _readSinceGrowth = 0;
    }

    private ref (byte[]? Data, int Length) At(uint number) => ref _ring[number & (uint)(_ring.Length - 1)];

    private void Grow(int needed)
    {
        var larger = new (byte[]?, int)[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(8, needed))];
        for (int i = 0; i < _ring.Length; i++) larger[(_read + (uint)i) & (uint)(larger.Length - 1)] = At(_read + (uint)i);
        _ring = larger;
    }
}
