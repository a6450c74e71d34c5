using System.Buffers.Binary;

namespace Kcp;

/// <summary>The six bytes in front of a datagram with error correction: a sequence number and what it is, little-endian. Data is followed by its size.</summary>
internal static class FecHeader
{
    /// <summary>Number and type: where a shard begins.</summary>
    internal const int Size = 6;

    /// <summary>The size in front of the segments, which counts itself and is a part of the shard.</summary>
    internal const int SizeField = 2;

    internal const ushort Data = 0x00f1;
    internal const ushort Parity = 0x00f2;

    /// <summary>Numbers begin again here. Source: wire reference 4.4.4.</summary>
    internal const uint Modulus = uint.MaxValue / ParityCode.Shards * ParityCode.Shards;

    internal static uint NumberOf(ReadOnlySpan<byte> datagram) => BinaryPrimitives.ReadUInt32LittleEndian(datagram);

    internal static ushort TypeOf(ReadOnlySpan<byte> datagram) => BinaryPrimitives.ReadUInt16LittleEndian(datagram[4..]);

    internal static void Write(Span<byte> datagram, uint number, ushort type)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(datagram, number);
        BinaryPrimitives.WriteUInt16LittleEndian(datagram[4..], type);
    }
}
