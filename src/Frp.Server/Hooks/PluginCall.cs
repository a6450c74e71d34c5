using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Frp.Proxies;
using Frp.Wire;

namespace Frp.Server;

/// <summary>An event as an HTTP plug-in is asked about it, and what it has made of it.</summary>
/// <remarks>Source: wire specification §19.2, §19.3; http-api specification §8.</remarks>
internal static class PluginCall
{
    internal const string Version = "0.1.0";

    /// <summary>The body of a request, UTF-8.</summary>
    internal static byte[] Request(ServerEvent serverEvent)
    {
        var body = new JsonObject { ["version"] = Version, ["op"] = serverEvent.Operation.ToString(), ["content"] = Content(serverEvent) };
        return JsonSerializer.SerializeToUtf8Bytes(body, PluginJson.Default.JsonObject);
    }

    /// <summary>Does what an answer says.</summary>
    /// <exception cref="PeerRefusedException">It refuses.</exception>
    /// <exception cref="ProtocolViolationException">It is none.</exception>
    internal static void Apply(ReadOnlySpan<byte> answer, ServerEvent serverEvent, string plugin)
    {
        var said = Read(answer);
        // Compat: a refusal without a reason would read as success, since an empty error is none.
        if (said.Reject) throw new PeerRefusedException(said.RejectReason is { Length: > 0 } reason ? reason : $"rejected by plugin [{plugin}]");
        if (said.Unchange) return;
        // Compat: the reference crashes.
        if (said.Content.ValueKind != JsonValueKind.Object) throw new ProtocolViolationException("the answer has neither \"unchange\" nor \"content\"");
        Replace(serverEvent, Encoding.UTF8.GetBytes(said.Content.GetRawText()));
    }

    private static PluginAnswer Read(ReadOnlySpan<byte> answer)
    {
        try
        {
            return JsonSerializer.Deserialize(answer, PluginJson.Default.PluginAnswer) ?? throw new ProtocolViolationException("the answer is null");
        }
        catch (JsonException e)
        {
            throw new ProtocolViolationException($"the answer cannot be read: {PeerText.Escape(e.Message, 300)}", e);
        }
    }

    private static JsonObject Content(ServerEvent serverEvent)
    {
        switch (serverEvent)
        {
            case LoginEvent login:
                var content = Fields(login.Login);
                content["client_address"] = AddressText(login.ClientAddress);
                return content;
            case NewProxyEvent proxy: return WithUser(Fields(proxy.Proxy), proxy.Client);
            case CloseProxyEvent closed: return WithUser(new JsonObject { ["proxy_name"] = closed.ProxyName }, closed.Client);
            case PingEvent ping: return WithUser(Fields(ping.Ping), ping.Client);
            case NewWorkConnEvent work: return WithUser(Fields(work.WorkConn), work.Client);
            case NewUserConnEvent user:
                var names = new JsonObject { ["proxy_name"] = user.Proxy.ProxyName, ["proxy_type"] = user.Proxy.ProxyType, ["remote_addr"] = AddressText(user.RemoteAddress) };
                return WithUser(names, user.Client);
            default: throw new ArgumentException($"{serverEvent.Operation} is not known to plug-ins", nameof(serverEvent));
        }
    }

    // What is told of things that have happened, or of a user, cannot be changed.
    private static void Replace(ServerEvent serverEvent, ReadOnlySpan<byte> content)
    {
        switch (serverEvent)
        {
            case LoginEvent login: login.Login = Read<Login>(content); break;
            case NewProxyEvent proxy: proxy.Proxy = Read<NewProxy>(content); break;
            case PingEvent ping: ping.Ping = Read<Ping>(content); break;
            case NewWorkConnEvent work: work.WorkConn = Read<NewWorkConn>(content); break;
        }
    }

    private static JsonObject Fields<T>(T message) where T : Message => MessageTypes.OfType<T>().ToJson(message);

    private static T Read<T>(ReadOnlySpan<byte> content) where T : Message => (T)MessageTypes.OfType<T>().FromJson(content);

    private static JsonObject WithUser(JsonObject content, Login client)
    {
        JsonObject? metas = null;
        if (client.Metas.Count > 0)
        {
            metas = [];
            foreach (var (key, value) in client.Metas) metas[key] = value;
        }
        content["user"] = new JsonObject { ["user"] = client.User, ["metas"] = metas, ["run_id"] = client.RunId };
        return content;
    }

    private static string AddressText(EndPoint? address) => address?.ToString() ?? "";
}

/// <summary>What a plug-in answers. Keys match without regard to case, as in Go.</summary>
internal sealed record PluginAnswer
{
    [JsonPropertyName("reject")] public bool Reject { get; init; }
    [JsonPropertyName("reject_reason")] public string? RejectReason { get; init; }
    [JsonPropertyName("unchange")] public bool Unchange { get; init; }
    [JsonPropertyName("content")] public JsonElement Content { get; init; }
}

[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata, PropertyNameCaseInsensitive = true)]
[JsonSerializable(typeof(PluginAnswer))]
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class PluginJson : JsonSerializerContext;
