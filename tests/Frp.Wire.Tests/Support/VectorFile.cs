using System.Text.Json.Nodes;

namespace Frp.Wire.Tests;

/// <summary>The recorded files. A file without an entry here has no reader, which a test reports.</summary>
internal static class VectorFile
{
    internal const string V1Session = "v1-session.json";
    internal const string V2Session = "v2-session.json";
    internal const string XChaCha = "v2-xchacha.json";
    internal const string Layers = "layers.json";
    internal const string UdpMessages = "udp-messages.json";
    internal const string KnownAnswers = "known-answers.json";

    internal static string Folder => Path.Combine(AppContext.BaseDirectory, "Vectors");

    internal static JsonObject Load(string name) => JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, name)))!.AsObject();

    internal static string Text(this JsonNode node, string key) => node[key]?.GetValue<string>() ?? throw new InvalidDataException($"no {key}");

    internal static byte[] Hex(this JsonNode node, string key) => Convert.FromHexString(node.Text(key));
}
