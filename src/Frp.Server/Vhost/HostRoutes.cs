using System.Diagnostics.CodeAnalysis;

namespace Frp.Server;

/// <summary>What a route is known by: unique within a table.</summary>
/// <param name="Domain">A host name, or a pattern whose first label is <c>*</c>. Compared without regard to letter case.</param>
/// <param name="Location">Path prefix, case-sensitive; empty for every path.</param>
/// <param name="User">The user name that is routed here; empty for everybody whom no other route names.</param>
internal readonly record struct RouteKey(string Domain, string Location, string User)
{
    /// <summary>The key with its host name folded, as tables hold it.</summary>
    internal RouteKey Folded => this with { Domain = HostRoutes.Fold(Domain) };
}

/// <summary>How host names are compared.</summary>
internal static class HostRoutes
{
    /// <summary>The longest host name there is, in characters. A longer one matches <c>*</c> only.</summary>
    // Source: RFC 1035 §2.3.4.
    internal const int MaxHostLength = 255;

    /// <summary>A host name as tables hold it: lower case, without the root's dot.</summary>
    // Host names on the wire are ASCII; other letters are folded the invariant way and then simply match or do not.
    internal static string Fold(string host) => host.ToLowerInvariant().TrimEnd('.');

    /// <summary>The host of a <c>Host</c> header or request target: without port and brackets, folded.</summary>
    internal static string HostOf(string authority)
    {
        if (authority.StartsWith('['))
        {
            int close = authority.IndexOf(']', StringComparison.Ordinal);
            return close < 0 ? Fold(authority) : Fold(authority[1..close]);
        }
        int colon = authority.IndexOf(':', StringComparison.Ordinal);
        // More than one colon without brackets is an address that lacks them, not a port.
        return Fold(colon < 0 || authority.IndexOf(':', colon + 1) >= 0 ? authority : authority[..colon]);
    }
}

/// <summary>A table from host name, path and user to what serves them.</summary>
/// <remarks>
/// <para><b>Look-up.</b> For a host <c>a.b.c</c>: the host itself, then <c>*.b.c</c> (while three labels are left), then <c>*</c>. At
/// each step the user's own routes come before those without a user, and of the locations that begin the path the longest wins.</para>
/// <para><b>Concurrency.</b> Look-ups run on an immutable snapshot and wait for nobody; changes copy the table of one host.</para>
/// <para><b>Source.</b> Wire specification §14.4.</para>
/// </remarks>
internal sealed class HostRoutes<T> where T : class
{
    private readonly Lock _lock = new();
    // Published whole: readers see a table that never changes.
    private volatile Dictionary<(string Domain, string User), Location[]> _table = [];

    /// <summary>Adds a route.</summary>
    /// <returns>False when there is one with this key.</returns>
    internal bool TryAdd(RouteKey key, T target)
    {
        var (domain, location, user) = key.Folded;
        lock (_lock)
        {
            var locations = _table.GetValueOrDefault((domain, user), []);
            if (locations.Any(l => l.Prefix == location)) return false;
            // Descending, so that the first prefix that matches is the longest.
            Location[] grown = [.. locations.Append(new Location(location, target)).OrderByDescending(l => l.Prefix, StringComparer.Ordinal)];
            _table = new Dictionary<(string, string), Location[]>(_table) { [(domain, user)] = grown };
            return true;
        }
    }

    /// <summary>Takes a route away; does nothing when there is none.</summary>
    internal void Remove(RouteKey key)
    {
        var (domain, location, user) = key.Folded;
        lock (_lock)
        {
            if (!_table.TryGetValue((domain, user), out var locations)) return;
            var table = new Dictionary<(string, string), Location[]>(_table);
            Location[] rest = [.. locations.Where(l => l.Prefix != location)];
            if (rest.Length > 0) table[(domain, user)] = rest;
            else table.Remove((domain, user));
            _table = table;
        }
    }

    /// <summary>Finds who serves a request.</summary>
    /// <param name="host">Folded (<see cref="HostRoutes.HostOf"/>).</param>
    /// <param name="path">The decoded path; empty where there are no paths.</param>
    /// <param name="user">The user name that the request carries; empty for none.</param>
    /// <param name="target">What was added for the best match.</param>
    internal bool TryFind(string host, string path, string user, [MaybeNullWhen(false)] out T target)
    {
        var table = _table;
        // Nobody's name is longer than the name system has them, and looking for patterns costs the square of the length.
        if (host.Length > HostRoutes.MaxHostLength) return TryDomain(table, "*", path, user, out target);
        if (TryDomain(table, host, path, user, out target)) return true;
        // A pattern stands for the left-most label of names that have three or more.
        for (string rest = host; rest.AsSpan().Count('.') >= 2;)
        {
            rest = rest[(rest.IndexOf('.', StringComparison.Ordinal) + 1)..];
            if (TryDomain(table, "*." + rest, path, user, out target)) return true;
        }
        return TryDomain(table, "*", path, user, out target);
    }

    private static bool TryDomain(Dictionary<(string, string), Location[]> table, string domain, string path, string user, [MaybeNullWhen(false)] out T target) =>
        TryLocations(table, domain, path, user, out target) || (user.Length > 0 && TryLocations(table, domain, path, "", out target));

    private static bool TryLocations(Dictionary<(string, string), Location[]> table, string domain, string path, string user, [MaybeNullWhen(false)] out T target)
    {
        if (table.TryGetValue((domain, user), out var locations))
        {
            foreach (var location in locations)
            {
                if (!path.StartsWith(location.Prefix, StringComparison.Ordinal)) continue;
                target = location.Target;
                return true;
            }
        }
        target = null;
        return false;
    }

    private readonly record struct Location(string Prefix, T Target);
}
