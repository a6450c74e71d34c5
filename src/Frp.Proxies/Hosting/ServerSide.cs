using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies;

/// <summary>A proxy that the server is serving. Disposing it stops the entrance; users that are connected stay connected.</summary>
public interface IServerProxy : IAsyncDisposable
{
    /// <summary>Where users reach the proxy, as the registration's answer says it (<c>:6000</c>); empty for secret proxies.</summary>
    string RemoteAddress { get; }
}

/// <summary>What a proxy's server half may ask of the server. One instance per registered proxy.</summary>
public interface IServerProxyHost
{
    /// <summary>The registration, as the client sent it.</summary>
    NewProxy Registration { get; }

    /// <summary>Logs with the session and the proxy in front.</summary>
    ILogger Logger { get; }

    /// <summary>The proxy's own scope: closed, and waited for, when the proxy is.</summary>
    TaskScope Scope { get; }

    /// <summary>Claims a TCP port on the address for proxies and listens on it.</summary>
    /// <param name="port">The wanted port; 0 lets the server choose, the one that this name had last if it can be had.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PeerRefusedException">The port is not allowed, taken or unavailable.</exception>
    ValueTask<IUserListener> ListenTcpAsync(int port, CancellationToken cancellationToken);

    /// <summary>
    /// Gives a user a work connection and relays until either is done. Runs on its own: the connection outlives the proxy and
    /// the session, as users expect when a client reconnects.
    /// </summary>
    /// <param name="user">The user's connection. Ownership passes to the server.</param>
    void Serve(Connection user);
}

/// <summary>A port that users connect to. Disposing it closes the port and gives the claim on it back.</summary>
public interface IUserListener : IAsyncDisposable
{
    /// <summary>The port that is bound.</summary>
    int Port { get; }

    /// <summary>The next user; null when the listener has been disposed.</summary>
    ValueTask<Connection?> AcceptAsync(CancellationToken cancellationToken);
}

/// <summary>One side said no. Carries the text that goes to the peer, or came from it.</summary>
public sealed class PeerRefusedException : Exception
{
    /// <summary>Creates the refusal.</summary>
    /// <param name="message">The reason, in the words of the protocol's error texts.</param>
    public PeerRefusedException(string message) : base(message) { }
}
