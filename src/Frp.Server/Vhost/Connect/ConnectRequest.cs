using Frp.Transport;

namespace Frp.Server;

/// <summary>What a CONNECT request says: which host, and who asks.</summary>
/// <param name="Host">Folded, without port.</param>
/// <param name="Credentials">Read once, for routing and admission alike.</param>
internal sealed record ConnectRequest(string Host, BasicCredentials Credentials)
{
    /// <summary>Reads a request's head, the empty line included.</summary>
    /// <returns>Null when it is no CONNECT of HTTP/1.</returns>
    internal static ConnectRequest? TryParse(ReadOnlySpan<byte> bytes)
    {
        if (HttpHead.TryParse(bytes) is not { } head) return null;
        if (head.StartLine.Split(' ') is not ["CONNECT", { Length: > 0 } target, { Length: 8 } version]) return null;
        if (!version.StartsWith("HTTP/1.", StringComparison.Ordinal) || !char.IsAsciiDigit(version[^1])) return null;
        // Two hosts would let us and whoever reads the request next see different ones.
        if (head.All("Host").Skip(1).Any()) return null;
        string authority = AuthorityOf(target, head);
        return HasValidPort(authority) ? new ConnectRequest(HostRoutes.HostOf(authority), BasicCredentials.Parse(head["Proxy-Authorization"])) : null;
    }

    /// <summary>The target without what some clients write around it.</summary>
    private static string AuthorityOf(string target, HttpHead head)
    {
        if (target[0] == '/') return head["Host"] ?? "";
        int end = target.AsSpan().IndexOfAny('/', '?', '#');
        string authority = end < 0 ? target : target[..end];
        return authority[(authority.LastIndexOf('@') + 1)..];
    }

    private static bool HasValidPort(string authority)
    {
        int colon = authority.LastIndexOf(':');
        return colon < 0 || authority.EndsWith(']') || !authority.AsSpan(colon + 1).ContainsAnyExceptInRange('0', '9');
    }
}
