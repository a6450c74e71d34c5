using Frp.Transport;

namespace Frp.Fuzz;

/// <summary>A STUN server's answers. The id of the question is the one in the input, so that what is behind it is reached.</summary>
internal sealed class StunTarget : FuzzTarget
{
    public override string Name => "stun";

    public override IReadOnlyList<string> Sources => ["Frp.Transport/Traversal/StunMessage.cs"];

    public override int MaxLength => 256;

    public override IReadOnlyList<string> Words => ["\x01\x01", "\x01\x11", "\x21\x12\xa4\x42", "\0\x20\0\x08\0\x01", "\0\x01\0\x08\0\x01", "\x80\x2c\0\x08\0\x01", "\0\x05\0\x08\0\x01", "\x80\x22\0\x05"];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        if (input.Length < StunMessage.HeaderSize) return;
        var id = input.Span.Slice(8, StunMessage.IdSize);
        if (!StunMessage.TryReadAnswer(input.Span, id, out var answer)) return;
        FindException.Unless(!answer.IsError || answer is { Mapped: null, Other: null }, "an error with addresses");
        // Whatever follows the length that the header tells is none of the answer's.
        int length = StunMessage.HeaderSize + (input.Span[2] << 8 | input.Span[3]);
        FindException.Unless(StunMessage.TryReadAnswer(input.Span[..length], id, out var alone) && Equals(answer, alone), "bytes behind the answer count");
    }
}
