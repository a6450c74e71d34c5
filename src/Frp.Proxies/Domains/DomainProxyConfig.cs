using Frp.Config;

namespace Frp.Proxies;

/// <summary>What the kinds have in common whose users come by host name.</summary>
public abstract class DomainProxyConfig : ProxyConfig
{
    /// <summary>Host names.</summary>
    public List<string> CustomDomains { get; set; } = [];
    /// <summary>Label under the server's sub-domain host.</summary>
    public string Subdomain { get; set; } = "";

    /// <inheritdoc/>
    public override void Validate(ConfigErrors errors)
    {
        ArgumentNullException.ThrowIfNull(errors);
        base.Validate(errors);
        if (Subdomain.Length == 0 && CustomDomains.Count == 0)
            errors.Add("customDomains", "subdomain and custom domains should not be both empty");
    }
}
