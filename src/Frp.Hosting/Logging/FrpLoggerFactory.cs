using Microsoft.Extensions.Logging;

namespace Frp.Hosting;

/// <summary>Loggers that write the product's line format to the console or to a rotating file.</summary>
/// <remarks>
/// Disposing the factory writes what is still queued. Programs that embed the libraries may pass any other
/// <see cref="ILoggerFactory"/>: categories and event ids are the same there.
/// </remarks>
public sealed class FrpLoggerFactory : ILoggerFactory
{
    private readonly LogWriter _writer;
    private volatile int _level;

    /// <summary>Opens the log.</summary>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be opened.</exception>
    public FrpLoggerFactory(LogOptions options, TimeProvider? time = null)
    {
        time ??= TimeProvider.System;
        Level = options.Level;
        bool console = options.To == LogOptions.Console;
        _writer = new LogWriter(console ? new ConsoleTarget() : new RotatingFileTarget(options.To, options.MaxDays, time.GetLocalNow()), time, console && options.Color);
    }

    /// <summary>The least severe level that is written. Loggers that were handed out heed a change at once.</summary>
    public LogLevel Level
    {
        get => (LogLevel)_level;
        set => _level = (int)value;
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new ComponentLogger(this, categoryName);

    /// <summary>Not supported: this factory is its only provider.</summary>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("the product's log has one target");

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();

    private sealed class ComponentLogger(FrpLoggerFactory factory, string component) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= factory.Level && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) factory._writer.Write(logLevel, component, eventId.Id, formatter(state, exception), exception);
        }
    }
}
