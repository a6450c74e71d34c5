namespace Frp.Wire;

/// <summary>The peer broke the protocol. Always the peer's fault, and always the end of the connection it came on.</summary>
public sealed class ProtocolViolationException : IOException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What was wrong, in words for an operator. Text from the peer is escaped before it gets here.</param>
    public ProtocolViolationException(string message) : base(message) { }

    /// <summary>Creates the exception around the parser's own.</summary>
    public ProtocolViolationException(string message, Exception inner) : base(message, inner) { }
}
