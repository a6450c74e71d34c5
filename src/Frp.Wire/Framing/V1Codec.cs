using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Frp.Wire;

/// <summary>Wire protocol v1.</summary>
/// <remarks>
/// <code>
/// offset size field
/// 0      1    type byte, ASCII (MessageTypes)
/// 1      8    length, signed, big-endian: number of JSON bytes, 0..10240
/// 9      n    JSON object, UTF-8
/// </code>
/// Source: docs/wire/framing-v1.md.
/// </remarks>
public sealed class V1Codec : IMessageCodec
{
    /// <summary>JSON bytes that a reader accepts. Source: the reference's reader.</summary>
    public const int MaxBodyLength = 10240;

    private const int Header = 9;

    private V1Codec() { }

    /// <summary>The codec.</summary>
    public static V1Codec Instance { get; } = new();

    /// <inheritdoc/>
    public WireVersion Version => WireVersion.V1;
    /// <inheritdoc/>
    public int HeaderLength => Header;
    /// <inheritdoc/>
    public int MaxMessageLength => Header + MaxBodyLength;

    /// <inheritdoc/>
    public int GetFrameLength(ReadOnlySpan<byte> header)
    {
        TypeOf(header);
        var length = BinaryPrimitives.ReadInt64BigEndian(header[1..]);
        if (length is < 0 or > MaxBodyLength)
            throw new ProtocolViolationException($"v1 message length {length} is not in 0..{MaxBodyLength}");
        return Header + (int)length;
    }

    /// <inheritdoc/>
    public Message Decode(ReadOnlySpan<byte> frame) => TypeOf(frame).Decode(frame[Header..]);

    /// <inheritdoc/>
    public bool TryRead(ref ReadOnlySequence<byte> buffer, [NotNullWhen(true)] out Message? message)
    {
        // One byte is enough to refuse what is not frp at all.
        if (!buffer.IsEmpty) TypeOf(buffer.FirstSpan.IsEmpty ? buffer.Slice(0, 1).ToArray() : buffer.FirstSpan);
        return FrameScratch.TryRead(this, ref buffer, out message);
    }

    /// <inheritdoc/>
    public void Write(IBufferWriter<byte> output, Message message)
    {
        var type = MessageTypes.Of(message);
        if (type.V1 == 0) throw new ArgumentException($"{type.Name} does not exist in v1", nameof(message));
        var frame = FrameScratch.Render(message, type, Header);
        var length = frame.Length - Header;
        if (length > MaxBodyLength) throw new MessageTooLongException(type.Name, length, MaxBodyLength);
        frame[0] = type.V1;
        BinaryPrimitives.WriteInt64BigEndian(frame[1..], length);
        output.Write(frame);
    }

    private static MessageType TypeOf(ReadOnlySpan<byte> frame) =>
        MessageTypes.FromV1(frame[0]) ?? throw new ProtocolViolationException($"unknown v1 message type 0x{frame[0]:x2}");
}
