namespace Frp.Transport;

/// <summary>What a connection's machine knows of its other end.</summary>
public enum LinkState
{
    /// <summary>The peer is there, as far as is known, and has not got everything yet that was written.</summary>
    Sending,
    /// <summary>The peer is there, as far as is known, and a reset cannot take anything from it any more that was written.</summary>
    Delivered,
    /// <summary>The connection was reset, has timed out, or is closed: neither direction will ever carry a byte.</summary>
    Gone,
}
