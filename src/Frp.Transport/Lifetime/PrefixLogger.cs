using Microsoft.Extensions.Logging;

namespace Frp.Transport;

/// <summary>A logger that puts <c>[value] </c> groups in front of every message: the run ID, then the name of the proxy or visitor.</summary>
public sealed class PrefixLogger(ILogger inner, string prefix) : ILogger
{
    /// <summary>Adds one group behind those that the logger has already.</summary>
    public static ILogger Append(ILogger logger, string value) =>
        logger is PrefixLogger own ? new PrefixLogger(own.Inner, $"{own.Prefix}[{value}] ") : new PrefixLogger(logger, $"[{value}] ");

    private ILogger Inner => inner;

    private string Prefix => prefix;

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => inner.BeginScope(state);

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    /// <inheritdoc/>
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (inner.IsEnabled(logLevel)) inner.Log(logLevel, eventId, state, exception, (s, e) => prefix + formatter(s, e));
    }
}
