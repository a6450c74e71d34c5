using System.Text.Json.Serialization;

namespace Frp.Wire;

/// <summary>Client to server: serve this proxy.</summary>
public sealed record NewProxy : Message
{
    /// <summary>Name on the wire: <c>{user}.{name}</c>, or the name alone for a client without user.</summary>
    [JsonPropertyName("proxy_name")] public string ProxyName { get; set; } = "";
    /// <summary>Kind of proxy; empty means <c>tcp</c>.</summary>
    [JsonPropertyName("proxy_type")] public string ProxyType { get; set; } = "";
    /// <summary>The work connection's payload is encrypted.</summary>
    [JsonPropertyName("use_encryption")] public bool UseEncryption { get; set; }
    /// <summary>The work connection's payload is compressed, below the encryption.</summary>
    [JsonPropertyName("use_compression")] public bool UseCompression { get; set; }
    /// <summary>A quantity such as <c>1MB</c>: bytes a second.</summary>
    [JsonPropertyName("bandwidth_limit")] public string BandwidthLimit { get; set; } = "";
    /// <summary><c>server</c>, or empty for the client.</summary>
    [JsonPropertyName("bandwidth_limit_mode")] public string BandwidthLimitMode { get; set; } = "";
    /// <summary>Load-balancing group.</summary>
    [JsonPropertyName("group")] public string Group { get; set; } = "";
    /// <summary>Secret that all members of the group share.</summary>
    [JsonPropertyName("group_key")] public string GroupKey { get; set; } = "";
    /// <summary>Free metadata for server plugins.</summary>
    [JsonPropertyName("metas")] public Dictionary<string, string> Metas { get; set; } = [];
    /// <summary>Free annotations, shown in the dashboard.</summary>
    [JsonPropertyName("annotations")] public Dictionary<string, string> Annotations { get; set; } = [];
    /// <summary>Port on the server; 0 lets the server choose.</summary>
    [JsonPropertyName("remote_port")] public int RemotePort { get; set; }
    /// <summary>Host names.</summary>
    [JsonPropertyName("custom_domains")] public List<string> CustomDomains { get; set; } = [];
    /// <summary>Label under the server's sub-domain host.</summary>
    [JsonPropertyName("subdomain")] public string Subdomain { get; set; } = "";
    /// <summary>Path prefixes.</summary>
    [JsonPropertyName("locations")] public List<string> Locations { get; set; } = [];
    /// <summary>Basic-auth user.</summary>
    [JsonPropertyName("http_user")] public string HttpUser { get; set; } = "";
    /// <summary>Basic-auth password.</summary>
    [JsonPropertyName("http_pwd")] public string HttpPassword { get; set; } = "";
    /// <summary>Value that replaces the request's Host.</summary>
    [JsonPropertyName("host_header_rewrite")] public string HostHeaderRewrite { get; set; } = "";
    /// <summary>Request headers to set.</summary>
    [JsonPropertyName("headers")] public Dictionary<string, string> Headers { get; set; } = [];
    /// <summary>Response headers to set.</summary>
    [JsonPropertyName("response_headers")] public Dictionary<string, string> ResponseHeaders { get; set; } = [];
    /// <summary>Basic-auth user name that routes to this proxy.</summary>
    [JsonPropertyName("route_by_http_user")] public string RouteByHttpUser { get; set; } = "";
    /// <summary>Secret that visitors must prove.</summary>
    [JsonPropertyName("sk")] public string SecretKey { get; set; } = "";
    /// <summary>Users whose visitors are admitted.</summary>
    [JsonPropertyName("allow_users")] public List<string> AllowUsers { get; set; } = [];
    /// <summary>How a tcpmux proxy is addressed: <c>httpconnect</c>.</summary>
    [JsonPropertyName("multiplexer")] public string Multiplexer { get; set; } = "";
}

/// <summary>Server to client: the outcome of <see cref="NewProxy"/>.</summary>
public sealed record NewProxyResp : Message
{
    /// <summary>The name as the server processed it.</summary>
    [JsonPropertyName("proxy_name")] public string ProxyName { get; set; } = "";
    /// <summary>Where users reach the proxy, such as <c>:6000</c>.</summary>
    [JsonPropertyName("remote_addr")] public string RemoteAddr { get; set; } = "";
    /// <summary>Why the proxy was refused; empty when it is served.</summary>
    [JsonPropertyName("error")] public string Error { get; set; } = "";
}

/// <summary>Client to server: serve this proxy no longer. Has no answer.</summary>
public sealed record CloseProxy : Message
{
    /// <summary>Name on the wire.</summary>
    [JsonPropertyName("proxy_name")] public string ProxyName { get; set; } = "";
}

/// <summary>Server to client: open one more work connection.</summary>
public sealed record ReqWorkConn : Message;

/// <summary>Client to server, first on a work connection.</summary>
public sealed record NewWorkConn : Message, IProof
{
    /// <summary>The session that the connection belongs to.</summary>
    [JsonPropertyName("run_id")] public string RunId { get; set; } = "";
    /// <summary>As in <see cref="Login.PrivilegeKey"/>, only with the scope <c>NewWorkConns</c>.</summary>
    [JsonPropertyName("privilege_key")] public string PrivilegeKey { get; set; } = "";
    /// <summary>Unix seconds.</summary>
    [JsonPropertyName("timestamp")] public long Timestamp { get; set; }
    /// <summary>A FIN on this connection ends one direction only. Sent only when <see cref="LoginResp.Features"/> offered it.</summary>
    [JsonPropertyName("half_close")] public bool HalfClose { get; set; }
}

/// <summary>Server to client on a work connection: it now carries a user of this proxy; the next byte is payload.</summary>
public sealed record StartWorkConn : Message
{
    /// <summary>Name on the wire.</summary>
    [JsonPropertyName("proxy_name")] public string ProxyName { get; set; } = "";
    /// <summary>The user's address, without brackets.</summary>
    [JsonPropertyName("src_addr")] public string SourceAddress { get; set; } = "";
    /// <summary>The address that the user reached.</summary>
    [JsonPropertyName("dst_addr")] public string DestinationAddress { get; set; } = "";
    /// <summary>The user's port.</summary>
    [JsonPropertyName("src_port")] public ushort SourcePort { get; set; }
    /// <summary>The port that the user reached.</summary>
    [JsonPropertyName("dst_port")] public ushort DestinationPort { get; set; }
    /// <summary>Why the work connection was refused; the server closes it behind this message.</summary>
    [JsonPropertyName("error")] public string Error { get; set; } = "";
}

/// <summary>Visitor to server, first on a visitor connection: connect me to this secret proxy.</summary>
public sealed record NewVisitorConn : Message
{
    /// <summary>The visitor's own session; empty from old clients.</summary>
    [JsonPropertyName("run_id")] public string RunId { get; set; } = "";
    /// <summary>The wanted proxy's name on the wire.</summary>
    [JsonPropertyName("proxy_name")] public string ProxyName { get; set; } = "";
    /// <summary>Proof of the secret key: see <c>AuthKey</c>.</summary>
    [JsonPropertyName("sign_key")] public string SignKey { get; set; } = "";
    /// <summary>Unix seconds.</summary>
    [JsonPropertyName("timestamp")] public long Timestamp { get; set; }
    /// <summary>The visitor's leg is encrypted with the secret key.</summary>
    [JsonPropertyName("use_encryption")] public bool UseEncryption { get; set; }
    /// <summary>The visitor's leg is compressed.</summary>
    [JsonPropertyName("use_compression")] public bool UseCompression { get; set; }
    /// <summary>The visitor can tell a FIN from a close. Sent only when <see cref="LoginResp.Features"/> offered it.</summary>
    [JsonPropertyName("half_close")] public bool HalfClose { get; set; }
}

/// <summary>Server to visitor: the outcome of <see cref="NewVisitorConn"/>.</summary>
public sealed record NewVisitorConnResp : Message
{
    /// <summary>The name that was asked for.</summary>
    [JsonPropertyName("proxy_name")] public string ProxyName { get; set; } = "";
    /// <summary>Why the visitor was refused; empty when it is connected.</summary>
    [JsonPropertyName("error")] public string Error { get; set; } = "";
    /// <summary>A FIN on this connection ends one direction only. Said only to a visitor that offered it, when the proxy's client can do it too.</summary>
    [JsonPropertyName("half_close")] public bool HalfClose { get; set; }
}
