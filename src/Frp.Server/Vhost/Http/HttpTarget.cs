using Frp.Proxies;
using Frp.Web;

namespace Frp.Server;

/// <summary>What a route leads to: one proxy, or the members of a group in turn.</summary>
/// <remarks>
/// The settings are those of the first member, also when it has left. <b>Concurrency.</b> Requests read a snapshot; changes are
/// made under the table's lock.
/// </remarks>
internal sealed class HttpTarget(HttpRoute route, string groupKey)
{
    private volatile HttpMember[] _members = [];
    private uint _turn;

    /// <summary>The route of the first member.</summary>
    internal HttpRoute Route => route;

    /// <summary>What members of the group have to know.</summary>
    internal string GroupKey => groupKey;

    /// <summary>What is done to requests.</summary>
    internal HttpSettings Settings { get; } = new(route.User, route.Password, route.HostRewrite, route.RequestHeaders, route.ResponseHeaders);

    /// <summary>Proxies that take requests.</summary>
    internal IReadOnlyList<HttpMember> Members => _members;

    /// <summary>The claim on the route. Set once, when the target is new.</summary>
    internal IDisposable? Claim { get; set; }

    /// <summary>Whose turn it is; null when the last member has just left.</summary>
    internal HttpMember? Next()
    {
        var members = _members;
        return members.Length switch
        {
            0 => null,
            1 => members[0],
            _ => members[Interlocked.Increment(ref _turn) % (uint)members.Length],
        };
    }

    /// <summary>Somebody else, when those that were tried could not serve a request.</summary>
    /// <returns>Null when there is nobody else.</returns>
    internal HttpMember? Another(IReadOnlyCollection<HttpMember> tried)
    {
        var members = _members;
        uint turn = Interlocked.Increment(ref _turn);
        for (uint i = 0; i < members.Length; i++)
        {
            var member = members[(turn + i) % (uint)members.Length];
            if (!tried.Contains(member)) return member;
        }
        return null;
    }

    internal void Add(HttpMember member) => _members = [.. _members, member];

    internal void Remove(HttpMember member) => _members = [.. _members.Where(m => m != member)];
}
