using System.Text.Json;

namespace Frp.Transport.Tests;

/// <summary>Bytes recorded from the reference; see the provenance in the file.</summary>
internal static class WebSocketVectors
{
    private static readonly JsonElement Root = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Vectors", "websocket.json"))).RootElement;

    internal static IEnumerable<(string Request, string Response)> Heads =>
        Root.GetProperty("heads").EnumerateArray().Select(static h => (h.GetProperty("request").GetString()!, h.GetProperty("response").GetString()!));

    internal static IEnumerable<(bool Masked, byte[] Frames, byte[] Payload)> Streams => Root.GetProperty("streams").EnumerateArray().Select(
        static s => (s.GetProperty("masked").GetBoolean(), Hex(s.GetProperty("frames")), Hex(s.GetProperty("payload"))));

    internal static IEnumerable<(string Case, string Request, string Response, string After)> Upgrades => Root.GetProperty("upgrades").EnumerateArray().Select(
        static u => (u.GetProperty("case").GetString()!, u.GetProperty("request").GetString()!, u.GetProperty("response").GetString()!, u.GetProperty("after").GetString()!));

    internal static IEnumerable<(string Case, byte[] Sent, string[] Received)> Scripted => Root.GetProperty("scripted").EnumerateArray().Select(
        static s => (s.GetProperty("case").GetString()!, s.GetProperty("sent").EnumerateArray().SelectMany(Hex).ToArray(),
            s.GetProperty("received").EnumerateArray().Select(static r => r.GetString()!).ToArray()));

    private static byte[] Hex(JsonElement e) => Convert.FromHexString(e.GetString()!);
}
