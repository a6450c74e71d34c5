namespace Frp.Config;

/// <summary>Proxies and visitors of one source as they were written: without defaults, and with those that are switched off.</summary>
/// <remarks>Nobody changes the lists or what is in them once they have been read.</remarks>
public sealed class ClientEntries
{
    /// <summary>The proxies, in the order of their source.</summary>
    public List<ProxyConfig> Proxies { get; set; } = [];
    /// <summary>The visitors, in the order of their source.</summary>
    public List<VisitorConfig> Visitors { get; set; } = [];
}
