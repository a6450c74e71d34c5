using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Frp.Wire;

/// <summary>One framing of messages: pure functions between bytes and records, without state and without I/O.</summary>
/// <remarks>
/// <b>Concurrency.</b> Codecs are stateless and shared. <b>Errors.</b> Reading throws <see cref="ProtocolViolationException"/>
/// as soon as the bytes at hand show that no valid message can follow, before anything is allocated for it; writing throws
/// <see cref="MessageTooLongException"/>.
/// </remarks>
public interface IMessageCodec
{
    /// <summary>The framing's name.</summary>
    WireVersion Version { get; }

    /// <summary>Bytes after which a frame's length is known.</summary>
    int HeaderLength { get; }

    /// <summary>Bytes of the longest frame, header included.</summary>
    int MaxMessageLength { get; }

    /// <summary>Length of the frame that begins with these <see cref="HeaderLength"/> bytes, header included.</summary>
    int GetFrameLength(ReadOnlySpan<byte> header);

    /// <summary>The message in exactly one frame.</summary>
    Message Decode(ReadOnlySpan<byte> frame);

    /// <summary>Takes one message off the front of the buffer; false, and the buffer as it was, while it is incomplete.</summary>
    bool TryRead(ref ReadOnlySequence<byte> buffer, [NotNullWhen(true)] out Message? message);

    /// <summary>Appends one message.</summary>
    void Write(IBufferWriter<byte> output, Message message);
}
