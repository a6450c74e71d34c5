using System.Runtime.InteropServices;
using Frp.Wire;

namespace Frp.Fuzz;

/// <summary>Text of peers on its way into the log: any UTF-16, whole or broken. The first byte is the longest length.</summary>
internal sealed class PeerTextTarget : FuzzTarget
{
    public override string Name => "peer-text";

    public override IReadOnlyList<string> Sources => ["Frp.Wire/PeerText.cs"];

    public override int MaxLength => 256;

    public override IReadOnlyList<string> Words => ["\0\xd8", "\0\xdc", "\x1b\0[\0", "\n\0", "\x2e\x20", "\xff\xff"];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        if (input.IsEmpty) return;
        int limit = input.Span[0];
        string text = new(MemoryMarshal.Cast<byte, char>(input.Span[1..]));
        string escaped = PeerText.Escape(text, limit);
        FindException.Unless(escaped.Length <= limit + "...".Length, $"{escaped.Length} characters where {limit} were allowed");
        for (int i = 0; i < escaped.Length; i++)
        {
            FindException.Unless(!char.IsControl(escaped[i]) && escaped[i] is not ('\u2028' or '\u2029'), "a control character in the log");
            if (char.IsHighSurrogate(escaped[i]) && i + 1 < escaped.Length && char.IsLowSurrogate(escaped[i + 1])) i++;
            else FindException.Unless(!char.IsSurrogate(escaped[i]), "half a character in the log");
        }
        if (text.All(static c => c is >= ' ' and <= '~' and not '\\') && text.Length <= limit) FindException.UnlessEqual(text, escaped, "plain text");
    }
}
