using System.Net;
using System.Net.Sockets;
using Frp.Config;
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
/// <remarks>
/// Entrances (<c>Listen…</c>) heed the registration's group: the members of a group share one entrance, and each member's listener
/// yields its share of the users (wire specification §15). A kind does not notice.
/// </remarks>
public interface IServerProxyHost
{
    /// <summary>The registration, as the client sent it.</summary>
    NewProxy Registration { get; }

    /// <summary>The server's configuration in force. Not to be changed, and not to be kept: a reload puts another one in its place.</summary>
    ServerConfig Config { get; }

    /// <summary>The clock.</summary>
    TimeProvider Time { get; }

    /// <summary>The framing that the client's session speaks, for kinds whose work connections carry messages.</summary>
    IMessageCodec Codec { get; }

    /// <summary>Logs with the session and the proxy in front.</summary>
    ILogger Logger { get; }

    /// <summary>The proxy's own scope: closed, and waited for, when the proxy is.</summary>
    TaskScope Scope { get; }

    /// <summary>Claims a TCP port on the address for proxies and listens on it.</summary>
    /// <param name="port">The wanted port; 0 lets the server choose, the one that this name had last if it can be had.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PeerRefusedException">The port is not allowed, taken or unavailable.</exception>
    ValueTask<IUserListener> ListenTcpAsync(int port, CancellationToken cancellationToken);

    /// <summary>Claims a UDP port on the address for proxies and binds it.</summary>
    /// <param name="port">The wanted port; 0 lets the server choose, the one that this name had last if it can be had.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PeerRefusedException">The port is not allowed, taken or unavailable.</exception>
    ValueTask<IUdpPort> BindUdpAsync(int port, CancellationToken cancellationToken);

    /// <summary>Users of the TLS virtual-host port who ask for a host name; their ClientHello is unread.</summary>
    /// <param name="domain">A host name, or a pattern that begins with <c>*</c>; any letter case.</param>
    /// <exception cref="PeerRefusedException">The port is off, or the name is taken.</exception>
    IUserListener ListenTls(string domain);

    /// <summary>Users of the multiplexer port who CONNECT to a host name.</summary>
    /// <exception cref="PeerRefusedException">The port is off, or the name is taken.</exception>
    IUserListener ListenConnect(ConnectRoute route);

    /// <summary>Requests to the HTTP virtual-host port for a host name and path, forwarded over this proxy's work connections.</summary>
    /// <returns>The route, to be disposed when it is over.</returns>
    /// <exception cref="PeerRefusedException">The port is off, or the route is taken.</exception>
    IDisposable ServeHttp(HttpRoute route);

    /// <summary>Connections of visitors who know the secret and belong to a user that may come.</summary>
    /// <param name="secretKey">Shared with the visitors; also the key of their leg's encryption.</param>
    /// <param name="allowUsers">Users who may come; <c>*</c> is anybody, none is the proxy's own user.</param>
    /// <exception cref="PeerRefusedException">The name is taken.</exception>
    IVisitorListener ListenSecret(string secretKey, IReadOnlyList<string> allowUsers);

    /// <summary>Attempts of such visitors to reach the proxy's client without the server in between.</summary>
    /// <param name="secretKey">Shared with the visitors.</param>
    /// <param name="allowUsers">Users who may come; <c>*</c> is anybody, none is the proxy's own user.</param>
    /// <exception cref="PeerRefusedException">The name is taken.</exception>
    ITraversalListener ListenTraversal(string secretKey, IReadOnlyList<string> allowUsers);

    /// <summary>
    /// Gives a user a work connection and relays until either is done. Runs on its own: the connection outlives the proxy and
    /// the session, as users expect when a client reconnects.
    /// </summary>
    /// <param name="user">The user's connection. Ownership passes to the server.</param>
    /// <param name="end">What the end of one direction of the user's connection does to the other; what the client agreed to counts as well.</param>
    void Serve(Connection user, RelayEnd end = RelayEnd.HalfClose);

    /// <summary>Takes a work connection and tells the client whom it is for.</summary>
    /// <param name="source">The user's address; null where the kind does not say.</param>
    /// <param name="destination">Where the user came in; null where the kind does not say.</param>
    /// <param name="cancellationToken">Gives up earlier than the configured <c>userConnTimeout</c>.</param>
    /// <returns>The connection with its payload layers in place, now the caller's; null when none can be had.</returns>
    ValueTask<ServedWork?> OpenWorkAsync(EndPoint? source, EndPoint? destination, CancellationToken cancellationToken);

    /// <summary>Takes a work connection, says one thing on it without payload layers, and closes it.</summary>
    /// <returns>False when none can be had; it has been logged.</returns>
    /// <exception cref="IOException">The connection broke.</exception>
    ValueTask<bool> TellClientAsync(Message message, CancellationToken cancellationToken);
}

/// <summary>A port that users connect to. Disposing it closes the port and gives the claim on it back.</summary>
public interface IUserListener : IAsyncDisposable
{
    /// <summary>The port that is bound.</summary>
    int Port { get; }

    /// <summary>The next user; null when the listener has been disposed.</summary>
    ValueTask<Connection?> AcceptAsync(CancellationToken cancellationToken);
}

/// <summary>A UDP port that users send to. Disposing it closes the port and gives the claim on it back.</summary>
public interface IUdpPort : IAsyncDisposable
{
    /// <summary>The port that is bound.</summary>
    int Port { get; }

    /// <summary>The bound socket, for one reader and any number of senders. Not to be disposed.</summary>
    Socket Socket { get; }
}

/// <summary>A secret name under which visitors come. Disposing it gives the name back.</summary>
public interface IVisitorListener : IAsyncDisposable
{
    /// <summary>The next visitor; null when the listener has been disposed.</summary>
    ValueTask<VisitorUser?> AcceptAsync(CancellationToken cancellationToken);
}

/// <summary>A name under which visitors ask for a way to a proxy's client. Disposing it gives the name back.</summary>
public interface ITraversalListener : IAsyncDisposable
{
    /// <summary>The id of the next attempt; null when the listener has been disposed.</summary>
    ValueTask<string?> AcceptAsync(CancellationToken cancellationToken);
}

/// <summary>A visitor's connection, admitted and answered, with the layers of the visitor's leg in place.</summary>
/// <param name="Connection">Whoever accepted it owns it.</param>
/// <param name="Codec">The framing that the visitor's client speaks.</param>
/// <param name="End">What the end of one direction does to the other, as agreed with the visitor.</param>
public sealed record VisitorUser(Connection Connection, IMessageCodec Codec, RelayEnd End);

/// <summary>A work connection that serves one user.</summary>
/// <param name="Connection">With the payload layers in place. Whoever opened it owns it.</param>
/// <param name="End">What the end of one direction does to the other, as agreed with the peer.</param>
public sealed record ServedWork(Connection Connection, RelayEnd End);

/// <summary>A name on the multiplexer port.</summary>
/// <param name="Domain">A host name, or a pattern that begins with <c>*</c>; any letter case.</param>
/// <param name="RouteByUser">The user name that routes here; empty for everybody else.</param>
/// <param name="User">Demanded user name; empty for none.</param>
/// <param name="Password">Demanded password.</param>
public sealed record ConnectRoute(string Domain, string RouteByUser, string User, string Password);

/// <summary>A route on the HTTP virtual-host port, with what is done to the requests on it.</summary>
/// <param name="Domain">A host name, or a pattern that begins with <c>*</c>; any letter case.</param>
/// <param name="Location">Path prefix; empty for every path.</param>
/// <param name="RouteByUser">The user name that routes here; empty for everybody else.</param>
public sealed record HttpRoute(string Domain, string Location, string RouteByUser)
{
    /// <summary>Demanded user name. Credentials are demanded when this or <see cref="Password"/> is not empty.</summary>
    public string User { get; init; } = "";
    /// <summary>Demanded password.</summary>
    public string Password { get; init; } = "";
    /// <summary>What the local service gets to see as Host; empty for what the user said.</summary>
    public string HostRewrite { get; init; } = "";
    /// <summary>Headers that the request gets, whatever they were. Names and values are the client's: not checked.</summary>
    public IReadOnlyDictionary<string, string> RequestHeaders { get; init; } = new Dictionary<string, string>();
    /// <summary>Headers that the response gets, whatever they were. Names and values are the client's: not checked.</summary>
    public IReadOnlyDictionary<string, string> ResponseHeaders { get; init; } = new Dictionary<string, string>();
}

/// <summary>One side said no. Carries the text that goes to the peer, or came from it.</summary>
public sealed class PeerRefusedException : Exception
{
    /// <summary>Creates the refusal.</summary>
    /// <param name="message">The reason, in the words of the protocol's error texts.</param>
    public PeerRefusedException(string message) : base(message) { }
}
