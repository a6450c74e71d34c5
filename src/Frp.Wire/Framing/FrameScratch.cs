using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Frp.Wire;

/// <summary>A thread's workbench for framing: JSON is rendered here first, since its length stands before it on the wire.</summary>
internal static class FrameScratch
{
    private const int InitialCapacity = 1024;
    // Longer renderings exceed every framing's limit or nearly so; their memory is not kept.
    private const int KeptCapacity = 64 * 1024;

    [ThreadStatic] private static ArrayBufferWriter<byte>? _bytes;
    [ThreadStatic] private static Utf8JsonWriter? _json;

    /// <summary>The message's JSON after <paramref name="headerLength"/> bytes left for the caller. Valid until the thread's next call.</summary>
    internal static Span<byte> Render(Message message, MessageType type, int headerLength)
    {
        if (_bytes is not { Capacity: <= KeptCapacity } bytes) _bytes = bytes = new ArrayBufferWriter<byte>(InitialCapacity);
        bytes.ResetWrittenCount();
        bytes.GetSpan(headerLength)[..headerLength].Clear();
        bytes.Advance(headerLength);
        var payload = message switch
        {
            ClientHello hello => hello.Payload,
            ServerHello hello => hello.Payload,
            _ => default,
        };
        if (!payload.IsEmpty) bytes.Write(payload.Span);
        else if (message is not UDPPacket packet || !UdpPacketJson.TryWrite(bytes, packet))
        {
            var json = _json ??= new Utf8JsonWriter(bytes, MessageJson.WriterOptions);
            json.Reset(bytes);
            JsonSerializer.Serialize(json, message, type.Json);
            json.Flush();
        }
        return MemoryMarshal.AsMemory(bytes.WrittenMemory).Span;
    }

    /// <summary>The generic reading of one frame out of a possibly segmented buffer.</summary>
    internal static bool TryRead(IMessageCodec codec, ref ReadOnlySequence<byte> buffer, [NotNullWhen(true)] out Message? message)
    {
        message = null;
        if (buffer.Length < codec.HeaderLength) return false;
        Span<byte> header = stackalloc byte[codec.HeaderLength];
        buffer.Slice(0, header.Length).CopyTo(header);
        var length = codec.GetFrameLength(header);
        if (buffer.Length < length) return false;
        var frame = buffer.Slice(0, length);
        if (frame.IsSingleSegment) message = codec.Decode(frame.FirstSpan);
        else
        {
            var copy = ArrayPool<byte>.Shared.Rent(length);
            try
            {
                frame.CopyTo(copy);
                message = codec.Decode(copy.AsSpan(0, length));
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(copy);
            }
        }
        buffer = buffer.Slice(length);
        return true;
    }
}
