namespace Frp.Transport;

/// <summary>The carriers a client can dial by one connection: the one list of them.</summary>
/// <remarks>A carrier is a name and a dialler here, and a listener on the server.</remarks>
public static class Transports
{
    /// <summary>Plain TCP.</summary>
    public const string Tcp = "tcp";

    /// <summary>WebSocket over TCP, TLS inside.</summary>
    public const string WebSocket = "websocket";

    /// <summary>WebSocket inside TLS, for a server behind a TLS-terminating proxy.</summary>
    public const string Wss = "wss";

    /// <summary>KCP over UDP, TLS inside.</summary>
    public const string Kcp = "kcp";

    /// <summary>QUIC: TLS and a multiplexer of its own.</summary>
    public const string Quic = "quic";

    private static readonly (string Name, Func<ServerDialer, CancellationToken, ValueTask<Connection>>? Dial)[] All =
    [
        (Tcp, static (dialer, token) => dialer.DialTcpAsync(token)),
        (WebSocket, static (dialer, token) => dialer.DialWebSocketAsync(token)),
        (Wss, static (dialer, token) => dialer.DialWssAsync(token)),
        (Kcp, static (dialer, token) => dialer.DialKcpAsync(token)),
        (Quic, null), // dialled as a link
    ];

    /// <summary>The names.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(static t => t.Name)];

    /// <summary>How to dial; null for what is a multiplexer itself.</summary>
    internal static Func<ServerDialer, CancellationToken, ValueTask<Connection>>? Find(string name) =>
        Array.Find(All, t => t.Name == name) is { Name: not null } found ? found.Dial
        : throw new ArgumentException($"unknown transport {name}, known are [{string.Join(' ', Names)}]", nameof(name));
}
