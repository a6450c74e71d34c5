using Frp.Transport;

namespace Frp.Fuzz;

/// <summary>A logical connection's opening: the magic of v2 or nothing, then messages until the end.</summary>
internal sealed class OpeningTarget : FuzzTarget
{
    public override string Name => "opening";

    public override IReadOnlyList<string> Sources => ["Frp.Transport/Control/OpeningExchange.cs", "Frp.Wire/Framing/WireVersion.cs", "Frp.Wire/MessageStream.cs", "Frp.Wire/PooledReadBuffer.cs", "Frp.Wire/Layers/PrefixedStream.cs"];

    public override IReadOnlyList<string> Words => ["FRP\0\x02\r\n", "\0\x10\0\0\0\0\0\x04\0\x07{}", "h\0\0\0\0\0\0\0\x02{}", "{\"run_id\":\"", "\"}"];

    public override void Run(ReadOnlyMemory<byte> input) => Now.ForAnyPieces(input, static feed =>
    {
        string log = "";
        try
        {
            var messages = Now.Of(OpeningExchange.AcceptAsync(feed, CancellationToken.None));
            log += messages.Codec.Version;
            while (true) log += Codecs.Text(messages.Codec, Now.Of(messages.ReadAsync(CancellationToken.None)));
        }
        catch (Exception e) when (e is EndOfStreamException or ProtocolViolationException)
        {
            return $"{log} {e.GetType().Name} {e.Message}";
        }
    }, static _ => false);
}
