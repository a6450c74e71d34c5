namespace Frp.Wire;

/// <summary>A message of ours does not fit into a frame that the peer would accept. Nothing was written.</summary>
public sealed class MessageTooLongException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="name">Name of the message.</param>
    /// <param name="length">Bytes that it would need.</param>
    /// <param name="limit">Bytes that are allowed.</param>
    public MessageTooLongException(string name, int length, int limit)
        : base($"a {name} of {length} bytes is over the wire's limit of {limit} bytes") { }
}
