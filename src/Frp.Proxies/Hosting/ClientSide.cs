using Frp.Config;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies;

/// <summary>A proxy's client half: serves users that arrive on work connections.</summary>
public interface IClientProxy : IAsyncDisposable
{
    /// <summary>Serves one work connection until it is done.</summary>
    /// <param name="work">The connection, with the payload layers of the proxy already in place. Ownership passes to the proxy.</param>
    /// <param name="start">Who the user is.</param>
    /// <param name="end">What the end of one direction does to the other, as agreed with the server.</param>
    /// <param name="cancellationToken">Aborts.</param>
    Task ServeAsync(Connection work, StartWorkConn start, RelayEnd end, CancellationToken cancellationToken);

    /// <summary>Whether work connections come without payload layers and limits: the kind puts them where its users' bytes are.</summary>
    bool TakesRawWork => false;

    /// <summary>
    /// The proxy is wanted no more and gets no more work connections. Users who have one each may finish: disposing waits for them. A kind
    /// whose connections carry many users sees to their end here. May be called again. Must not wait.
    /// </summary>
    void Withdraw() { }
}

/// <summary>What a proxy's client half may ask of the client. One instance per proxy.</summary>
public interface IClientProxyHost
{
    /// <summary>Logs with the session and the proxy in front.</summary>
    ILogger Logger { get; }

    /// <summary>The clock.</summary>
    TimeProvider Time { get; }

    /// <summary>The framing that the client speaks, for kinds whose work connections carry messages.</summary>
    IMessageCodec Codec { get; }

    /// <summary>Largest datagram that passes, in bytes (<c>udpPacketSize</c>).</summary>
    int DatagramSize { get; }

    /// <summary>The way to the server's broker, for kinds whose users come without the server in between.</summary>
    ITraversalHost Traversal { get; }

    /// <summary>Connects to a local service, within the client's deadline.</summary>
    /// <param name="host">Host name or address.</param>
    /// <param name="port">Port.</param>
    /// <param name="cancellationToken">Gives up earlier.</param>
    /// <exception cref="IOException">Nobody answers there, or not in time.</exception>
    ValueTask<Connection> DialLocalAsync(string host, int port, CancellationToken cancellationToken);

    /// <summary>Makes the client half of a proxy whose plug-in speaks HTTP with users. The servers and clients of HTTP are the client's, and not known here.</summary>
    /// <param name="config">The proxy, completed.</param>
    /// <exception cref="TlsFileException">A file of the plug-in's cannot be used.</exception>
    IClientProxy CreateHttpPlugin(ProxyConfig config);
}
