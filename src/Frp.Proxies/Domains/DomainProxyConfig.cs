using Frp.Config;
using Frp.Config.Flags;

namespace Frp.Proxies;

/// <summary>What the kinds have in common whose users come by host name.</summary>
[NeedsOneOf(nameof(CustomDomains), nameof(Subdomain))]
public abstract class DomainProxyConfig : ProxyConfig
{
    /// <summary>Host names; <c>*.example.com</c> covers every name below, <c>*</c> what nobody else has.</summary>
    public List<string> CustomDomains { get; set; } = [];
    /// <summary>Label under the server's <c>subDomainHost</c>.</summary>
    public string Subdomain { get; set; } = "";

    /// <inheritdoc/>
    public override void Validate(ConfigErrors errors)
    {
        ArgumentNullException.ThrowIfNull(errors);
        base.Validate(errors);
        if (Subdomain.Length == 0 && CustomDomains.Count == 0)
            errors.Add("customDomains", "subdomain and custom domains should not be both empty");
    }

    internal void DeclareFlags(FlagSet flags)
    {
        flags.List("custom_domain", 'd', "host names", v => CustomDomains = v);
        flags.Text("sd", null, "", "label under the server's sub-domain host", v => Subdomain = v);
    }
}
