using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies;

/// <summary>A visitor: a local door to a secret proxy of another client.</summary>
public interface IVisitor
{
    /// <summary>Opens the door, says so with <see cref="IVisitorHost.ReportOpen"/>, and serves it until it is cancelled.</summary>
    /// <exception cref="IOException">The door cannot be opened; the client tries again later.</exception>
    Task RunAsync(CancellationToken cancellationToken);
}

/// <summary>A visitor whose users are byte streams, so that another visitor may hand users over to it.</summary>
public interface IStreamVisitor : IVisitor
{
    /// <summary>Connects a user to the secret proxy. Runs on its own, among <see cref="IVisitorHost.Users"/>.</summary>
    /// <param name="user">The user's connection. Ownership passes to the visitor.</param>
    void Serve(Connection user);
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

    /// <summary>The way to the server's broker, for kinds whose users go without the server in between.</summary>
    ITraversalHost Traversal { get; }

    /// <summary>Says that the door is open: the visitor counts as running from here on. Called once in each run.</summary>
    void ReportOpen();

    /// <summary>Gives a user to another visitor of the same client.</summary>
    /// <param name="visitor">The other visitor's name in the configuration.</param>
    /// <param name="user">The user's connection. Ownership passes to the other visitor, unless this returns false.</param>
    /// <returns>False when there is no such visitor, or it does not take streams.</returns>
    bool TryHandOver(string visitor, Connection user);

    /// <summary>Opens a connection to the secret proxy: logical connection, <c>NewVisitorConn</c>, its answer, payload layers.</summary>
    /// <returns>The connection, now the caller's.</returns>
    /// <exception cref="PeerRefusedException">The server said no.</exception>
    /// <exception cref="IOException">There is no session, or the connection broke.</exception>
    /// <exception cref="TimeoutException">No answer in time.</exception>
    ValueTask<ServedWork> ConnectAsync(CancellationToken cancellationToken);
}
