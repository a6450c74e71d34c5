using System.Text.Json.Serialization;

namespace Frp.Wire;

/// <summary>What a client asks the server's broker, which answers with a <see cref="NatHoleResp"/>.</summary>
public interface ITraversalQuestion
{
    /// <summary>Ties the answer to the question; by chance.</summary>
    string TransactionId { get; set; }
}

/// <summary>Visitor to server: help me to reach this xtcp proxy directly.</summary>
public sealed record NatHoleVisitor : Message, ITraversalQuestion
{
    /// <summary>Ties the answer to the question.</summary>
    [JsonPropertyName("transaction_id")] public string TransactionId { get; set; } = "";
    /// <summary>The wanted proxy's name on the wire.</summary>
    [JsonPropertyName("proxy_name")] public string ProxyName { get; set; } = "";
    /// <summary>Ask only whether the proxy exists and admits this visitor.</summary>
    [JsonPropertyName("pre_check")] public bool PreCheck { get; set; }
    /// <summary>Protocol of the tunnel to be: <c>kcp</c> or <c>quic</c>.</summary>
    [JsonPropertyName("protocol")] public string Protocol { get; set; } = "";
    /// <summary>Proof of the secret key: see <c>AuthKey</c>.</summary>
    [JsonPropertyName("sign_key")] public string SignKey { get; set; } = "";
    /// <summary>Unix seconds.</summary>
    [JsonPropertyName("timestamp")] public long Timestamp { get; set; }
    /// <summary>Public addresses as STUN servers saw them, <c>ip:port</c>.</summary>
    [JsonPropertyName("mapped_addrs")] public List<string> MappedAddrs { get; set; } = [];
    /// <summary>Addresses of the host's own interfaces, <c>ip:port</c>.</summary>
    [JsonPropertyName("assisted_addrs")] public List<string> AssistedAddrs { get; set; } = [];
}

/// <summary>Proxy side to server: my addresses for this attempt.</summary>
public sealed record NatHoleClient : Message, ITraversalQuestion
{
    /// <summary>Ties the answer to the question.</summary>
    [JsonPropertyName("transaction_id")] public string TransactionId { get; set; } = "";
    /// <summary>Name on the wire.</summary>
    [JsonPropertyName("proxy_name")] public string ProxyName { get; set; } = "";
    /// <summary>The attempt, as <see cref="NatHoleSid"/> named it.</summary>
    [JsonPropertyName("sid")] public string Sid { get; set; } = "";
    /// <summary>Public addresses as STUN servers saw them, <c>ip:port</c>.</summary>
    [JsonPropertyName("mapped_addrs")] public List<string> MappedAddrs { get; set; } = [];
    /// <summary>Addresses of the host's own interfaces, <c>ip:port</c>.</summary>
    [JsonPropertyName("assisted_addrs")] public List<string> AssistedAddrs { get; set; } = [];
}

/// <summary>Server to both sides: the peer's addresses and how to punch.</summary>
public sealed record NatHoleResp : Message
{
    /// <summary>Ties the answer to the question.</summary>
    [JsonPropertyName("transaction_id")] public string TransactionId { get; set; } = "";
    /// <summary>The attempt.</summary>
    [JsonPropertyName("sid")] public string Sid { get; set; } = "";
    /// <summary>Protocol of the tunnel to be.</summary>
    [JsonPropertyName("protocol")] public string Protocol { get; set; } = "";
    /// <summary>The peer's public addresses.</summary>
    [JsonPropertyName("candidate_addrs")] public List<string> CandidateAddrs { get; set; } = [];
    /// <summary>The peer's interface addresses.</summary>
    [JsonPropertyName("assisted_addrs")] public List<string> AssistedAddrs { get; set; } = [];
    /// <summary>What this side does. Always present.</summary>
    [JsonPropertyName("detect_behavior"), JsonIgnore(Condition = JsonIgnoreCondition.Never)] public DetectBehavior DetectBehavior { get; set; } = new();
    /// <summary>Why there will be no tunnel; empty when it is to be tried.</summary>
    [JsonPropertyName("error")] public string Error { get; set; } = "";
}

/// <summary>One side's part in punching a hole.</summary>
public sealed record DetectBehavior
{
    /// <summary><c>sender</c> or <c>receiver</c>.</summary>
    [JsonPropertyName("role")] public string Role { get; set; } = "";
    /// <summary>Strategy, 0 to 4.</summary>
    [JsonPropertyName("mode")] public int Mode { get; set; }
    /// <summary>TTL of the first packets; 0 leaves the system's.</summary>
    [JsonPropertyName("ttl")] public int Ttl { get; set; }
    /// <summary>Milliseconds to wait before the first packet.</summary>
    [JsonPropertyName("send_delay_ms")] public int SendDelayMs { get; set; }
    /// <summary>Milliseconds to wait for the peer's packets.</summary>
    /// <remarks>Compat: the key lacks the <c>_ms</c> of its neighbour.</remarks>
    [JsonPropertyName("read_timeout")] public int ReadTimeoutMs { get; set; }
    /// <summary>Ranges in which the peer's port is expected.</summary>
    [JsonPropertyName("candidate_ports")] public List<PortRange> CandidatePorts { get; set; } = [];
    /// <summary>How many random ports to send to.</summary>
    [JsonPropertyName("send_random_ports")] public int SendRandomPorts { get; set; }
    /// <summary>How many random ports to listen on.</summary>
    [JsonPropertyName("listen_random_ports")] public int ListenRandomPorts { get; set; }
}

/// <summary>Ports from one to another, both included.</summary>
public sealed record PortRange
{
    /// <summary>First port.</summary>
    [JsonPropertyName("from")] public int From { get; set; }
    /// <summary>Last port.</summary>
    [JsonPropertyName("to")] public int To { get; set; }
}

/// <summary>The attempt's id: server to proxy side on a work connection, and peer to peer inside detection packets (there always in v1 framing).</summary>
public sealed record NatHoleSid : Message
{
    /// <summary>Ties the answer to the question.</summary>
    [JsonPropertyName("transaction_id")] public string TransactionId { get; set; } = "";
    /// <summary>The attempt.</summary>
    [JsonPropertyName("sid")] public string Sid { get; set; } = "";
    /// <summary>This packet answers one of the peer's.</summary>
    [JsonPropertyName("response")] public bool Response { get; set; }
    /// <summary>Filler of random length, so that packets differ.</summary>
    [JsonPropertyName("nonce")] public string Nonce { get; set; } = "";
}

/// <summary>Proxy side to server: whether the hole was punched.</summary>
public sealed record NatHoleReport : Message
{
    /// <summary>The attempt.</summary>
    [JsonPropertyName("sid")] public string Sid { get; set; } = "";
    /// <summary>The tunnel stands.</summary>
    [JsonPropertyName("success")] public bool Success { get; set; }
}
