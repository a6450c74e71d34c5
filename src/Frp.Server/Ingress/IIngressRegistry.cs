namespace Frp.Server;

/// <summary>What can be claimed for one owner only.</summary>
public enum IngressKind
{
    /// <summary>A proxy's name on the wire, unique across all clients.</summary>
    ProxyName,
    /// <summary>A TCP port on the address for proxies.</summary>
    TcpPort,
    /// <summary>A UDP port on the address for proxies.</summary>
    UdpPort,
    /// <summary>A host name, or a host name with its route, of a virtual host.</summary>
    Host,
    /// <summary>The name under which visitors find a secret proxy.</summary>
    SecretName,
}

/// <summary>One thing that listens somewhere.</summary>
/// <param name="Kind">The name space.</param>
/// <param name="Value">The name in it: a port number in decimal, a host name, a proxy name.</param>
public readonly record struct IngressKey(IngressKind Kind, string Value);

/// <summary>
/// What listens where: ports, host names, proxy names and secret names, each with at most one owner.
/// </summary>
/// <remarks>
/// Everything on the server that must be unique is claimed here and nowhere else, so that several servers can later share one
/// registry. <b>Concurrency.</b> All members may be called from any thread; none waits.
/// </remarks>
public interface IIngressRegistry
{
    /// <summary>Claims a key.</summary>
    /// <param name="key">What is wanted.</param>
    /// <param name="owner">The proxy that wants it, by its name on the wire: the registry remembers the last owner of a port.</param>
    /// <returns>The claim, to be disposed when it is over; null when somebody else holds it.</returns>
    IDisposable? TryClaim(IngressKey key, string owner);

    /// <summary>The port that this owner held last, if it is remembered still.</summary>
    /// <param name="kind"><see cref="IngressKind.TcpPort"/> or <see cref="IngressKind.UdpPort"/>.</param>
    /// <param name="owner">The proxy's name on the wire.</param>
    int? LastPort(IngressKind kind, string owner);

    /// <summary>Whether somebody holds the key now.</summary>
    bool IsClaimed(IngressKey key);
}
