using Microsoft.Extensions.Logging;

namespace Frpc;

/// <summary>What the program itself says.</summary>
internal static partial class ProgramLog
{
    [LoggerMessage(1, LogLevel.Information, "start frpc service for config file [{Path}] with aggregated configuration")]
    internal static partial void Starting(ILogger logger, string path);

    [LoggerMessage(2, LogLevel.Information, "stopping: open connections have 10 s, a second signal ends them now")]
    internal static partial void Stopping(ILogger logger);

    [LoggerMessage(3, LogLevel.Information, "frpc service for config file [{Path}] stopped")]
    internal static partial void Stopped(ILogger logger, string path);

    [LoggerMessage(4, LogLevel.Error, "reload conf failed: {Cause}")]
    internal static partial void ReloadFailed(ILogger logger, string cause);

    [LoggerMessage(9, LogLevel.Information, "state: {State}")]
    internal static partial void State(ILogger logger, string state);
}
