using System.Text;
using Microsoft.AspNetCore.Http;

namespace Frp.Web;

/// <summary>A name and a password as a user gave them.</summary>
internal readonly record struct HttpCredentials(string User, string Password)
{
    private const string Scheme = "Basic ";

    /// <summary>Reads the value of an <c>Authorization</c> or <c>Proxy-Authorization</c> header.</summary>
    /// <returns>Null when it is none of the scheme Basic.</returns>
    internal static HttpCredentials? Parse(string? header)
    {
        if (header is null || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return null;
        var encoded = header.AsSpan(Scheme.Length).Trim(' ');
        var octets = new byte[encoded.Length];
        if (!Convert.TryFromBase64Chars(encoded, octets, out int count)) return null;
        int colon = octets.AsSpan(0, count).IndexOf((byte)':');
        return colon < 0 ? null : new HttpCredentials(Encoding.UTF8.GetString(octets.AsSpan(0, colon)), Encoding.UTF8.GetString(octets.AsSpan(colon + 1, count - colon - 1)));
    }
}

/// <summary>
/// Who asks for what: read from a request once, and used for routing, for authorisation and for what is sent on, so that those
/// three cannot disagree.
/// </summary>
/// <remarks>Source: wire specification §14.4.</remarks>
internal readonly struct HttpIdentity
{
    /// <summary>The host with its port, as the user wrote it. For proxy-form requests from the target, else from the Host header.</summary>
    internal required string Authority { get; init; }

    /// <summary>Path and query as the user wrote them, without parameters that parsers disagree on.</summary>
    internal required string PathAndQuery { get; init; }

    /// <summary>The decoded path, dot segments included.</summary>
    internal required string Path { get; init; }

    /// <summary>Whether the target names the host as well: the user takes us for a proxy.</summary>
    internal required bool IsProxyForm { get; init; }

    /// <summary>Credentials that admit: of a proxy-form request those for the proxy, of others those for the site.</summary>
    internal required HttpCredentials? Credentials { get; init; }

    /// <summary>The user name by which the request is routed; empty for none.</summary>
    internal required string User { get; init; }

    /// <summary>Reads a request.</summary>
    /// <param name="target">The target of the request line, as it came.</param>
    /// <param name="headers">The request's headers.</param>
    internal static HttpIdentity Of(string target, IHeaderDictionary headers)
    {
        string authority = headers.Host.ToString(), pathAndQuery = target;
        bool isProxyForm = false;
        if (!target.StartsWith('/') && target.IndexOf("://", StringComparison.Ordinal) is var scheme and > 0)
        {
            isProxyForm = true;
            var rest = target.AsSpan(scheme + "://".Length);
            int end = rest.IndexOfAny('/', '?', '#');
            var place = end < 0 ? rest : rest[..end];
            authority = place[(place.LastIndexOf('@') + 1)..].ToString();
            pathAndQuery = end < 0 ? "/" : rest[end] == '/' ? rest[end..].ToString() : "/" + rest[end..].ToString();
        }
        int query = pathAndQuery.IndexOf('?', StringComparison.Ordinal);
        string path = query < 0 ? pathAndQuery : pathAndQuery[..query];
        if (path.Contains('%', StringComparison.Ordinal)) path = Uri.UnescapeDataString(path);
        var (credentials, user) = CredentialsOf(isProxyForm, headers.ProxyAuthorization, headers.Authorization);
        return new HttpIdentity
        {
            Authority = authority,
            PathAndQuery = query < 0 ? pathAndQuery : HttpQuery.Clean(pathAndQuery, query + 1),
            Path = path,
            IsProxyForm = isProxyForm,
            Credentials = credentials,
            User = user,
        };
    }

    /// <summary>Credentials that admit, and the user name that routes.</summary>
    /// <param name="isProxyForm">Absolute target, or CONNECT.</param>
    /// <param name="proxyAuthorization">Null when the header is absent.</param>
    /// <param name="authorization">Null when the header is absent.</param>
    // For routing alone, a proxy-form request without the proxy's header falls back to the site's.
    internal static (HttpCredentials? Credentials, string User) CredentialsOf(bool isProxyForm, string? proxyAuthorization, string? authorization)
    {
        var credentials = HttpCredentials.Parse(isProxyForm ? proxyAuthorization : authorization);
        var routing = isProxyForm && proxyAuthorization is null ? HttpCredentials.Parse(authorization) : credentials;
        return (credentials, routing?.User ?? "");
    }
}

/// <summary>Query strings.</summary>
internal static class HttpQuery
{
    /// <summary>Leaves out parameters on which parsers disagree: with a semicolon, or with a broken percent sign.</summary>
    /// <param name="target">Path and query.</param>
    /// <param name="start">Where the query begins, behind the question mark.</param>
    internal static string Clean(string target, int start)
    {
        if (IsClean(target.AsSpan(start))) return target;
        var kept = new StringBuilder(target, 0, start, target.Length);
        foreach (var range in target.AsSpan(start).Split('&'))
        {
            var parameter = target.AsSpan(start)[range];
            if (parameter.IsEmpty || !IsClean(parameter)) continue;
            if (kept.Length > start) kept.Append('&');
            kept.Append(parameter);
        }
        return kept.ToString();
    }

    private static bool IsClean(ReadOnlySpan<char> text)
    {
        while (text.IndexOfAny(';', '%') is var at and >= 0)
        {
            if (text[at] == ';' || text.Length < at + 3 || !char.IsAsciiHexDigit(text[at + 1]) || !char.IsAsciiHexDigit(text[at + 2])) return false;
            text = text[(at + 3)..];
        }
        return true;
    }
}
