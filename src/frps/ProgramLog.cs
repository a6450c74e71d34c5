using Microsoft.Extensions.Logging;

namespace Frps;

/// <summary>What the program itself says.</summary>
internal static partial class ProgramLog
{
    [LoggerMessage(1, LogLevel.Information, "frps uses config file: {Path}")]
    internal static partial void UsesFile(ILogger logger, string path);

    [LoggerMessage(2, LogLevel.Information, "frps uses command line arguments for config")]
    internal static partial void UsesFlags(ILogger logger);

    [LoggerMessage(3, LogLevel.Information, "stopping: open connections have 10 s, a second signal ends them now")]
    internal static partial void Stopping(ILogger logger);

    [LoggerMessage(4, LogLevel.Error, "reload conf failed: {Cause}")]
    internal static partial void ReloadFailed(ILogger logger, string cause);

    [LoggerMessage(9, LogLevel.Information, "state: {State}")]
    internal static partial void State(ILogger logger, string state);
}
