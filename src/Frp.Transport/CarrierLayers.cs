namespace Frp.Transport;

/// <summary>What lies between a connection's bytes and its socket.</summary>
[Flags]
public enum CarrierLayers
{
    /// <summary>Nothing that the connection knows of.</summary>
    None = 0,
    /// <summary>TLS: the peer cannot be listened to.</summary>
    Tls = 1,
    /// <summary>WebSocket frames.</summary>
    WebSocket = 2,
}
