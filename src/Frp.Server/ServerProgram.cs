using Frp.Config;

namespace Frp.Server;

/// <summary>What the program around a server does for it. Everything may be left out.</summary>
public sealed record ServerProgram
{
    /// <summary>Reads the configuration again, for a reload; null when it came from no file. Its argument says whether unknown keys are errors.</summary>
    /// <remarks>Throws <see cref="ConfigException"/>.</remarks>
    public Func<bool, LoadedConfig<ServerConfig>>? LoadConfig { get; init; }

    /// <summary>Sets the level of the log, as configuration files spell it. Must not throw.</summary>
    public Action<string>? SetLogLevel { get; init; }

    /// <summary>Hooks of the program's own. They are asked before the configuration's plug-ins, in this order.</summary>
    public IReadOnlyList<IServerHook> Hooks { get; init; } = [];
}

/// <summary>What a reload has done.</summary>
/// <param name="Applied">Keys that have changed and act from now on.</param>
/// <param name="NeedRestart">Keys that have changed in the file and keep their old value until the server is started again.</param>
public sealed record ReloadResult(IReadOnlyList<string> Applied, IReadOnlyList<string> NeedRestart)
{
    /// <summary>What is to be said about keys that need a restart, in one line; empty when there are none.</summary>
    public string RestartNotice => NeedRestart.Count == 0 ? "" : $"changed, but only a restart applies it: {string.Join(", ", NeedRestart)}";
}
