using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Frp.Wire;

/// <summary>Wire protocol v2, behind the magic.</summary>
/// <remarks>
/// <code>
/// offset size field                              all numbers big-endian
/// 0      2    frame type: 1 ClientHello, 2 ServerHello, 16 message
/// 2      2    flags, must be 0
/// 4      4    payload length, 0..65536
/// 8      n    payload: JSON in a hello; in a message id(2) and JSON
/// </code>
/// Source: docs/wire/framing-v2.md.
/// </remarks>
public sealed class V2Codec : IMessageCodec
{
    /// <summary>Payload bytes that a reader accepts. Source: the reference's reader.</summary>
    public const int MaxPayloadLength = 65536;

    internal const ushort ClientHelloFrame = 1;
    internal const ushort ServerHelloFrame = 2;
    internal const ushort MessageFrame = 16;

    private const int Header = 8;
    internal const int IdLength = 2;

    private readonly bool _hellos;

    private V2Codec(bool hellos) => _hellos = hellos;

    /// <summary>The start of a connection: hellos and messages. The client sends one ClientHello or none, the server the answer.</summary>
    public static V2Codec Bootstrap { get; } = new(hellos: true);

    /// <summary>After the first exchange: messages only, a hello is a violation.</summary>
    public static V2Codec Session { get; } = new(hellos: false);

    /// <inheritdoc/>
    public WireVersion Version => WireVersion.V2;
    /// <inheritdoc/>
    public int HeaderLength => Header;
    /// <inheritdoc/>
    public int MaxMessageLength => Header + MaxPayloadLength;

    /// <inheritdoc/>
    public int GetFrameLength(ReadOnlySpan<byte> header)
    {
        var frameType = BinaryPrimitives.ReadUInt16BigEndian(header);
        if (frameType != MessageFrame && !(_hellos && frameType is ClientHelloFrame or ServerHelloFrame))
            throw new ProtocolViolationException($"unexpected v2 frame type {frameType}");
        var flags = BinaryPrimitives.ReadUInt16BigEndian(header[2..]);
        if (flags != 0) throw new ProtocolViolationException($"v2 frame flags 0x{flags:x4} are not zero");
        var length = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        if (length > MaxPayloadLength) throw new ProtocolViolationException($"v2 payload length {length} is over {MaxPayloadLength}");
        if (frameType == MessageFrame && length < IdLength) throw new ProtocolViolationException("v2 message without id");
        return Header + (int)length;
    }

    /// <inheritdoc/>
    public Message Decode(ReadOnlySpan<byte> frame)
    {
        switch (BinaryPrimitives.ReadUInt16BigEndian(frame))
        {
            case ClientHelloFrame: return MessageTypes.OfType<ClientHello>().Decode(frame[Header..]);
            case ServerHelloFrame: return MessageTypes.OfType<ServerHello>().Decode(frame[Header..]);
        }
        var id = BinaryPrimitives.ReadUInt16BigEndian(frame[Header..]);
        var type = MessageTypes.FromV2(id) ?? throw new ProtocolViolationException($"unknown v2 message id {id}");
        return type.Decode(frame[(Header + IdLength)..]);
    }

    /// <inheritdoc/>
    public bool TryRead(ref ReadOnlySequence<byte> buffer, [NotNullWhen(true)] out Message? message) =>
        FrameScratch.TryRead(this, ref buffer, out message);

    /// <inheritdoc/>
    public void Write(IBufferWriter<byte> output, Message message)
    {
        var type = MessageTypes.Of(message);
        var isMessage = type.V2Frame == MessageFrame;
        var frame = FrameScratch.Render(message, type, isMessage ? Header + IdLength : Header);
        var length = frame.Length - Header;
        if (length > MaxPayloadLength) throw new MessageTooLongException(type.Name, length, MaxPayloadLength);
        BinaryPrimitives.WriteUInt16BigEndian(frame, type.V2Frame);
        BinaryPrimitives.WriteUInt32BigEndian(frame[4..], (uint)length);
        if (isMessage) BinaryPrimitives.WriteUInt16BigEndian(frame[Header..], type.V2Id);
        output.Write(frame);
    }
}
