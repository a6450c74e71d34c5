using System.Buffers;
using Frp.Wire;

namespace Frp.Fuzz;

/// <summary>Frames of one wire version: any cut gives the same messages, and what was read is read again when we write it.</summary>
internal sealed class CodecTarget(string name, IMessageCodec codec) : FuzzTarget
{
    public override string Name => name;

    public override IReadOnlyList<string> Sources => [$"Frp.Wire/Framing/{name.ToUpperInvariant()}Codec.cs", "Frp.Wire/Framing/FrameScratch.cs", "Frp.Wire/MessageStream.cs", "Frp.Wire/PooledReadBuffer.cs", "Frp.Wire/Messages/MessageTypes.cs"];

    public override int MaxLength => 12 * 1024;

    public override IReadOnlyList<string> Words => [.. MessageJsonTarget.Keys, "\0\0\0\0\0\0\x28\0", "\0\0\0\0\0\0\x28\x01", "\0\x10\0\0\0\x01\0\0", "\0\x10\0\0\0\0\0\x04\0", "\0\x01\0\0\0\0\0", "\0\x02\0\0\0\0\0"];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        string streamed = Now.ForAnyPieces(input, ReadStream, static _ => false);
        FindException.UnlessEqual(streamed, ReadSequence(input), "what a stream and a sequence of two segments read");
    }

    private string ReadStream(Feed feed)
    {
        var messages = new MessageStream(feed, codec);
        string log = "";
        try
        {
            while (true) log += Codecs.Text(codec, Now.Of(messages.ReadAsync(CancellationToken.None)));
        }
        catch (EndOfStreamException)
        {
            return $"{log} end";
        }
        catch (ProtocolViolationException e)
        {
            // Where a stream ends inside a message a sequence waits for the rest.
            return e.Message == "the connection ended inside a message" ? $"{log} end" : $"{log} {e.Message}";
        }
    }

    private string ReadSequence(ReadOnlyMemory<byte> input)
    {
        int cut = input.Length / 3;
        var first = new Segment(input[..cut], null);
        var second = new Segment(input[cut..], first);
        var rest = new ReadOnlySequence<byte>(first, 0, second, second.Memory.Length);
        string log = "";
        try
        {
            while (codec.TryRead(ref rest, out var message)) log += Codecs.Text(codec, message);
            return $"{log} end";
        }
        catch (ProtocolViolationException e)
        {
            // The stream looks at a type only with its whole header, the sequence at the first byte.
            return rest.Length < codec.HeaderLength ? $"{log} end" : $"{log} {e.Message}";
        }
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

/// <summary>What codecs must do with every message.</summary>
internal static class Codecs
{
    /// <summary>The message as we write it, which must read as the same message again.</summary>
    internal static string Text(IMessageCodec codec, Message message)
    {
        var output = new ArrayBufferWriter<byte>();
        try
        {
            codec.Write(output, message);
        }
        catch (MessageTooLongException)
        {
            return $"[{MessageTypes.Of(message).Name}, too long to write]"; // JSON that we write can be longer than what came
        }
        FindException.Unless(output.WrittenCount <= codec.MaxMessageLength, "a message over the limit was written");
        FindException.Unless(codec.GetFrameLength(output.WrittenSpan[..codec.HeaderLength]) == output.WrittenCount, "a written frame has another length than its header says");
        var again = new ArrayBufferWriter<byte>();
        codec.Write(again, codec.Decode(output.WrittenSpan));
        FindException.Unless(again.WrittenSpan.SequenceEqual(output.WrittenSpan), "a written message reads as another one");
        return Convert.ToHexString(output.WrittenSpan);
    }
}
