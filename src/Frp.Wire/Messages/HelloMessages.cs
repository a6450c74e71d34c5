using System.Text.Json.Serialization;

namespace Frp.Wire;

/// <summary>Client to server, first in a v2 control connection: what I can do. A frame type of its own, not a message id.</summary>
public sealed record ClientHello : Message
{
    /// <summary>How the client got here. Informational.</summary>
    [JsonPropertyName("bootstrap"), JsonIgnore(Condition = JsonIgnoreCondition.Never)] public HelloBootstrap Bootstrap { get; set; } = new();
    /// <summary>What the client can do.</summary>
    [JsonPropertyName("capabilities"), JsonIgnore(Condition = JsonIgnoreCondition.Never)] public HelloCapabilities Capabilities { get; set; } = new();

    /// <summary>The exact JSON bytes as they crossed, or will cross, the wire: an input of the transcript.</summary>
    /// <remarks>Filled by the codec on reading and by <see cref="HelloNegotiation"/> on building; written verbatim when not empty.</remarks>
    [JsonIgnore] public ReadOnlyMemory<byte> Payload { get; set; }
}

/// <summary>How a v2 client reached the server. Informational; nothing is decided by it.</summary>
public sealed record HelloBootstrap
{
    /// <summary>The client's <c>transport.protocol</c>.</summary>
    [JsonPropertyName("transport")] public string Transport { get; set; } = "";
    /// <summary>The carrier is encrypted.</summary>
    [JsonPropertyName("tls")] public bool Tls { get; set; }
    /// <summary>The carrier is multiplexed.</summary>
    [JsonPropertyName("tcpMux")] public bool TcpMux { get; set; }
}

/// <summary>What a v2 client can do.</summary>
public sealed record HelloCapabilities
{
    /// <summary>Message codecs.</summary>
    [JsonPropertyName("message"), JsonIgnore(Condition = JsonIgnoreCondition.Never)] public HelloCodecs Message { get; set; } = new();
    /// <summary>Ciphers for the control connection.</summary>
    [JsonPropertyName("crypto"), JsonIgnore(Condition = JsonIgnoreCondition.Never)] public HelloCiphers Crypto { get; set; } = new();
}

/// <summary>Message codecs that a v2 client can use.</summary>
public sealed record HelloCodecs
{
    /// <summary>Names; <c>json</c> must be among them.</summary>
    [JsonPropertyName("codecs")] public List<string> Codecs { get; set; } = [];
}

/// <summary>Ciphers that a v2 client can use.</summary>
public sealed record HelloCiphers
{
    /// <summary>Names in the order of the client's preference.</summary>
    [JsonPropertyName("algorithms")] public List<string> Algorithms { get; set; } = [];
    /// <summary>32 random bytes.</summary>
    [JsonPropertyName("clientRandom")] public ReadOnlyMemory<byte> ClientRandom { get; set; }
}

/// <summary>Server to client, the answer to <see cref="ClientHello"/>: what was selected, or why nothing was.</summary>
public sealed record ServerHello : Message
{
    /// <summary>The selection.</summary>
    [JsonPropertyName("selected"), JsonIgnore(Condition = JsonIgnoreCondition.Never)] public HelloSelection Selected { get; set; } = new();
    /// <summary>Why the hello was refused; empty when it was accepted.</summary>
    [JsonPropertyName("error")] public string Error { get; set; } = "";

    /// <inheritdoc cref="ClientHello.Payload"/>
    [JsonIgnore] public ReadOnlyMemory<byte> Payload { get; set; }
}

/// <summary>What a v2 server selected.</summary>
public sealed record HelloSelection
{
    /// <summary>Message codec.</summary>
    [JsonPropertyName("message"), JsonIgnore(Condition = JsonIgnoreCondition.Never)] public HelloCodec Message { get; set; } = new();
    /// <summary>Cipher; empty in a refusal.</summary>
    [JsonPropertyName("crypto"), JsonIgnore(Condition = JsonIgnoreCondition.Never)] public HelloCipher Crypto { get; set; } = new();
}

/// <summary>The selected message codec.</summary>
public sealed record HelloCodec
{
    /// <summary>Its name.</summary>
    [JsonPropertyName("codec")] public string Codec { get; set; } = "";
}

/// <summary>The selected cipher.</summary>
public sealed record HelloCipher
{
    /// <summary>Its name.</summary>
    [JsonPropertyName("algorithm")] public string Algorithm { get; set; } = "";
    /// <summary>32 random bytes.</summary>
    [JsonPropertyName("serverRandom")] public ReadOnlyMemory<byte> ServerRandom { get; set; }
}
