using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;

namespace Frp.Wire.Tests;

internal static class Frames
{
    internal static byte[] Encode(this IMessageCodec codec, params IEnumerable<Message> messages)
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var message in messages) codec.Write(output, message);
        return output.WrittenSpan.ToArray();
    }

    internal static Message Decode(this IMessageCodec codec, byte[] frame)
    {
        var buffer = new ReadOnlySequence<byte>(frame);
        Assert.True(codec.TryRead(ref buffer, out var message), "the frame is incomplete");
        Assert.True(buffer.IsEmpty, "bytes are left behind the frame");
        return message;
    }

    internal static byte[] V1(char type, string json)
    {
        var body = Encoding.UTF8.GetBytes(json);
        return [(byte)type, 0, 0, 0, 0, 0, 0, (byte)(body.Length >> 8), (byte)body.Length, .. body];
    }

    /// <summary>The JSON that a message becomes.</summary>
    internal static string Json(Message message)
    {
        var codec = V2Codec.Bootstrap;
        var frame = codec.Encode(message);
        return Encoding.UTF8.GetString(frame.AsSpan(MessageTypes.Of(message).V2Id == 0 ? 8 : 10));
    }

    internal static void AssertSame(JsonNode? expected, Message actual) =>
        Assert.True(JsonNode.DeepEquals(expected, JsonNode.Parse(Json(actual))), $"{expected?.ToJsonString()} expected, {Json(actual)} found");

    /// <summary>A sequence of one segment per piece.</summary>
    internal static ReadOnlySequence<byte> Segmented(byte[] data, params int[] lengths)
    {
        Segment? first = null, last = null;
        for (int at = 0, i = 0; at < data.Length; i++)
        {
            var length = Math.Min(Math.Max(1, lengths[i % lengths.Length]), data.Length - at);
            last = new Segment(data.AsMemory(at, length), last);
            first ??= last;
            at += length;
        }
        return first is null ? default : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        internal Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            if (before is null) return;
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
