using System.Text;
using Frp.Wire;

namespace Frp.Fuzz;

/// <summary>Both hellos of v2: an odd first byte makes the rest a server's answer, an even one a client's hello.</summary>
internal sealed class HelloTarget : FuzzTarget
{
    private static readonly byte[] Random = new byte[HelloNegotiation.RandomLength];

    public override string Name => "hello";

    public override IReadOnlyList<string> Sources => ["Frp.Wire/Control/HelloNegotiation.cs", "Frp.Wire/Control/ControlKeys.cs", "Frp.Wire/Messages/HelloMessages.cs"];

    public override IReadOnlyList<string> Words =>
    [
        "{\"bootstrap\":{\"transport\":\"tcp\"},", "\"capabilities\":{\"message\":{\"codecs\":[\"json\"]},", "\"crypto\":{\"algorithms\":[\"aes-256-gcm\"],", "\"clientRandom\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"", "xchacha20-poly1305",
        "{\"selected\":{\"message\":{\"codec\":\"json\"},", "\"crypto\":{\"algorithm\":\"aes-256-gcm\",\"serverRandom\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}}", "\"error\":\"", "null", "}}}",
    ];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        if (input.IsEmpty) return;
        try
        {
            if (input.Span[0] % 2 == 0) Answer((ClientHello)MessageTypes.OfType<ClientHello>().FromJson(input.Span[1..]));
            else Accept((ServerHello)MessageTypes.OfType<ServerHello>().FromJson(input.Span[1..]));
        }
        catch (ProtocolViolationException)
        {
            // No hello at all.
        }
    }

    private static void Answer(ClientHello hello)
    {
        bool accepted = HelloNegotiation.TryAnswer(hello, out var answer, out var cipher, Random);
        FindException.Unless(accepted == (answer.Error.Length == 0), "an answer accepts and refuses");
        var heard = (ServerHello)MessageTypes.OfType<ServerHello>().FromJson(answer.Payload.Span);
        if (!accepted)
        {
            FindException.Unless(!HelloNegotiation.TryAccept(hello, heard, out _, out _), "a refusal was accepted");
            return;
        }
        FindException.Unless(HelloNegotiation.TryAccept(hello, heard, out var chosen, out string? problem) && chosen == cipher, $"a client would not accept our own answer: {problem}");
        var ours = ControlKeys.Derive("token"u8, cipher, hello, answer);
        var theirs = ControlKeys.Derive("token"u8, chosen, hello, heard);
        FindException.Unless(ours.ClientToServer.Span.SequenceEqual(theirs.ClientToServer.Span), "the two ends derive different keys");
    }

    private static void Accept(ServerHello answer)
    {
        var sent = HelloNegotiation.CreateClientHello(new HelloBootstrap { Transport = "tcp" }, Random);
        if (!HelloNegotiation.TryAccept(sent, answer, out var cipher, out string? problem))
        {
            FindException.Unless(Encoding.UTF8.GetByteCount(problem) < 2048 && problem.All(static c => c is >= ' ' and not '\x7f'), "a refusal's text is long or has control characters");
            return;
        }
        FindException.Unless(HelloNegotiation.Supported.Contains(cipher), "a cipher was accepted that we do not have");
        _ = ControlKeys.Derive("token"u8, cipher, sent, answer);
    }
}
