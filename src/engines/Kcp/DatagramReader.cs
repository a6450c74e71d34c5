using System.Buffers.Binary;

namespace Kcp;

/// <summary>What can be told of a datagram before it is known whose it is.</summary>
internal static class DatagramReader
{
    /// <summary>The shard of a data datagram: its size and its segments.</summary>
    internal static bool TryGetShard(ReadOnlySpan<byte> datagram, out ReadOnlySpan<byte> shard)
    {
        shard = default;
        if (datagram.Length < FecHeader.Size + FecHeader.SizeField) return false;
        int size = BinaryPrimitives.ReadUInt16LittleEndian(datagram[FecHeader.Size..]);
        if (size < FecHeader.SizeField || size > datagram.Length - FecHeader.Size) return false;
        shard = datagram.Slice(FecHeader.Size, size);
        return true;
    }

    /// <summary>The header of the first segment; not of parity, which has none.</summary>
    internal static bool TryGetFirst(ReadOnlySpan<byte> datagram, out SegmentHeader first)
    {
        first = default;
        if (datagram.Length < SegmentHeader.Size) return false;
        ushort type = FecHeader.TypeOf(datagram);
        if (type == FecHeader.Parity) return false;
        if (type == FecHeader.Data)
        {
            if (!TryGetShard(datagram, out var shard)) return false;
            datagram = shard[FecHeader.SizeField..];
            if (datagram.Length < SegmentHeader.Size) return false;
        }
        first = SegmentHeader.Read(datagram);
        return true;
    }
}
