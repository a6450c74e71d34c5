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
    private readonly bool _color;
    private readonly bool _ownsWriter;
    private volatile LogLevel _level;

    /// <summary>Opens the log.</summary>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be opened.</exception>
    public FrpLoggerFactory(LogOptions options, TimeProvider? time = null) : this(options, Open(options, time ?? TimeProvider.System), ownsWriter: true)
    {
    }

    internal FrpLoggerFactory(LogOptions options, LogWriter writer, bool ownsWriter)
    {
        (_level, _writer, _ownsWriter) = (options.Level, writer, ownsWriter);
        _color = options.Color && options.IsConsole;
    }

    /// <summary>The least severe level that is written. May be changed at any time, by any thread.</summary>
    public LogLevel Level
    {
        get => _level;
        set => _level = value;
    }

    internal static LogWriter Open(LogOptions options, TimeProvider time) =>
        new(options.IsConsole ? new ConsoleTarget() : new RotatingFileTarget(options.To, options.MaxDays, time.GetLocalNow()), time);

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new ComponentLogger(this, categoryName);

    /// <summary>Not supported: this factory is its only provider.</summary>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("the product's log has one target");

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsWriter) _writer.Dispose();
    }

    private sealed class ComponentLogger(FrpLoggerFactory factory, string component) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= factory.Level && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) factory._writer.Write(logLevel, component, eventId.Id, formatter(state, exception), exception, factory._color);
        }
    }
}
