using Frp.Transport;
using Microsoft.Extensions.Logging;
using ProtocolViolationException = Frp.Wire.ProtocolViolationException;

namespace Frp.Proxies.Plugins;

/// <summary>What the plug-ins have in common that connect users to whom they ask for.</summary>
internal static partial class ForwardProxy
{
    /// <summary>For a user's whole request, and for reaching whom he asks for.</summary>
    // Source: wire specification §20, for the first bytes.
    internal static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(60);

    /// <summary>Whether a failure is told in one line, and concerns nobody but the user.</summary>
    internal static bool IsUsersFault(Exception e, Deadline deadline) =>
        e is ProtocolViolationException or IOException || e is OperationCanceledException && deadline.HasPassed;

    internal static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Plugin}: user [{User}] was not connected: {Cause}")]
        internal static partial void Refused(ILogger logger, string plugin, string user, string cause);
    }
}
