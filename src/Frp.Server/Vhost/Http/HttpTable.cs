using System.Diagnostics.CodeAnalysis;
using Frp.Proxies;
using Frp.Wire;

namespace Frp.Server;

/// <summary>The routes of the HTTP virtual host, and its groups.</summary>
/// <remarks>
/// <para><b>Concurrency.</b> Look-ups wait for nobody; changes are made one at a time.</para>
/// <para><b>Source.</b> Wire specification §14.4, §15.</para>
/// </remarks>
internal sealed class HttpTable(IIngressRegistry ingress)
{
    private readonly Lock _lock = new();
    private readonly HostRoutes<HttpTarget> _routes = new();
    private readonly Dictionary<string, HttpTarget> _groups = [];

    /// <summary>Adds a proxy's route, or the proxy to its group.</summary>
    /// <param name="route">What it serves.</param>
    /// <param name="group">Its group; empty for none.</param>
    /// <param name="groupKey">What members of the group have to know.</param>
    /// <param name="member">The proxy. Owned from here on: disposed with the result, or when this fails.</param>
    /// <exception cref="PeerRefusedException">The route is taken, or the group does not take it.</exception>
    internal IDisposable Add(HttpRoute route, string group, string groupKey, HttpMember member)
    {
        try
        {
            lock (_lock)
            {
                if (group.Length == 0) return AddAlone(route, member);
                if (_groups.TryGetValue(group, out var target))
                {
                    if (!Key(target.Route).Equals(Key(route))) throw new PeerRefusedException("group params invalid");
                    if (!SecretText.AreEqual(target.GroupKey, groupKey)) throw new PeerRefusedException("group auth failed");
                    if (target.Members.Any(m => m.Name == member.Name)) throw new PeerRefusedException("group proxy repeated");
                }
                else
                {
                    target = Claimed(route, groupKey, member);
                    _groups.Add(group, target);
                }
                target.Add(member);
                return new Membership(this, target, member, group);
            }
        }
        catch (PeerRefusedException)
        {
            member.Dispose();
            throw;
        }
    }

    /// <summary>Finds who serves a request.</summary>
    internal bool TryFind(string host, string path, string user, [MaybeNullWhen(false)] out HttpTarget target) => _routes.TryFind(host, path, user, out target);

    private Membership AddAlone(HttpRoute route, HttpMember member)
    {
        var target = Claimed(route, "", member);
        target.Add(member);
        return new Membership(this, target, member, group: null);
    }

    private HttpTarget Claimed(HttpRoute route, string groupKey, HttpMember member)
    {
        var key = Key(route);
        var claim = ingress.TryClaim(new IngressKey(IngressKind.Host, $"http\n{key.Domain}\n{key.Location}\n{key.User}"), member.Name);
        var target = new HttpTarget(route, groupKey) { Claim = claim };
        if (claim is not null && _routes.TryAdd(key, target)) return target;
        claim?.Dispose();
        throw new PeerRefusedException("router config conflict");
    }

    private void Remove(HttpTarget target, HttpMember member, string? group)
    {
        lock (_lock)
        {
            target.Remove(member);
            if (target.Members.Count > 0) return;
            _routes.Remove(Key(target.Route));
            if (group is not null) _groups.Remove(group);
            target.Claim?.Dispose();
        }
    }

    private static RouteKey Key(HttpRoute route) => new RouteKey(route.Domain, route.Location, route.RouteByUser).Folded;

    private sealed class Membership(HttpTable table, HttpTarget target, HttpMember member, string? group) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) != 0) return;
            table.Remove(target, member, group);
            member.Dispose();
        }
    }
}
