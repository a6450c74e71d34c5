using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies;

/// <summary>A visitor: a local door to a secret proxy of another client.</summary>
public interface IVisitor
{
    /// <summary>Opens the door and serves it until it is cancelled.</summary>
    /// <exception cref="IOException">The door cannot be opened; the client tries again later.</exception>
    Task RunAsync(CancellationToken cancellationToken);
}

/// <summary>What a visitor may ask of the client. One instance per visitor, over all sessions.</summary>
public interface IVisitorHost
{
    /// <summary>Logs with the visitor's name in front.</summary>
    ILogger Logger { get; }

    /// <summary>The clock.</summary>
    TimeProvider Time { get; }

    /// <summary>Where the visitor's users are served: they outlive sessions, and are drained when the client stops.</summary>
    TaskScope Users { get; }

    /// <summary>The framing that the client speaks, for kinds whose visitor connections carry messages.</summary>
    IMessageCodec Codec { get; }

    /// <summary>Largest datagram that passes, in bytes (<c>udpPacketSize</c>).</summary>
    int DatagramSize { get; }

    /// <summary>Opens a connection to the secret proxy: logical connection, <c>NewVisitorConn</c>, its answer, payload layers.</summary>
    /// <returns>The connection, now the caller's.</returns>
    /// <exception cref="PeerRefusedException">The server said no.</exception>
    /// <exception cref="IOException">There is no session, or the connection broke.</exception>
    /// <exception cref="TimeoutException">No answer in time.</exception>
    ValueTask<ServedWork> ConnectAsync(CancellationToken cancellationToken);
}
