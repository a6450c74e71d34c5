using Yamux;

namespace Frp.Transport;

/// <summary>The ends of multiplexing sessions, in the words of connections.</summary>
public static class MuxEnds
{
    /// <summary>Why a session ended.</summary>
    public static CloseReason ReasonOf(YamuxEnd end) => new(
        end.Kind switch
        {
            YamuxEndKind.LocalClose => CloseKind.LocalClose,
            YamuxEndKind.RemoteClose => CloseKind.EndOfStream,
            YamuxEndKind.ProtocolViolation => CloseKind.ProtocolViolation,
            YamuxEndKind.KeepAliveTimeout or YamuxEndKind.WriteTimeout or YamuxEndKind.OpenTimeout => CloseKind.Timeout,
            YamuxEndKind.InternalError => CloseKind.Fault,
            _ => CloseKind.Reset,
        },
        end.Text,
        end.Exception);
}
