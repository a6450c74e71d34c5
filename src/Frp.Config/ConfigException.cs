namespace Frp.Config;

/// <summary>A configuration cannot be used. The message is what the user is shown: one line for every mistake.</summary>
public sealed class ConfigException : Exception
{
    /// <summary>One mistake outside of any file's text.</summary>
    /// <param name="message">The fault.</param>
    /// <param name="cause">What failed below, if anything did.</param>
    public ConfigException(string message, Exception? cause = null) : base(message, cause) => Errors = [new ConfigError("", 0, "", message)];

    /// <summary>The mistakes found in a file.</summary>
    public ConfigException(IReadOnlyList<ConfigError> errors) : base(string.Join('\n', errors)) => Errors = errors;

    /// <summary>The mistakes in the order of the file; at least one.</summary>
    public IReadOnlyList<ConfigError> Errors { get; }
}
