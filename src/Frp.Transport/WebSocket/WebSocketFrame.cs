using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Frp.Transport;

/// <summary>What a frame carries.</summary>
internal enum WebSocketOpcode : byte
{
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xA,
}

/// <summary>The head of a WebSocket frame.</summary>
/// <remarks>
/// <para><b>Layout.</b> Big-endian:</para>
/// <code>
///  0               1               2               3
///  7 6 5 4 3 2 1 0 7 6 5 4 3 2 1 0
/// +-+-+-+-+-------+-+-------------+-------------------------------+
/// |F|R|R|R| opcode|M| Payload len |    Extended payload length    |
/// |I|S|S|S|  (4)  |A|     (7)     |             (16/64)           |
/// |N|V|V|V|       |S|             |   (if payload len==126/127)   |
/// | |1|2|3|       |K|             |                               |
/// +-+-+-+-+-------+-+-------------+-------------------------------+
/// |  Masking-key, if MASK set to 1 (32)  |  payload, octet i XORed |
/// |                                      |  with key octet i mod 4 |
/// +--------------------------------------+-------------------------+
/// </code>
/// <para><b>Source.</b> RFC 6455 section 5.2, 5.3.</para>
/// </remarks>
internal readonly record struct WebSocketFrame
{
    /// <summary>The longest head: 2 + 8 + 4.</summary>
    internal const int MaxHeadSize = 14;

    /// <summary>The longest payload of a control frame.</summary>
    internal const int MaxControlPayload = 125;

    private const int Short16 = 126;
    private const int Long64 = 127;

    internal bool IsFinal { get; private init; }

    internal bool HasReservedBits { get; private init; }

    internal WebSocketOpcode Opcode { get; private init; }

    internal bool IsMasked { get; private init; }

    /// <summary>Four octets, the first in the lowest byte.</summary>
    internal uint MaskKey { get; private init; }

    /// <summary>Bytes of payload; negative when the peer set the top bit, which is forbidden.</summary>
    internal long PayloadLength { get; private init; }

    /// <summary>Bytes of the head itself.</summary>
    internal int HeadSize { get; private init; }

    internal bool IsControl => ((byte)Opcode & 0x8) != 0;

    /// <summary>Parses a head.</summary>
    /// <returns>False when it is not all there. Any two bytes are a valid start: what they mean is judged by the caller.</returns>
    internal static bool TryRead(ReadOnlySpan<byte> bytes, out WebSocketFrame frame)
    {
        frame = default;
        if (bytes.Length < 2) return false;
        var isMasked = (bytes[1] & 0x80) != 0;
        var shortLength = bytes[1] & 0x7F;
        var lengthSize = shortLength switch { Short16 => 2, Long64 => 8, _ => 0 };
        var headSize = 2 + lengthSize + (isMasked ? 4 : 0);
        if (bytes.Length < headSize) return false;
        frame = new WebSocketFrame
        {
            IsFinal = (bytes[0] & 0x80) != 0,
            HasReservedBits = (bytes[0] & 0x70) != 0,
            Opcode = (WebSocketOpcode)(bytes[0] & 0x0F),
            IsMasked = isMasked,
            PayloadLength = shortLength switch
            {
                Short16 => BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]),
                Long64 => BinaryPrimitives.ReadInt64BigEndian(bytes[2..]),
                _ => shortLength,
            },
            MaskKey = isMasked ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[(2 + lengthSize)..]) : 0,
            HeadSize = headSize,
        };
        return true;
    }

    /// <summary>The size of the head that <see cref="WriteHead"/> writes.</summary>
    internal static int HeadSizeFor(long payloadLength, bool masked) =>
        (payloadLength <= MaxControlPayload ? 2 : payloadLength <= ushort.MaxValue ? 4 : 10) + (masked ? 4 : 0);

    /// <summary>Writes the head of an unfragmented frame, with the length in its shortest form.</summary>
    /// <returns>Its size.</returns>
    internal static int WriteHead(Span<byte> destination, WebSocketOpcode opcode, long payloadLength, uint? maskKey)
    {
        destination[0] = (byte)(0x80 | (byte)opcode);
        var maskBit = maskKey is null ? 0 : 0x80;
        int size;
        if (payloadLength <= MaxControlPayload)
        {
            destination[1] = (byte)(maskBit | (int)payloadLength);
            size = 2;
        }
        else if (payloadLength <= ushort.MaxValue)
        {
            destination[1] = (byte)(maskBit | Short16);
            BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)payloadLength);
            size = 4;
        }
        else
        {
            destination[1] = (byte)(maskBit | Long64);
            BinaryPrimitives.WriteInt64BigEndian(destination[2..], payloadLength);
            size = 10;
        }
        if (maskKey is { } key)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(destination[size..], key);
            size += 4;
        }
        return size;
    }

    /// <summary>Masks or unmasks in place.</summary>
    /// <param name="data">A piece of a payload.</param>
    /// <param name="key">The frame's key.</param>
    /// <param name="offset">Where in the payload the piece starts.</param>
    internal static void Mask(Span<byte> data, uint key, long offset)
    {
        if (key == 0) return;
        // The key as it applies from this offset on; octet 0 is the lowest byte.
        var rotated = BitOperations.RotateRight(key, 8 * (int)(offset & 3));
        var position = 0;
        if (Vector.IsHardwareAccelerated && data.Length >= Vector<byte>.Count)
        {
            var inMemoryOrder = BitConverter.IsLittleEndian ? rotated : BinaryPrimitives.ReverseEndianness(rotated);
            var pattern = Vector.AsVectorByte(new Vector<uint>(inMemoryOrder));
            var blocks = MemoryMarshal.Cast<byte, Vector<byte>>(data);
            for (var i = 0; i < blocks.Length; i++) blocks[i] ^= pattern;
            position = blocks.Length * Vector<byte>.Count; // a multiple of four: the key applies from its first octet again
        }
        for (; position < data.Length; position++) data[position] ^= (byte)(rotated >> (8 * (position & 3)));
    }
}
