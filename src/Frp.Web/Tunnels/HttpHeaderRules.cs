using System.Collections.Frozen;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Frp.Web;

/// <summary>Which headers pass, and which are changed on the way.</summary>
/// <remarks>
/// Headers of one hop (RFC 9110 §7.6.1) stay behind. The response to an upgrade gets <c>Connection</c> and <c>Upgrade</c> back
/// from the forwarder. Source: wire specification §14.4.
/// </remarks>
internal static class HttpHeaderRules
{
    private const string ForwardedFor = "X-Forwarded-For";
    private const string ForwardedHost = "X-Forwarded-Host";
    private const string ForwardedProto = "X-Forwarded-Proto";

    private static readonly string[] ForwardedNames = [ForwardedFor, ForwardedHost, ForwardedProto];

    private static readonly string[] OneHop =
        ["Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Transfer-Encoding", "Upgrade"];

    // A request's trailer fields are not passed on, and so their announcement is not. HTTP/2 by upgrade is not served, and
    // its settings come in a header. X-Content-Length is how the server remembers a length that a chunked body overruled.
    private static readonly FrozenSet<string> NotOfRequests = FrozenSet.ToFrozenSet(
        [.. OneHop, "Forwarded", .. ForwardedNames, "Host", "HTTP2-Settings", "Trailer", "X-Content-Length"], StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> NotOfResponses = FrozenSet.ToFrozenSet(OneHop, StringComparer.OrdinalIgnoreCase);

    /// <summary>Fills a request for the local service.</summary>
    /// <param name="from">The user's headers.</param>
    /// <param name="to">The request. Its body, if it has one, is in place.</param>
    /// <param name="identity">Of the user's request.</param>
    /// <param name="userAddress">The user's address in text.</param>
    /// <param name="settings">Of the route.</param>
    /// <returns>Headers of a body that the request does not have; null for none.</returns>
    internal static HttpContent? CopyRequest(IHeaderDictionary from, HttpRequestMessage to, in HttpIdentity identity, string userAddress, HttpSettings settings)
    {
        HttpContent? headersOnly = null;
        var listed = ListedIn(from.Connection);
        var set = settings.RequestHeaders;
        foreach (var (name, values) in from)
        {
            if (NotOfRequests.Contains(name) || name.StartsWith(':') || IsListed(listed, name) || set?.ContainsKey(name) == true) continue;
            Add(to, name, values, ref headersOnly);
        }
        if (HasTrailersToken(from.TE)) to.Headers.TryAddWithoutValidation("TE", "trailers");
        to.Headers.TryAddWithoutValidation("Host", settings.HostRewrite ?? identity.Authority);
        if (settings.Forwarded == ForwardedFields.Extend)
        {
            if (!IsSet(set, ForwardedFor))
            {
                var earlier = from[ForwardedFor];
                to.Headers.TryAddWithoutValidation(ForwardedFor, earlier.Count == 0 || IsListed(listed, ForwardedFor) ? userAddress : $"{string.Join(", ", earlier.ToArray())}, {userAddress}");
            }
            if (!IsSet(set, ForwardedHost)) to.Headers.TryAddWithoutValidation(ForwardedHost, identity.Authority);
            if (!IsSet(set, ForwardedProto)) to.Headers.TryAddWithoutValidation(ForwardedProto, settings.Scheme);
        }
        else if (settings.Forwarded == ForwardedFields.Keep)
        {
            foreach (string name in ForwardedNames)
            {
                var values = from[name];
                if (values.Count > 0 && !IsListed(listed, name) && !IsSet(set, name)) TryAdd(to.Headers, name, values);
            }
        }
        if (set is not null)
        {
            foreach (var (name, value) in set) Add(to, name, value, ref headersOnly);
        }
        return headersOnly;
    }

    /// <summary>Fills the response to the user.</summary>
    internal static void CopyResponse(HttpResponseMessage from, IHeaderDictionary to, HttpSettings settings)
    {
        var listed = from.Headers.NonValidated.TryGetValues("Connection", out var connection) ? ListedIn(ValuesOf(connection)) : null;
        Copy(from.Headers.NonValidated, to, listed);
        Copy(from.Content.Headers.NonValidated, to, listed);
        // Both in one message are an attempt at smuggling, and the chunks rule.
        if (from.Headers.NonValidated.Contains("Transfer-Encoding")) to.ContentLength = null;
        if (settings.ResponseHeaders is not { } set) return;
        foreach (var (name, value) in set) to[name] = value;
    }

    /// <summary>Fills the trailers of the response to the user.</summary>
    internal static void CopyTrailers(HttpResponseMessage from, IHeaderDictionary to) => Copy(from.TrailingHeaders.NonValidated, to, listed: null);

    private static void Copy(HttpHeadersNonValidated from, IHeaderDictionary to, string[]? listed)
    {
        foreach (var (name, values) in from)
        {
            if (NotOfResponses.Contains(name) || IsListed(listed, name)) continue;
            to[name] = ValuesOf(values);
        }
    }

    private static StringValues ValuesOf(HeaderStringValues values)
    {
        if (values.Count <= 1) return values.ToString();
        var all = new string[values.Count];
        int count = 0;
        foreach (string value in values) all[count++] = value;
        return all;
    }

    private static void Add(HttpRequestMessage to, string name, StringValues values, ref HttpContent? headersOnly)
    {
        if (TryAdd(to.Headers, name, values)) return;
        // It belongs to a body, by its name.
        var content = to.Content ?? (headersOnly ??= new ByteArrayContent([]));
        TryAdd(content.Headers, name, values);
    }

    private static bool TryAdd(HttpHeaders to, string name, StringValues values) =>
        values.Count == 1 ? to.TryAddWithoutValidation(name, values.ToString()) : to.TryAddWithoutValidation(name, (IEnumerable<string?>)values);

    private static bool IsSet(FrozenDictionary<string, string>? set, string name) => set?.ContainsKey(name) == true;

    private static bool IsListed(string[]? listed, string name) => listed is not null && listed.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <summary>Further headers that are for one hop, by the sender's own word.</summary>
    private static string[]? ListedIn(StringValues connection)
    {
        if (connection.Count == 0) return null;
        if (connection.Count == 1 && connection.ToString() is var one
            && (one.Equals("keep-alive", StringComparison.OrdinalIgnoreCase) || one.Equals("close", StringComparison.OrdinalIgnoreCase))) return null;
        return [.. connection.SelectMany(value => (value ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];
    }

    private static bool HasTrailersToken(StringValues te)
    {
        foreach (string? value in te)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                if (value.AsSpan(range).Trim().Equals("trailers", StringComparison.OrdinalIgnoreCase)) return true;
            }
        }
        return false;
    }
}
