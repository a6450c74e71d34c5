using Frp.Wire;

namespace Frp.Fuzz;

/// <summary>The body of a message; the first byte chooses the message. What was read is written so that it reads as the same.</summary>
internal sealed class MessageJsonTarget : FuzzTarget
{
    internal static readonly string[] Keys =
    [
        "{\"", "\":\"", "\",\"", "\"}", "null", "true", "\\u0000", "\"version\":\"", "\"privilege_key\":\"", "\"timestamp\":", "\"run_id\":\"", "\"pool_count\":", "\"metas\":{\"", "\"proxy_name\":\"", "\"proxy_type\":\"",
        "\"custom_domains\":[\"", "\"remote_port\":", "\"headers\":{", "\"client_spec\":{", "\"r\":{\"IP\":\"127.0.0.1\",\"Port\":1,\"Zone\":\"\"}", "\"c\":\"AAAA\"", "\"capabilities\":{\"message\":{\"codecs\":[\"json\"]}", "9223372036854775807", "-1", "1e5",
    ];

    public override string Name => "messages";

    public override IReadOnlyList<string> Sources => ["Frp.Wire/Messages/"];

    public override IReadOnlyList<string> Words => Keys;

    public override void Run(ReadOnlyMemory<byte> input)
    {
        if (input.IsEmpty) return;
        var type = MessageTypes.All[input.Span[0] % MessageTypes.All.Count];
        Message message;
        try
        {
            message = type.FromJson(input.Span[1..]);
        }
        catch (ProtocolViolationException e)
        {
            FindException.Unless(e.Message.All(static c => c is >= ' ' and not '\x7f'), "a refusal's text has control characters");
            return;
        }
        FindException.Unless(message.GetType() == type.Type, "another type came out than was asked for");
        string written = type.ToJson(message).ToJsonString();
        string again = type.ToJson(type.FromJson(System.Text.Encoding.UTF8.GetBytes(written))).ToJsonString();
        FindException.UnlessEqual(written, again, $"a {type.Name} written and read again");
        if (message is Login or NewProxy or Ping or NewWorkConn or NewVisitorConn) Codecs.Text(V1Codec.Instance, message);
        Codecs.Text(V2Codec.Bootstrap, message);
    }
}
