using System.Diagnostics.CodeAnalysis;

namespace Frp.Web;

/// <summary>Which place a request is for.</summary>
/// <remarks>
/// A look-up compares the request with each pattern in turn: there are a few dozen, and people ask, not machines. <b>Concurrency.</b> Immutable.
/// </remarks>
internal sealed class RouteTable
{
    private const string Any = "{";
    private const string Rest = "...}";

    private readonly Entry[] _entries;

    internal RouteTable(IEnumerable<WebRoute> routes) => _entries = [.. routes.Select(route => new Entry(route, route.Pattern.Split('/')[1..]))];

    /// <summary>Finds the place.</summary>
    /// <param name="method">The request's method.</param>
    /// <param name="path">The decoded path.</param>
    /// <param name="route">The place; null when there is none, or none for this method.</param>
    /// <param name="values">What stood for the pattern's names.</param>
    /// <param name="methods">What may be done there, when nothing was found; empty for an unknown path.</param>
    internal bool TryFind(string method, string path, [NotNullWhen(true)] out WebRoute? route, out IReadOnlyDictionary<string, string> values, out IReadOnlyList<string> methods)
    {
        string[] segments = path.Split('/')[1..];
        var others = new List<string>();
        foreach (var entry in _entries)
        {
            var found = new Dictionary<string, string>();
            if (!Matches(entry.Pattern, segments, found)) continue;
            if (entry.Route.Method is { } only && only != method)
            {
                if (!others.Contains(only)) others.Add(only);
                continue;
            }
            (route, values, methods) = (entry.Route, found, []);
            return true;
        }
        (route, values, methods) = (null, new Dictionary<string, string>(), others);
        return false;
    }

    private static bool Matches(string[] pattern, string[] segments, Dictionary<string, string> values)
    {
        for (int i = 0; i < pattern.Length; i++)
        {
            if (i >= segments.Length) return false;
            if (!pattern[i].StartsWith(Any, StringComparison.Ordinal))
            {
                if (pattern[i] != segments[i]) return false;
            }
            else if (pattern[i].EndsWith(Rest, StringComparison.Ordinal))
            {
                values[pattern[i][Any.Length..^Rest.Length]] = string.Join('/', segments[i..]);
                return true;
            }
            else
            {
                if (segments[i].Length == 0) return false;
                values[pattern[i][Any.Length..^1]] = segments[i];
            }
        }
        return pattern.Length == segments.Length;
    }

    private sealed record Entry(WebRoute Route, string[] Pattern);
}
