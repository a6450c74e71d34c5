using System.Net;

namespace Frp.Transport;

/// <summary>How a client reaches its server: <c>serverAddr</c>, <c>serverPort</c>, <c>dnsServer</c> and <c>transport.*</c>.</summary>
public sealed record ServerDialOptions
{
    /// <summary>A name or an address; IPv6 without brackets.</summary>
    public required string ServerAddress { get; init; }

    /// <summary>The server's port.</summary>
    public required int ServerPort { get; init; }

    /// <summary>The carrier's name; see <see cref="Transports"/>.</summary>
    public string Protocol { get; init; } = Transports.Tcp;

    /// <summary>TLS inside the carrier. <c>wss</c> has TLS outside in any case.</summary>
    public bool EnableTls { get; init; } = true;

    /// <summary>Whom to trust, whom to be.</summary>
    public TlsClientOptions Tls { get; init; } = new();

    /// <summary>False to announce TLS by the byte 0x17, for servers that share their port with an HTTPS virtual host.</summary>
    public bool DisableCustomTlsFirstByte { get; init; } = true;

    /// <summary>For the connection itself, and again for each of: the proxy's answer, the upgrade, TLS.</summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Idle time before TCP probes the server; negative switches probing off.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(7200);

    /// <summary>The address to dial from; null for the system's choice.</summary>
    public IPAddress? ConnectServerLocalIP { get; init; }

    /// <summary>Parameters of QUIC.</summary>
    public QuicSettings Quic { get; init; } = new();

    /// <summary><c>scheme://user:password@host:port</c>, or empty for none.</summary>
    public string ProxyUrl { get; init; } = "";

    /// <summary><c>host</c> or <c>host:port</c> of the DNS server to ask; empty for the system's.</summary>
    public string DnsServer { get; init; } = "";
}
