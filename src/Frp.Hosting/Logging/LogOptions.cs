using Frp.Config;
using Microsoft.Extensions.Logging;

namespace Frp.Hosting;

/// <summary>Where a program's log goes and how much of it.</summary>
public sealed record LogOptions
{
    /// <summary>The value of <see cref="To"/> that means standard output.</summary>
    public const string Console = "console";

    /// <summary><see cref="Console"/>, or the path of a file that is appended to and rotated at local midnight.</summary>
    public string To { get; init; } = Console;

    /// <summary>The least severe level that is written.</summary>
    public LogLevel Level { get; init; } = LogLevel.Information;

    /// <summary>Days for which rotated files are kept; a negative number keeps them for ever.</summary>
    public int MaxDays { get; init; } = 3;

    /// <summary>Whether console lines carry ANSI colours.</summary>
    public bool Color { get; init; } = true;

    /// <summary>The log goes to standard output.</summary>
    public bool IsConsole => To == Console;

    /// <summary>The options of a configuration.</summary>
    public static LogOptions Of(LogConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new LogOptions { To = config.To, Level = ParseLevel(config.Level), MaxDays = config.MaxDays, Color = !config.DisablePrintColor };
    }

    /// <summary>Reads a level as configuration files spell it; anything else is <see cref="LogLevel.Information"/>.</summary>
    public static LogLevel ParseLevel(string level) => level switch
    {
        "trace" => LogLevel.Trace,
        "debug" => LogLevel.Debug,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        _ => LogLevel.Information,
    };
}
