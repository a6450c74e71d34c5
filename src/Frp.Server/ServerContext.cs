using Frp.Config;
using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>What the parts of one running server share. Built once, when the server starts.</summary>
internal sealed class ServerContext
{
    /// <summary>Gives the settings in force. One call, one state: who reads several things that belong together reads them from one result.</summary>
    internal required Func<ServerSettings> Settings { get; init; }

    /// <summary>The configuration in force.</summary>
    internal ServerConfig Config => Settings().Config;

    /// <summary>The hooks in force.</summary>
    internal ServerHooks Hooks => Settings().Hooks;

    internal required ILoggerFactory Loggers { get; init; }
    internal required TimeProvider Time { get; init; }
    internal required SessionRegistry Sessions { get; init; }
    internal required IIngressRegistry Ingress { get; init; }
    internal required ProxyPorts Ports { get; init; }
    internal required UserGroups Groups { get; init; }
    internal required Vhosts Vhosts { get; init; }
    internal required SecretListeners Secrets { get; init; }
    internal required TraversalBroker Traversal { get; init; }

    /// <summary>Users that are being served. They outlive proxies and sessions, and are drained when the server stops.</summary>
    internal required TaskScope Users { get; init; }

    /// <summary>What hooks are still to be told of what has happened.</summary>
    internal required TaskScope Notices { get; init; }

    /// <summary>Fires when the server stops for good, behind the draining.</summary>
    internal required CancellationToken Stopping { get; init; }
}
