using System.Buffers.Binary;

namespace Yamux;

/// <summary>What a frame carries.</summary>
internal enum FrameType : byte
{
    /// <summary>Payload of a stream; the length field counts the bytes that follow.</summary>
    Data = 0,

    /// <summary>Credit for a stream; the length field is the increment, nothing follows.</summary>
    WindowUpdate = 1,

    /// <summary>Liveness and round trip; the length field is an opaque value, the stream id is 0.</summary>
    Ping = 2,

    /// <summary>End of the session; the length field is the code, the stream id is 0.</summary>
    GoAway = 3,
}

/// <summary>Stream transitions a frame carries along. Bits above these four are ignored, as the reference ignores them.</summary>
[Flags]
internal enum FrameFlags : ushort
{
    None = 0,
    Syn = 1,
    Ack = 2,
    Fin = 4,
    Rst = 8,
}

/// <summary>The head of every yamux frame.</summary>
/// <remarks>
/// Layout (12 bytes, big-endian; source: docs/wire/yamux.md):
/// <code>
/// 0  1  version   always 0
/// 1  1  type      0 Data, 1 WindowUpdate, 2 Ping, 3 GoAway
/// 2  2  flags     SYN 1, ACK 2, FIN 4, RST 8
/// 4  4  streamID  0 for Ping and GoAway
/// 8  4  length    payload bytes, increment, opaque value or code, by type
/// </code>
/// </remarks>
internal readonly record struct FrameHeader(FrameType Type, FrameFlags Flags, uint StreamId, uint Length)
{
    /// <summary>Bytes of a header.</summary>
    public const int Size = 12;

    /// <summary>Whether the frame carries the flag.</summary>
    public bool Has(FrameFlags flag) => (Flags & flag) == flag;

    /// <summary>Writes the header into the first <see cref="Size"/> bytes of <paramref name="destination"/>.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, ((uint)Type << 16) | (uint)Flags);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], StreamId);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], Length);
    }

    /// <summary>Reads a header from the first <see cref="Size"/> bytes; false when the version or the type is unknown, which ends a session.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out FrameHeader header)
    {
        uint head = BinaryPrimitives.ReadUInt32BigEndian(source);
        header = new FrameHeader(
            (FrameType)((head >> 16) & 0xff),
            (FrameFlags)(head & 0xffff),
            BinaryPrimitives.ReadUInt32BigEndian(source[4..]),
            BinaryPrimitives.ReadUInt32BigEndian(source[8..]));
        return head >> 16 <= (uint)FrameType.GoAway; // the version byte is the top one: any value but 0 fails too
    }
}
