using Frp.Config;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>The host names under which a proxy of a virtual-host port is reached.</summary>
/// <remarks>Source: wire specification §13, §23.</remarks>
internal static class VhostDomains
{
    // Ports that a URL need not name, whichever of them the virtual host has.
    private const int HttpPort = 80;
    private const int HttpsPort = 443;

    /// <summary>The names that a registration asks for: its own ones in their order, then the sub-domain. Empty ones do not count.</summary>
    /// <returns>As the client spelt them; there may be none.</returns>
    /// <exception cref="PeerRefusedException">A name is not for this client to have.</exception>
    internal static IReadOnlyList<string> Of(NewProxy registration, ServerConfig config)
    {
        string host = config.SubDomainHost;
        var domains = new List<string>();
        foreach (string domain in registration.CustomDomains)
        {
            if (string.IsNullOrEmpty(domain)) continue;
            // Compat: letter case and the root's dot do not get around it (docs/COMPAT.md, "names under the sub-domain host").
            if (host.Length > 0 && domain.TrimEnd('.').EndsWith("." + host, StringComparison.OrdinalIgnoreCase))
                throw new PeerRefusedException($"custom domain [{domain}] should not belong to subdomain host [{host}]");
            domains.Add(domain);
        }
        if (string.IsNullOrEmpty(registration.Subdomain)) return domains;
        if (host.Length == 0) throw new PeerRefusedException("subdomain is not supported because this feature is not enabled in server");
        if (registration.Subdomain.AsSpan().ContainsAny('.', '*')) throw new PeerRefusedException("'.' and '*' are not supported in subdomain");
        domains.Add($"{registration.Subdomain}.{host}");
        return domains;
    }

    /// <summary>What the registration's answer says: the names with the port of the virtual host, unless URLs go without it.</summary>
    /// <param name="hosts">As <see cref="Of"/> gave them; a name that has several routes comes several times.</param>
    /// <param name="port">The virtual host's port.</param>
    internal static string RemoteAddress(IEnumerable<string> hosts, int port) =>
        string.Join(',', port is HttpPort or HttpsPort ? hosts : hosts.Select(host => AddressText.Join(host, port)));
}
