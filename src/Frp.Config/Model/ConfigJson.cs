using System.Text.Json.Serialization;

namespace Frp.Config;

/// <summary>The model's description, generated at compile time: <see cref="ConfigBinder"/> walks it.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(ServerConfig))]
[JsonSerializable(typeof(ClientConfig))]
[JsonSerializable(typeof(ClientEntries))]
internal sealed partial class ConfigJson : JsonSerializerContext;
