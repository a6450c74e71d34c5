using System.Net;

namespace Frp.Transport;

/// <summary>Where connections come from.</summary>
public interface IListener : IAsyncDisposable
{
    /// <summary>The bound address; the port is the real one where zero was asked for.</summary>
    EndPoint Local { get; }

    /// <summary>The next peer, as soon as it is there: nothing the peer does or leaves undone delays the ones after it.</summary>
    /// <returns>Null once the listener has stopped.</returns>
    /// <remarks><b>Concurrency.</b> One caller. Safe to cancel: no connection is lost.</remarks>
    ValueTask<IIncoming?> AcceptAsync(CancellationToken cancellationToken);
}

/// <summary>A peer that has come in, before it has said anything.</summary>
/// <remarks><b>Ownership.</b> Whoever accepted it either runs the handshake or aborts it.</remarks>
public interface IIncoming
{
    /// <summary>The peer's address.</summary>
    EndPoint? Remote { get; }

    /// <summary>
    /// Whether the peer is known to be at that address: it has answered something that was sent there. If not, somebody else may have made the address up. May
    /// become true at any time.
    /// </summary>
    bool IsVerified => true;

    /// <summary>
    /// Goes through whatever comes before the byte stream: finding out what the peer speaks, TLS, WebSocket. Takes as long as
    /// the peer does, within deadlines, so it runs in the connection's own task.
    /// </summary>
    /// <returns>The connection; null when it belongs to another listener that shares the port, and has been handed over.</returns>
    /// <remarks><b>Errors.</b> <see cref="TimeoutException"/>, <see cref="IOException"/> (<c>ProtocolViolationException</c> among
    /// them) or <see cref="System.Security.Authentication.AuthenticationException"/>; the connection is closed then.</remarks>
    ValueTask<Connection?> HandshakeAsync(CancellationToken cancellationToken);

    /// <summary>Drops the peer.</summary>
    void Abort();
}
