using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Frp.Wire;

/// <summary>One line of the message table: what a message is called in each framing.</summary>
public sealed class MessageType
{
    internal MessageType(Type type, byte v1, ushort v2Frame, ushort v2Id)
    {
        Type = type;
        V1 = v1;
        V2Frame = v2Frame;
        V2Id = v2Id;
    }

    /// <summary>The record.</summary>
    public Type Type { get; }
    /// <summary>Name on the wire and in logs.</summary>
    public string Name => Type.Name;
    /// <summary>Type byte in v1; 0 for the hellos, which v1 does not have.</summary>
    public byte V1 { get; }
    /// <summary>Frame type in v2.</summary>
    public ushort V2Frame { get; }
    /// <summary>Message id inside a v2 frame of type 16; 0 for the hellos, which are frames of their own.</summary>
    public ushort V2Id { get; }

    // When it is first needed: most of the table never is, and a description takes longer to build than a message to send.
    internal JsonTypeInfo Json => field ??= MessageJson.Options.GetTypeInfo(Type);

    /// <summary>A message's members, for who speaks the same dialect in another frame: server plug-ins.</summary>
    public JsonObject ToJson(Message message) => (JsonObject)JsonSerializer.SerializeToNode(message, Json)!;

    /// <summary>The message with these members; what is absent has its default.</summary>
    /// <param name="json">An object, UTF-8. Unknown members are skipped.</param>
    /// <exception cref="ProtocolViolationException">It is none, or a member has the wrong type.</exception>
    public Message FromJson(ReadOnlySpan<byte> json) => Decode(json);

    internal Message Decode(ReadOnlySpan<byte> json)
    {
        if (Type == typeof(UDPPacket) && UdpPacketJson.TryRead(json) is { } packet) return packet;
        var message = Parse(json);
        switch (message)
        {
            case ClientHello hello: hello.Payload = json.ToArray(); break;
            case ServerHello hello: hello.Payload = json.ToArray(); break;
        }
        return message;
    }

    private Message Parse(ReadOnlySpan<byte> json)
    {
        string problem;
        try
        {
            // Compat: the reference takes a bare null for an empty message.
            return (Message?)JsonSerializer.Deserialize(json, Json) ?? (Message)Json.CreateObject!();
        }
        catch (JsonException e)
        {
            problem = e.Message;
        }
        // The parser's text can quote the peer's map keys; its exception stays behind for the same reason.
        throw new ProtocolViolationException($"malformed {Name}: {PeerText.Escape(problem, 300)}");
    }
}

/// <summary>The table that binds a message record to its v1 byte, its v2 id and its JSON shape. The only place that does.</summary>
/// <remarks>Source: docs/wire/messages.md.</remarks>
public static class MessageTypes
{
    /// <summary>All messages.</summary>
    public static IReadOnlyList<MessageType> All => Table;

    private static readonly MessageType[] Table =
    [
        Bind<Login>('o', 1),
        Bind<LoginResp>('1', 2),
        Bind<NewProxy>('p', 3),
        Bind<NewProxyResp>('2', 4),
        Bind<CloseProxy>('c', 5),
        Bind<NewWorkConn>('w', 6),
        Bind<ReqWorkConn>('r', 7),
        Bind<StartWorkConn>('s', 8),
        Bind<NewVisitorConn>('v', 9),
        Bind<NewVisitorConnResp>('3', 10),
        Bind<Ping>('h', 11),
        Bind<Pong>('4', 12),
        Bind<UDPPacket>('u', 13),
        Bind<NatHoleVisitor>('i', 14),
        Bind<NatHoleClient>('n', 15),
        Bind<NatHoleResp>('m', 16),
        Bind<NatHoleSid>('5', 17),
        Bind<NatHoleReport>('6', 18),
        new(typeof(ClientHello), 0, V2Codec.ClientHelloFrame, 0),
        new(typeof(ServerHello), 0, V2Codec.ServerHelloFrame, 0),
    ];

    private static readonly Dictionary<Type, MessageType> ByClrType = Table.ToDictionary(t => t.Type);
    private static readonly MessageType?[] ByV1 = Index(256, t => t.V1);
    private static readonly MessageType?[] ByV2 = Index(Table.Max(t => t.V2Id) + 1, t => t.V2Id);

    /// <summary>The line of a message.</summary>
    public static MessageType Of(Message message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return ByClrType[message.GetType()];
    }

    /// <summary>The line of a v1 type byte; null when there is none.</summary>
    public static MessageType? FromV1(byte type) => ByV1[type];

    /// <summary>The line of a v2 message id; null when there is none.</summary>
    public static MessageType? FromV2(ushort id) => id < ByV2.Length ? ByV2[id] : null;

    /// <summary>The line of a record; the same table by its static type.</summary>
    public static MessageType OfType<T>() where T : Message => ByClrType[typeof(T)];

    private static MessageType Bind<T>(char v1, ushort v2) where T : Message => new(typeof(T), (byte)v1, V2Codec.MessageFrame, v2);

    private static MessageType?[] Index(int length, Func<MessageType, int> key)
    {
        var index = new MessageType?[length];
        foreach (var type in Table)
        {
            if (key(type) is > 0 and var k) index[k] = type;
        }
        return index;
    }
}
