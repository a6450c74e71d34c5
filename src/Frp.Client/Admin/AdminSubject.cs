using Frp.Config;

namespace Frp.Client;

/// <summary>What the admin API shows and changes: the parts of one client.</summary>
/// <param name="Config">What the client was started with.</param>
/// <param name="File">Where that came from; null when it is in no file.</param>
/// <param name="Proxies">The proxies.</param>
/// <param name="Visitors">The visitors.</param>
/// <param name="Changes">The way to change them.</param>
/// <param name="Stop">Asks the client to stop. Does not wait.</param>
internal sealed record AdminSubject(ClientConfig Config, ClientConfigFile? File, ProxyTable Proxies, VisitorTable Visitors, ConfigChanges Changes, Action Stop);
