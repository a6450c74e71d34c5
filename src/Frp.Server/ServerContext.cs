using Frp.Config;
using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>What the parts of one running server share. Built once, when the server starts.</summary>
internal sealed class ServerContext
{
    internal required ServerConfig Config { get; init; }
    internal required ILoggerFactory Loggers { get; init; }
    internal required TimeProvider Time { get; init; }
    internal required SessionRegistry Sessions { get; init; }
    internal required IIngressRegistry Ingress { get; init; }
    internal required ProxyPorts Ports { get; init; }
    internal required UserGroups Groups { get; init; }
    internal required Vhosts Vhosts { get; init; }
    internal required SecretListeners Secrets { get; init; }
    internal required TokenVerifier Auth { get; init; }

    /// <summary>UTF-8 of the token, an input of the v2 control keys.</summary>
    internal required byte[] TokenBytes { get; init; }

    /// <summary>Key of the payload encryption and of the v1 control channel, derived from the token.</summary>
    internal required byte[] StreamKey { get; init; }

    /// <summary>Users that are being served. They outlive proxies and sessions, and are drained when the server stops.</summary>
    internal required TaskScope Users { get; init; }

    /// <summary>Fires when the server stops for good, behind the draining.</summary>
    internal required CancellationToken Stopping { get; init; }
}
