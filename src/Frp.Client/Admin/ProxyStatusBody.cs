using System.Text.Json;
using System.Text.Json.Serialization;
using Frp.Config;
using Frp.Web;

namespace Frp.Client;

/// <summary>A proxy in the answer of <c>/api/status</c>.</summary>
/// <remarks>Source: http-api specification §6.1.</remarks>
internal sealed record ProxyStatusBody(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("type")] string Type,
    [property: JsonPropertyName("status")] string Status,
    [property: JsonPropertyName("err")] string Error,
    [property: JsonPropertyName("local_addr")] string LocalAddress,
    [property: JsonPropertyName("plugin")] string Plugin,
    [property: JsonPropertyName("remote_addr")] string RemoteAddress,
    [property: JsonPropertyName("source"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Source)
{
    /// <summary>Describes a proxy.</summary>
    /// <param name="config">Completed.</param>
    /// <param name="status">As it is now.</param>
    /// <param name="serverAddress">The server's host, where the ports of tcp and udp proxies are.</param>
    /// <param name="isStored">Whether the store says so, and not the file.</param>
    internal static ProxyStatusBody Of(ProxyConfig config, ProxyStatus status, string serverAddress, bool isStored) => new(
        config.Name,
        config.Type,
        WordFor(status.Phase),
        status.Error,
        config.LocalPort == 0 ? "" : AddressText.Join(config.LocalIP, config.LocalPort),
        config.Plugin?.Type ?? "",
        status.Error.Length == 0 ? Reachable(status.RemoteAddress, serverAddress) : "",
        isStored ? "store" : null);

    // A port without a host is the server's own.
    private static string Reachable(string address, string server) =>
        address is [':', .. var port] && int.TryParse(port, out int number) ? AddressText.Join(server, number) : address;

    private static string WordFor(ProxyPhase phase) => phase switch
    {
        ProxyPhase.New => "new",
        ProxyPhase.WaitStart => "wait start",
        ProxyPhase.StartError => "start error",
        ProxyPhase.Running => "running",
        ProxyPhase.CheckFailed => "check failed",
        _ => "closed",
    };
}

[JsonSerializable(typeof(SortedDictionary<string, List<ProxyStatusBody>>))]
internal sealed partial class AdminJson : JsonSerializerContext
{
    internal static AdminJson Relaxed { get; } = new(new JsonSerializerOptions { Encoder = WebAnswer.JsonEncoder });
}
