using System.Buffers;
using System.Buffers.Binary;

namespace Kcp;

/// <summary>Numbers datagrams, and makes three parity datagrams behind each ten.</summary>
/// <remarks>
/// Parity grows with each datagram, so none of them is kept. The buffers are rented with a group's first datagram and returned with its last.
/// Concurrency: none.
/// </remarks>
internal sealed class FecEncoder
{
    // A group that takes long has been acknowledged, or repeated, by the time its parity would come. Source: wire reference 4.4.4.
    private const int LongestPause = 500;
    private const int LongestShard = FecHeader.SizeField + DatagramPacker.MaxLength;

    private readonly byte[]?[] _parity = new byte[]?[ParityCode.ParityShards];
    private uint _next;
    private int _count;
    private int _length;
    private long _last;

    /// <summary>Writes the header of a data datagram into its first eight bytes, and takes note of it.</summary>
    /// <returns>Whether <see cref="TakeParity"/> is to be called, for the datagrams that follow this one.</returns>
    internal bool Add(Span<byte> datagram, long now)
    {
        FecHeader.Write(datagram, _next++, FecHeader.Data);
        BinaryPrimitives.WriteUInt16LittleEndian(datagram[FecHeader.Size..], (ushort)(datagram.Length - FecHeader.Size));
        var shard = datagram[FecHeader.Size..];
        if (_count > 0 && now - _last >= LongestPause) Drop();
        _last = now;
        if (_count == 0 || _parity[0] is not null) Accumulate(shard);
        if (++_count < ParityCode.DataShards) return false;
        _count = 0;
        if (_parity[0] is not null) return true;
        Skip(ParityCode.ParityShards); // or the peer would count wrong from here on
        return false;
    }

    /// <summary>Writes one of the parity datagrams, each once, in order.</summary>
    /// <param name="index">Which, from 0.</param>
    /// <param name="destination">Room for the longest datagram.</param>
    /// <returns>Its length.</returns>
    internal int TakeParity(int index, Span<byte> destination)
    {
        byte[] parity = _parity[index]!;
        FecHeader.Write(destination, _next, FecHeader.Parity);
        Skip(1);
        parity.AsSpan(0, _length).CopyTo(destination[FecHeader.Size..]);
        ArrayPool<byte>.Shared.Return(parity);
        _parity[index] = null;
        return FecHeader.Size + _length;
    }

    /// <summary>Gives the buffers back.</summary>
    internal void Drop()
    {
        for (int i = 0; i < _parity.Length; i++)
        {
            if (_parity[i] is { } parity) ArrayPool<byte>.Shared.Return(parity);
            _parity[i] = null;
        }
    }

    private void Accumulate(ReadOnlySpan<byte> shard)
    {
        if (_count == 0) _length = 0;
        _length = Math.Max(_length, shard.Length);
        for (int i = 0; i < _parity.Length; i++)
        {
            if (_count == 0)
            {
                _parity[i] = ArrayPool<byte>.Shared.Rent(LongestShard);
                _parity[i].AsSpan(0, LongestShard).Clear();
            }
            Gf256.AddProduct(shard, ParityCode.Factor(i, _count), _parity[i]);
        }
    }

    private void Skip(int count)
    {
        _next += (uint)count;
        if (_next >= FecHeader.Modulus) _next -= FecHeader.Modulus;
    }
}
