using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Frp.Proxies;

namespace Frp.Server;

/// <summary>Who has which name on a front that hands whole connections on.</summary>
/// <typeparam name="TRoute">What the front wants to know of a route besides its name.</typeparam>
/// <param name="kind">The front's name space in the registry.</param>
/// <param name="port">The front's port.</param>
/// <param name="ingress">Where names are claimed: more servers than this one may share it.</param>
internal sealed class VhostTable<TRoute>(string kind, int port, IIngressRegistry ingress) where TRoute : class
{
    private readonly HostRoutes<Target> _routes = new();

    /// <summary>The front's port.</summary>
    internal int Port => port;

    /// <summary>Takes a name.</summary>
    /// <param name="key">The name; without location.</param>
    /// <param name="route">What <see cref="TryFind"/> gives back.</param>
    /// <param name="owner">The proxy's name on the wire.</param>
    /// <returns>The users who come for it. Disposing it gives the name back.</returns>
    /// <exception cref="PeerRefusedException">Somebody has it.</exception>
    internal VhostListener Listen(RouteKey key, TRoute route, string owner)
    {
        key = key.Folded;
        var claim = ingress.TryClaim(new IngressKey(IngressKind.Host, ClaimOf(key)), owner) ?? throw Conflict();
        var listener = new VhostListener(port, _ =>
        {
            _routes.Remove(key);
            claim.Dispose();
        });
        if (_routes.TryAdd(key, new Target(route, listener))) return listener;
        claim.Dispose();
        throw Conflict();
    }

    /// <summary>Finds who serves a name.</summary>
    /// <param name="host">Folded.</param>
    /// <param name="user">The user name that came with it; empty for none.</param>
    /// <param name="target">The best match.</param>
    internal bool TryFind(string host, string user, [MaybeNullWhen(false)] out Target target) => _routes.TryFind(host, "", user, out target);

    // The length keeps a host and a user apart whatever characters they have.
    private string ClaimOf(RouteKey key) => key.User.Length == 0
        ? $"{kind}:{key.Domain}"
        : string.Create(CultureInfo.InvariantCulture, $"{kind}:{key.Domain.Length}:{key.Domain}:{key.User}");

    private static PeerRefusedException Conflict() => new("router config conflict");

    /// <summary>Somebody who has a name.</summary>
    internal sealed record Target(TRoute Route, VhostListener Listener);
}
