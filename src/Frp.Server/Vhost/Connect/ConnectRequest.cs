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
        if (head.StartLine.Split(' ') is not ["CONNECT", { Length: > 0 } target, "HTTP/1.1" or "HTTP/1.0"]) return null;
        return new ConnectRequest(HostRoutes.HostOf(AuthorityOf(target, head)), BasicCredentials.Parse(head["Proxy-Authorization"]));
    }

    /// <summary>The target without what some clients write around it.</summary>
    private static string AuthorityOf(string target, HttpHead head)
    {
        if (target[0] == '/') return head["Host"] ?? "";
        int end = target.AsSpan().IndexOfAny('/', '?', '#');
        string authority = end < 0 ? target : target[..end];
        return authority[(authority.LastIndexOf('@') + 1)..];
    }
}
