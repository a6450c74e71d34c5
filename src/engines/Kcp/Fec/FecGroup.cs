using System.Buffers;
using System.Numerics;

namespace Kcp;

/// <summary>Shards of one group that have arrived.</summary>
internal sealed class FecGroup
{
    private readonly FecShard[] _shards = new FecShard[ParityCode.Shards];
    private int _seen; // a bit for each position
    private bool _isOver;

    /// <summary>Whether it is somebody's.</summary>
    internal bool IsUsed { get; private set; }

    /// <summary>The number of its first datagram.</summary>
    internal uint Begin { get; private set; }

    /// <summary>Whether something is missing that can be computed.</summary>
    internal bool CanReconstruct => !_isOver && BitOperations.PopCount((uint)_seen) >= ParityCode.DataShards;

    /// <summary>Makes it another group.</summary>
    internal void Start(uint begin)
    {
        Clear();
        (IsUsed, Begin) = (true, begin);
    }

    /// <summary>Keeps a shard.</summary>
    /// <returns>Whether it is new, and of use.</returns>
    internal bool Add(int position, ReadOnlySpan<byte> shard)
    {
        if (_isOver || (_seen & (1 << position)) != 0) return false;
        _seen |= 1 << position;
        const int AllData = (1 << ParityCode.DataShards) - 1;
        if ((_seen & AllData) == AllData)
        {
            End();
            return false;
        }
        _shards[position] = new FecShard(ArrayPool<byte>.Shared.Rent(shard.Length), shard.Length);
        shard.CopyTo(_shards[position].Data);
        return true;
    }

    /// <summary>Computes what is missing. Once.</summary>
    /// <param name="results">Filled with rented buffers, the caller's from here on.</param>
    /// <param name="length">Of what was computed, padding included.</param>
    /// <returns>How many; none when the shards do not fit together.</returns>
    internal int Reconstruct(byte[]?[] results, out int length)
    {
        length = 0;
        foreach (var shard in _shards) length = Math.Max(length, shard.Length);
        bool fits = length >= FecHeader.SizeField;
        Span<int> missing = stackalloc int[ParityCode.ParityShards];
        int count = 0;
        for (int i = 0; i < ParityCode.Shards; i++)
        {
            if (i >= ParityCode.DataShards) fits &= _shards[i].Data is null || _shards[i].Length == length; // parity is as long as the longest
            else if (_shards[i].Data is null) missing[count++] = i;
        }
        if (fits)
        {
            for (int i = 0; i < count; i++) results[i] = ArrayPool<byte>.Shared.Rent(length);
            ParityCode.Reconstruct(_shards, length, missing[..count], results.AsSpan(0, count)!);
        }
        End();
        return fits ? count : 0;
    }

    /// <summary>Nobody's from here on.</summary>
    internal void Clear()
    {
        End();
        (IsUsed, _isOver, _seen) = (false, false, 0);
    }

    // What is late for it is known to be.
    private void End()
    {
        _isOver = true;
        foreach (ref var shard in _shards.AsSpan())
        {
            if (shard.Data is { } data) ArrayPool<byte>.Shared.Return(data);
            shard = default;
        }
    }
}
