using System.Text.Json;
using System.Text.Json.Nodes;

namespace Frp.Config.Tests;

/// <summary>Configurations as JSON by the model's keys, proxies and plugins with the keys of their kind.</summary>
internal static class Canonical
{
    private static readonly JsonSerializerOptions Camel = new(JsonSerializerDefaults.General) { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static JsonObject Of(ServerConfig config) => JsonSerializer.SerializeToNode(config, Camel)!.AsObject();

    public static JsonObject Of(ClientConfig config)
    {
        var node = JsonSerializer.SerializeToNode(config, Camel)!.AsObject();
        node["proxies"] = new JsonArray([.. config.Proxies.Select(p => Of(p, p.Plugin))]);
        node["visitors"] = new JsonArray([.. config.Visitors.Select(v => Of(v, v.Plugin))]);
        return node;
    }

    /// <summary>What stands at a key such as <c>transport.quic.maxIdleTimeout</c>; <c>null</c> when nothing does.</summary>
    public static string? At(JsonNode node, string key)
    {
        var at = key.Split('.').Aggregate((JsonNode?)node, (n, k) => n?[k]);
        return at?.ToJsonString();
    }

    private static JsonNode Of(object entry, object? plugin)
    {
        var node = JsonSerializer.SerializeToNode(entry, entry.GetType(), Camel)!;
        if (plugin is not null)
            node["plugin"] = JsonSerializer.SerializeToNode(plugin, plugin.GetType(), Camel);
        return node;
    }
}
