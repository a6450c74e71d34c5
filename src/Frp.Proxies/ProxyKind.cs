using System.Text.Json.Serialization.Metadata;
using Frp.Config;
using Frp.Config.Flags;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>A kind of proxy: its name, its configuration, its message. Stateless; <see cref="ProxyKinds.All"/> lists them.</summary>
public abstract class ProxyKind
{
    /// <summary>The kind's name in files, messages, dashboards and metrics.</summary>
    public abstract string Name { get; }

    /// <summary>The model of a proxy of this kind; its type derives from <see cref="ProxyConfig"/>.</summary>
    public abstract JsonTypeInfo ConfigType { get; }

    /// <summary>The model of a visitor of this kind, derived from <see cref="VisitorConfig"/>; <c>null</c> when users come without a visitor.</summary>
    public virtual Func<JsonTypeInfo>? VisitorType => null;

    /// <summary>An empty configuration of this kind, to be filled and completed.</summary>
    public ProxyConfig CreateConfig()
    {
        var config = (ProxyConfig)ConfigType.CreateObject!();
        config.Type = Name;
        return config;
    }

    /// <summary>An empty visitor of this kind, to be filled and completed; <c>null</c> when users come without a visitor.</summary>
    public VisitorConfig? CreateVisitorConfig()
    {
        if (VisitorType is null) return null;
        var config = (VisitorConfig)VisitorType().CreateObject!();
        config.Type = Name;
        return config;
    }

    /// <summary>Declares the flags that describe a proxy of this kind on a command line.</summary>
    /// <param name="flags">Where they go.</param>
    /// <param name="config">What they set; of this kind.</param>
    /// <param name="scope">Where the command line is read.</param>
    public void DeclareFlags(FlagSet flags, ProxyConfig config, FlagScope scope)
    {
        CommonFlags.DeclareProxy(flags, config, scope);
        DeclareFlags(flags, config);
    }

    /// <summary>What the client asks the server to serve.</summary>
    /// <param name="config">Of this kind, completed.</param>
    /// <param name="user">The client's user, which goes before the name; may be empty.</param>
    public NewProxy ToMessage(ProxyConfig config, string user)
    {
        ArgumentNullException.ThrowIfNull(config);
        var message = new NewProxy
        {
            ProxyName = WireName(user, config.Name),
            ProxyType = Name,
            UseEncryption = config.Transport.UseEncryption,
            UseCompression = config.Transport.UseCompression,
            BandwidthLimit = config.Transport.BandwidthLimit.Text,
            // The client's own throttling is none of the server's business and goes unsaid.
            BandwidthLimitMode = config.Transport.BandwidthLimitMode == "server" ? "server" : "",
            Group = config.LoadBalancer.Group,
            GroupKey = config.LoadBalancer.GroupKey,
            Metas = config.Metadatas,
            Annotations = config.Annotations,
        };
        Describe(config, message);
        return message;
    }

    /// <summary>Whether a proxy of this kind takes a port of the server, and counts towards the client's share of them.</summary>
    public virtual bool TakesRemotePort => false;

    /// <summary>Opens the server half.</summary>
    /// <param name="host">What the kind may ask of the server, and the registration to serve.</param>
    /// <param name="cancellationToken">The session ends.</param>
    /// <exception cref="PeerRefusedException">The registration cannot be served; the text is for the client.</exception>
    public virtual ValueTask<IServerProxy> StartServerAsync(IServerProxyHost host, CancellationToken cancellationToken) =>
        throw new PeerRefusedException($"proxy type [{Name}] is not supported by this release of the server yet");

    /// <summary>Makes the client half.</summary>
    /// <param name="config">Of this kind, completed.</param>
    /// <param name="host">What the kind may ask of the client.</param>
    /// <returns>Null where this release cannot serve the kind: the proxy then reports a start error.</returns>
    public virtual IClientProxy? CreateClient(ProxyConfig config, IClientProxyHost host) => null;

    /// <summary>Makes a visitor to a proxy of this kind.</summary>
    /// <param name="config">Of this kind, completed.</param>
    /// <param name="host">What the visitor may ask of the client.</param>
    /// <returns>Null where this release cannot serve the kind.</returns>
    /// <exception cref="ConfigException">It cannot serve this visitor: a start error.</exception>
    public virtual IVisitor? CreateVisitor(VisitorConfig config, IVisitorHost host) => null;

    /// <summary>A name as both sides say it on the wire: <c>{user}.{name}</c>, or the name alone without user.</summary>
    public static string WireName(string user, string name)
    {
        ArgumentNullException.ThrowIfNull(user);
        return user.Length == 0 ? name : user + "." + name;
    }

    /// <summary>Declares the kind's own flags.</summary>
    /// <param name="flags">Has what all kinds have.</param>
    /// <param name="config">What they set; of this kind.</param>
    protected virtual void DeclareFlags(FlagSet flags, ProxyConfig config)
    {
    }

    /// <summary>Writes the kind's own options into the message.</summary>
    /// <param name="config">Of this kind, completed.</param>
    /// <param name="message">Holds what all kinds have.</param>
    protected abstract void Describe(ProxyConfig config, NewProxy message);
}
