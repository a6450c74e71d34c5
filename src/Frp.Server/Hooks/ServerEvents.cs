using System.Net;
using System.Security.Cryptography;
using Frp.Wire;

namespace Frp.Server;

/// <summary>Something that hooks are asked about. Its message may be changed by the hook that is being asked, and by nobody else.</summary>
/// <remarks>Source: wire specification §19.3. Messages come from a peer: their texts are whatever it says.</remarks>
public abstract class ServerEvent
{
    private protected ServerEvent(ServerOperations operation) => Operation = operation;

    /// <summary>Which operation it is: one flag.</summary>
    public ServerOperations Operation { get; }

    /// <summary>16 hexadecimal digits, the same for every hook that is asked about this event.</summary>
    public string Id => field ??= Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
}

/// <summary>A client logs in; it has proved nothing yet. A refusal is the answer to its login.</summary>
public sealed class LoginEvent : ServerEvent
{
    internal LoginEvent(Login login, EndPoint? client) : base(ServerOperations.Login) => (Login, ClientAddress) = (login, client);

    /// <summary>What the client has sent. What becomes of it is judged and used as if the client had sent it.</summary>
    public Login Login { get; set; }

    /// <summary>Where the client comes from.</summary>
    public EndPoint? ClientAddress { get; }
}

/// <summary>An event in a client's session.</summary>
public abstract class SessionEvent : ServerEvent
{
    private protected SessionEvent(ServerOperations operation, Login client) : base(operation) => Client = client;

    /// <summary>The client's login as it was accepted. Not to be changed.</summary>
    public Login Client { get; }
}

/// <summary>A client registers a proxy. A refusal is the answer.</summary>
public sealed class NewProxyEvent : SessionEvent
{
    internal NewProxyEvent(Login client, NewProxy proxy) : base(ServerOperations.NewProxy, client) => Proxy = proxy;

    /// <summary>The registration. What becomes of it is judged and used as if the client had sent it.</summary>
    public NewProxy Proxy { get; set; }
}

/// <summary>A proxy has been closed, by its client or with its session. There is nothing to refuse.</summary>
public sealed class CloseProxyEvent : SessionEvent
{
    internal CloseProxyEvent(Login client, string name) : base(ServerOperations.CloseProxy, client) => ProxyName = name;

    /// <summary>The proxy's name on the wire.</summary>
    public string ProxyName { get; }
}

/// <summary>A heartbeat that has not been judged yet. A refused one does not count, and the client is told.</summary>
public sealed class PingEvent : SessionEvent
{
    internal PingEvent(Login client, Ping ping) : base(ServerOperations.Ping, client) => Ping = ping;

    /// <summary>The heartbeat.</summary>
    public Ping Ping { get; set; }
}

/// <summary>A work connection that has not been judged yet. A refused one is closed, and the client is told.</summary>
public sealed class NewWorkConnEvent : SessionEvent
{
    internal NewWorkConnEvent(Login client, NewWorkConn workConn) : base(ServerOperations.NewWorkConn, client) => WorkConn = workConn;

    /// <summary>Its first message.</summary>
    public NewWorkConn WorkConn { get; set; }
}

/// <summary>A user of a tcp, https, tcpmux or stcp proxy. A refused one is closed.</summary>
public sealed class NewUserConnEvent : SessionEvent
{
    internal NewUserConnEvent(Login client, NewProxy proxy, EndPoint? user) : base(ServerOperations.NewUserConn, client) => (Proxy, RemoteAddress) = (proxy, user);

    /// <summary>The proxy that the user comes to. Not to be changed.</summary>
    public NewProxy Proxy { get; }

    /// <summary>Where the user comes from.</summary>
    public EndPoint? RemoteAddress { get; }
}
