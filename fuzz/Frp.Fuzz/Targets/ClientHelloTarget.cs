using System.Text;
using Frp.Server;
using Frp.Transport;

namespace Frp.Fuzz;

/// <summary>The server name in a TLS ClientHello. A prefix of what is complete is complete with the same name or wants more.</summary>
internal sealed class ClientHelloTarget : FuzzTarget
{
    public override string Name => "client-hello";

    public override IReadOnlyList<string> Sources => ["Frp.Transport/Tls/TlsClientHello.cs"];

    public override IReadOnlyList<string> Words => ["\x16\x03\x01", "\x16\x03\x03\0\x01", "\x01\0\0", "\x03\x03", "\0\x02\x13\x01\x01\0", "\0\0\0\x08\0\x06\0\0\x03abc", "\0\0\0\x0e\0\x0c\0\0\x09localhost", "\x40\0", "\x40\x01"];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        var state = TlsClientHello.Read(input.Span, out string? name);
        Check(state, name, input.Length);
        int step = Math.Max(1, input.Length / 23);
        for (int length = input.Length % step; length < input.Length; length += step)
        {
            var part = TlsClientHello.Read(input.Span[..length], out string? partName);
            Check(part, partName, length);
            if (part == TlsClientHelloState.Partial) continue;
            // Whether the first bytes are a hello cannot depend on what follows.
            FindException.UnlessEqual($"{part} {partName}", $"{state} {name}", $"the verdict on {length} bytes and on all");
            break;
        }
    }

    private static void Check(TlsClientHelloState state, string? name, int length)
    {
        FindException.Unless((state == TlsClientHelloState.Complete) == (name is not null), $"{state} with the name {name}");
        FindException.Unless(state != TlsClientHelloState.Partial || length < TlsClientHello.MaxLength, "wants more than the longest hello has");
        if (name is not { Length: > 0 }) return;
        FindException.Unless(!name.Any(char.IsAsciiLetterUpper), "a name that is not folded");
        FindException.Unless(Encoding.UTF8.GetByteCount(name) <= 3 * length, "a name longer than what it came from");
        _ = HostRoutes.Fold(name);
    }
}
