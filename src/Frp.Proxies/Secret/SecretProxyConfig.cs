using Frp.Config;
using Frp.Config.Flags;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>What the secret kinds have in common: users come through a visitor that knows the key.</summary>
public abstract class SecretProxyConfig : ProxyConfig
{
    /// <summary>Secret that visitors must prove.</summary>
    public string SecretKey { get; set; } = "";
    /// <summary>Users whose visitors are admitted; none = the own user's, <c>*</c> = everyone's.</summary>
    public List<string> AllowUsers { get; set; } = [];

    internal void Describe(NewProxy message)
    {
        message.SecretKey = SecretKey;
        message.AllowUsers = AllowUsers;
    }

    internal void DeclareFlags(FlagSet flags)
    {
        flags.Secret("sk", null, "", "secret key", v => SecretKey = v);
        flags.List("allow_users", null, "users whose visitors are admitted", v => AllowUsers = v);
    }
}

/// <summary>What is tried, or not, to reach a peer behind NAT.</summary>
public sealed class NatTraversalConfig
{
    /// <summary>Addresses of the local interfaces are not offered.</summary>
    public bool DisableAssistedAddrs { get; set; }
}
