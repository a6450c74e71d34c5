using System.Text.Json.Serialization;

namespace Frp.Wire;

/// <summary>Client to server, first on a control connection, in clear: who I am and the proof that I may log in.</summary>
public sealed record Login : Message, IProof
{
    /// <summary>The client's release. Build metadata of the form <c>+net.*</c> says that it understands <see cref="LoginResp.Features"/>.</summary>
    [JsonPropertyName("version")] public string Version { get; set; } = "";
    /// <summary>Host name as the client's operating system tells it. Text from a peer: <see cref="PeerText.Escape"/> it before it is shown.</summary>
    [JsonPropertyName("hostname")] public string Hostname { get; set; } = "";
    /// <summary>Operating system, in Go's words (<c>linux</c>, <c>darwin</c>, <c>windows</c>).</summary>
    [JsonPropertyName("os")] public string Os { get; set; } = "";
    /// <summary>Processor architecture, in Go's words (<c>amd64</c>, <c>arm64</c>).</summary>
    [JsonPropertyName("arch")] public string Arch { get; set; } = "";
    /// <summary>Prefix of the client's proxy names and its identity as a visitor.</summary>
    [JsonPropertyName("user")] public string User { get; set; } = "";
    /// <summary>Proof of the token: see <c>AuthKey</c>; an access token with OIDC.</summary>
    [JsonPropertyName("privilege_key")] public string PrivilegeKey { get; set; } = "";
    /// <summary>Unix seconds, an input of <see cref="PrivilegeKey"/>.</summary>
    [JsonPropertyName("timestamp")] public long Timestamp { get; set; }
    /// <summary>Empty on the first login; afterwards the id that the server gave, which replaces the session that still holds it.</summary>
    [JsonPropertyName("run_id")] public string RunId { get; set; } = "";
    /// <summary>Stable id of the instance, from the configuration.</summary>
    [JsonPropertyName("client_id")] public string ClientId { get; set; } = "";
    /// <summary>Free metadata for server plugins.</summary>
    [JsonPropertyName("metas")] public Dictionary<string, string> Metas { get; set; } = [];
    /// <summary>Always present, empty from a network client.</summary>
    [JsonPropertyName("client_spec"), JsonIgnore(Condition = JsonIgnoreCondition.Never)] public ClientSpec ClientSpec { get; set; } = new();
    /// <summary>Work connections that the server should keep ready. Negative values from a peer count as zero.</summary>
    [JsonPropertyName("pool_count")] public int PoolCount { get; set; }
}

/// <summary>What kind of client logs in. Meaningful only inside the server; ignored from the network.</summary>
public sealed record ClientSpec
{
    /// <summary><c>ssh-tunnel</c> for the server's own SSH gateway.</summary>
    [JsonPropertyName("type")] public string Type { get; set; } = "";
    /// <summary>The gateway has authenticated the user already.</summary>
    [JsonPropertyName("always_auth_pass")] public bool AlwaysAuthPass { get; set; }
}

/// <summary>Server to client, in clear: the login's outcome.</summary>
public sealed record LoginResp : Message
{
    /// <summary>Name of the feature by which both ends pass a FIN on in one direction only.</summary>
    public const string HalfClose = "half_close";

    /// <summary>The server's release.</summary>
    [JsonPropertyName("version")] public string Version { get; set; } = "";
    /// <summary>The session's id, to be sent with every work connection and the next login.</summary>
    [JsonPropertyName("run_id")] public string RunId { get; set; } = "";
    /// <summary>Why the login was refused; empty when it was accepted.</summary>
    [JsonPropertyName("error")] public string Error { get; set; } = "";
    /// <summary>Extensions that the server offers; sent only to a client whose version says that it knows the field.</summary>
    [JsonPropertyName("features")] public List<string> Features { get; set; } = [];
}

/// <summary>Client to server: I am alive.</summary>
public sealed record Ping : Message, IProof
{
    /// <summary>As in <see cref="Login.PrivilegeKey"/>, only with the scope <c>HeartBeats</c>.</summary>
    [JsonPropertyName("privilege_key")] public string PrivilegeKey { get; set; } = "";
    /// <summary>Unix seconds.</summary>
    [JsonPropertyName("timestamp")] public long Timestamp { get; set; }
}

/// <summary>Server to client: your <see cref="Ping"/> has been seen, or why it does not count.</summary>
public sealed record Pong : Message
{
    /// <summary>Why the ping was refused; empty when it was accepted.</summary>
    [JsonPropertyName("error")] public string Error { get; set; } = "";
}
