using Frp.Transport;

namespace Frp.Proxies.Plugins;

/// <summary>A host and a port, as URLs and requests write them.</summary>
internal readonly record struct HostPort(string Host, int Port)
{
    /// <summary>Reads <c>host:port</c>, or <c>host</c> where there is a default; IPv6 in brackets.</summary>
    internal static bool TryParse(string text, int? defaultPort, out HostPort result)
    {
        result = default;
        int colon = text.LastIndexOf(':');
        bool isBracketed = text.StartsWith('[');
        if (isBracketed && colon < text.IndexOf(']', StringComparison.Ordinal)) colon = -1;
        string host = colon < 0 ? text : text[..colon];
        if (isBracketed)
        {
            if (host is not ['[', .., ']']) return false;
            host = host[1..^1];
        }
        else if (host.Contains(':', StringComparison.Ordinal))
        {
            return false; // an IPv6 address without brackets: nobody can tell where its port begins
        }
        int port = defaultPort ?? 0;
        if (colon >= 0 && !(ushort.TryParse(text.AsSpan(colon + 1), System.Globalization.NumberStyles.None, null, out ushort given) && (port = given) > 0)) return false;
        if (host.Length == 0 || port == 0) return false;
        result = new HostPort(host, port);
        return true;
    }

    public override string ToString() => EndPoints.Join(Host, Port);
}
