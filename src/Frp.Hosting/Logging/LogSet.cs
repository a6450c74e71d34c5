namespace Frp.Hosting;

/// <summary>The logs of one process. Those that go to the same place share it, so that lines stay whole and a file is rotated once.</summary>
/// <remarks>Disposing the set writes what is still queued. Not safe for concurrent use; the loggers are.</remarks>
public sealed class LogSet(TimeProvider? time = null) : IDisposable
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Dictionary<string, LogWriter> _writers = new(StringComparer.Ordinal);

    /// <summary>Opens a log. The set owns it: disposing the factory does nothing.</summary>
    /// <remarks>How long rotated files are kept is the first one's to say who opens the file.</remarks>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be opened.</exception>
    public FrpLoggerFactory Open(LogOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        string place = options.IsConsole ? "" : Path.GetFullPath(options.To);
        if (!_writers.TryGetValue(place, out var writer)) _writers.Add(place, writer = FrpLoggerFactory.Open(options, _time));
        return new FrpLoggerFactory(options, writer, ownsWriter: false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var writer in _writers.Values) writer.Dispose();
    }
}
