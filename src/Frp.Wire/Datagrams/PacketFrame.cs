using System.Buffers.Binary;
using System.Buffers.Text;

namespace Frp.Wire;

/// <summary>Frames of <see cref="UDPPacket"/> and <see cref="Ping"/>, written without an object for each.</summary>
/// <remarks>The bytes are those that <see cref="IMessageCodec.Write"/> gives.</remarks>
public static class PacketFrame
{
    // The longest header, and the keys and marks around content and address.
    private const int MaxOverhead = 32;

    /// <summary>Bytes that a packet's frame takes at most.</summary>
    public static int GetMaxLength(int contentLength, int addressLength) => Base64.GetMaxEncodedToUtf8Length(contentLength) + addressLength + MaxOverhead;

    /// <summary>Writes a packet.</summary>
    /// <param name="codec">The framing.</param>
    /// <param name="content">The datagram.</param>
    /// <param name="address">The JSON of the user's address, from brace to brace; empty for none.</param>
    /// <param name="output">At least as long as <see cref="GetMaxLength"/> says.</param>
    /// <returns>Bytes written; 0 when the peer would refuse a frame of this length.</returns>
    public static int Write(IMessageCodec codec, ReadOnlySpan<byte> content, ReadOnlySpan<byte> address, Span<byte> output)
    {
        ArgumentNullException.ThrowIfNull(codec);
        int start = BodyStart(codec);
        int at = start;
        Put(output, ref at, "{"u8);
        if (!content.IsEmpty)
        {
            Put(output, ref at, "\"c\":\""u8);
            Base64.EncodeToUtf8(content, output[at..], out _, out int written);
            at += written;
            Put(output, ref at, "\""u8);
        }
        if (!address.IsEmpty)
        {
            Put(output, ref at, content.IsEmpty ? "\"r\":"u8 : ",\"r\":"u8);
            Put(output, ref at, address);
        }
        Put(output, ref at, "}"u8);
        if (at > codec.MaxMessageLength) return 0;
        WriteHeader(codec, MessageTypes.OfType<UDPPacket>(), at - start, output);
        return at;
    }

    /// <summary>Writes a <see cref="Ping"/> without proof, as payload connections have it.</summary>
    /// <inheritdoc cref="Write" path="/param[@name='codec' or @name='output']"/>
    /// <returns>Bytes written.</returns>
    public static int WritePing(IMessageCodec codec, Span<byte> output)
    {
        ArgumentNullException.ThrowIfNull(codec);
        int at = BodyStart(codec);
        Put(output, ref at, "{}"u8);
        WriteHeader(codec, MessageTypes.OfType<Ping>(), 2, output);
        return at;
    }

    /// <summary>Where the JSON begins.</summary>
    internal static int BodyStart(IMessageCodec codec) => codec.Version == WireVersion.V1 ? codec.HeaderLength : codec.HeaderLength + V2Codec.IdLength;

    /// <summary>What a frame holds, by its header.</summary>
    /// <exception cref="ProtocolViolationException">Nothing that there is.</exception>
    internal static MessageType TypeOf(IMessageCodec codec, ReadOnlySpan<byte> frame)
    {
        if (codec.Version == WireVersion.V1) return MessageTypes.FromV1(frame[0]) ?? throw new ProtocolViolationException($"unknown v1 message type 0x{frame[0]:x2}");
        ushort frameType = BinaryPrimitives.ReadUInt16BigEndian(frame);
        if (frameType != V2Codec.MessageFrame) throw new ProtocolViolationException($"unexpected v2 frame type {frameType}");
        ushort id = BinaryPrimitives.ReadUInt16BigEndian(frame[codec.HeaderLength..]);
        return MessageTypes.FromV2(id) ?? throw new ProtocolViolationException($"unknown v2 message id {id}");
    }

    private static void WriteHeader(IMessageCodec codec, MessageType type, int bodyLength, Span<byte> output)
    {
        if (codec.Version == WireVersion.V1)
        {
            output[0] = type.V1;
            BinaryPrimitives.WriteInt64BigEndian(output[1..], bodyLength);
            return;
        }
        BinaryPrimitives.WriteUInt16BigEndian(output, type.V2Frame);
        BinaryPrimitives.WriteUInt16BigEndian(output[2..], 0);
        BinaryPrimitives.WriteUInt32BigEndian(output[4..], (uint)(V2Codec.IdLength + bodyLength));
        BinaryPrimitives.WriteUInt16BigEndian(output[codec.HeaderLength..], type.V2Id);
    }

    private static void Put(Span<byte> output, ref int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(output[at..]);
        at += bytes.Length;
    }
}
