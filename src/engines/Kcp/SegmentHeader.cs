using System.Buffers.Binary;

namespace Kcp;

/// <summary>What a segment is for.</summary>
internal enum SegmentCommand : byte
{
    /// <summary>Payload.</summary>
    Push = 81,
    /// <summary>A payload segment has arrived.</summary>
    Ack = 82,
    /// <summary>How large is your window?</summary>
    AskWindow = 83,
    /// <summary>So large is our window.</summary>
    TellWindow = 84,
}

/// <summary>The 24 bytes before a segment's payload, little-endian.</summary>
/// <param name="Conversation">Whose segment it is.</param>
/// <param name="Command">What it is for.</param>
/// <param name="Fragment">0: in stream mode segments are nothing but pieces of the stream.</param>
/// <param name="Window">Segments that the sender has room for.</param>
/// <param name="Timestamp">The sender's clock in ms; an acknowledgement repeats the payload segment's.</param>
/// <param name="Number">Counts payload segments from 0.</param>
/// <param name="Expected">The number that the sender waits for: everything before has arrived.</param>
/// <param name="Length">Payload bytes.</param>
internal readonly record struct SegmentHeader(
    uint Conversation, SegmentCommand Command, byte Fragment, ushort Window, uint Timestamp, uint Number, uint Expected, uint Length)
{
    internal const int Size = 24;

    internal static SegmentHeader Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(source),
        (SegmentCommand)source[4],
        source[5],
        BinaryPrimitives.ReadUInt16LittleEndian(source[6..]),
        BinaryPrimitives.ReadUInt32LittleEndian(source[8..]),
        BinaryPrimitives.ReadUInt32LittleEndian(source[12..]),
        BinaryPrimitives.ReadUInt32LittleEndian(source[16..]),
        BinaryPrimitives.ReadUInt32LittleEndian(source[20..Size]));

    internal void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Conversation);
        destination[4] = (byte)Command;
        destination[5] = Fragment;
        BinaryPrimitives.WriteUInt16LittleEndian(destination[6..], Window);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], Timestamp);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], Number);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[16..], Expected);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[20..Size], Length);
    }

    /// <summary>How far a number lies behind another on the circle of 32-bit numbers; negative when it lies before it.</summary>
    internal static int Distance(uint from, uint to) => unchecked((int)(to - from));
}
