using System.Collections.Frozen;

namespace Frp.Server;

/// <summary>What becomes of a key that has changed when the configuration is read again.</summary>
internal enum ReloadEffect
{
    /// <summary>It acts at once, for whatever begins from then on.</summary>
    Applied,
    /// <summary>It keeps its old value until the server is started again.</summary>
    NeedsRestart,
    /// <summary>It has no meaning, so it does not matter.</summary>
    None,
}

/// <summary>Which keys of the configuration a running server takes over: the only place that says so.</summary>
/// <remarks>Each key of the model is named here, itself or by an object above it; a test sees to that.</remarks>
internal static class ReloadKeys
{
    private static readonly string[] Applied =
    [
        "auth.additionalScopes", "auth.token", "auth.tokenSource", "auth.tlsBinding", "auth.maxClockSkew", "auth.oidc.audience", "auth.oidc.skipExpiryCheck", "auth.oidc.skipIssuerCheck", // logins
        "allowPorts", "maxPortsPerClient", // registrations
        "transport.maxPoolCount", "transport.heartbeatTimeout", // sessions
        "transport.tls.force", "transport.tls.certFile", "transport.tls.keyFile", "transport.tls.trustedCaFile", // handshakes
        "userConnTimeout", "vhostHTTPTimeout", "custom404Page", // users
        "detailedErrorsToClient", "httpPlugins",
        "webServer.tls.certFile", "webServer.tls.keyFile", // handshakes
        "log.level",
    ];

    private static readonly string[] NeedsRestart =
    [
        "auth.method", "auth.oidc.issuer",
        "bindAddr", "bindPort", "kcpBindPort", "quicBindPort", "proxyBindAddr",
        "vhostHTTPPort", "vhostHTTPSPort", "tcpmuxHTTPConnectPort", "tcpmuxPassthrough", "subDomainHost",
        "sshTunnelGateway", "enablePrometheus", "udpPacketSize", "natholeAnalysisDataReserveHours",
        // Who asks for a reload takes port and credentials from the new file: exchanging them would shut him out the time before.
        "webServer.addr", "webServer.port", "webServer.user", "webServer.password", "webServer.assetsDir", "webServer.pprofEnable", "webServer.tls",
        "transport.tcpMux", "transport.tcpMuxKeepaliveInterval", "transport.tcpKeepalive", "transport.quic",
        "log.to", "log.maxDays", "log.disablePrintColor",
    ];

    private static readonly string[] Meaningless = ["version", "transport.tls.serverName", "webServer.tls.trustedCaFile", "webServer.tls.serverName"];

    private static readonly FrozenDictionary<string, ReloadEffect> Effects = Applied.Select(key => (Key: key, Effect: ReloadEffect.Applied))
        .Concat(NeedsRestart.Select(key => (Key: key, Effect: ReloadEffect.NeedsRestart)))
        .Concat(Meaningless.Select(key => (Key: key, Effect: ReloadEffect.None)))
        .ToFrozenDictionary(entry => entry.Key, entry => entry.Effect);

    /// <summary>Keys whose default follows another key: while that one waits for a restart, so do they.</summary>
    private static readonly FrozenDictionary<string, string> Followers = new Dictionary<string, string> { ["transport.heartbeatTimeout"] = "transport.tcpMux" }.ToFrozenDictionary();

    /// <summary>Every name in the lists.</summary>
    internal static IReadOnlyCollection<string> Named => Effects.Keys;

    /// <summary>What becomes of a key. A key in no list needs a restart.</summary>
    internal static ReloadEffect EffectOf(string key)
    {
        for (string name = key; name.Length > 0; name = name[..Math.Max(0, name.LastIndexOf('.'))])
        {
            if (Effects.TryGetValue(name, out var effect)) return effect;
        }
        return ReloadEffect.NeedsRestart;
    }

    /// <summary>Sorts the keys that have changed.</summary>
    internal static (IReadOnlyList<string> Applied, IReadOnlyList<string> NeedRestart) Sort(IReadOnlyList<string> changed)
    {
        var effects = changed.ToLookup(key => Followers.TryGetValue(key, out string? leader) && changed.Contains(leader) ? ReloadEffect.NeedsRestart : EffectOf(key));
        return ([.. effects[ReloadEffect.Applied]], [.. effects[ReloadEffect.NeedsRestart]]);
    }
}
