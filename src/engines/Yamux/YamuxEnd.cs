namespace Yamux;

/// <summary>What ended a session. The first reason wins; later ones are its consequences.</summary>
public enum YamuxEndKind
{
    /// <summary>We closed or aborted it.</summary>
    LocalClose,

    /// <summary>The carrier ended: the peer closed it.</summary>
    RemoteClose,

    /// <summary>The peer sent GoAway with a code other than 0.</summary>
    GoAway,

    /// <summary>The peer did not answer a ping in time.</summary>
    KeepAliveTimeout,

    /// <summary>The carrier did not take a frame in time.</summary>
    WriteTimeout,

    /// <summary>The peer did not acknowledge a stream in time.</summary>
    OpenTimeout,

    /// <summary>The peer broke the protocol.</summary>
    ProtocolViolation,

    /// <summary>Reading from or writing to the carrier failed.</summary>
    CarrierError,

    /// <summary>A sink threw, or a defect of ours: never the peer's fault.</summary>
    InternalError,
}

/// <summary>Why a session ended.</summary>
/// <param name="Kind">The class of the reason.</param>
/// <param name="Text">One line for people.</param>
/// <param name="Exception">The failure behind it, where there was one.</param>
/// <param name="GoAwayCode">The code the peer sent, for <see cref="YamuxEndKind.GoAway"/>.</param>
public sealed record YamuxEnd(YamuxEndKind Kind, string Text, Exception? Exception = null, uint? GoAwayCode = null);

/// <summary>What ended the receiving direction of a stream.</summary>
public enum YamuxStreamEnd
{
    /// <summary>The peer sent FIN, and all of its bytes have been taken.</summary>
    Finished,

    /// <summary>The peer sent RST.</summary>
    Reset,

    /// <summary>The session is over.</summary>
    SessionEnded,

    /// <summary>The stream was disposed or aborted on this side.</summary>
    ClosedLocally,
}

/// <summary>A session cannot do what was asked because it is over or about to end.</summary>
public sealed class YamuxSessionException : IOException
{
    /// <summary>Creates the exception for a session that has ended.</summary>
    public YamuxSessionException(YamuxEnd end) : base("yamux session is over: " + (end ?? throw new ArgumentNullException(nameof(end))).Text, end.Exception) =>
        End = end;

    /// <summary>Creates the exception for a session that goes on but refuses, for example after GoAway.</summary>
    public YamuxSessionException(string message) : base(message)
    {
    }

    /// <summary>Why the session ended; null while it goes on.</summary>
    public YamuxEnd? End { get; }
}

/// <summary>A stream ended otherwise than by FIN.</summary>
public sealed class YamuxStreamException : IOException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="end">What happened to the stream.</param>
    /// <param name="inner">The session's end, for <see cref="YamuxStreamEnd.SessionEnded"/>.</param>
    public YamuxStreamException(YamuxStreamEnd end, Exception? inner = null) : base(Describe(end, inner), inner) => End = end;

    /// <summary>What happened to the stream.</summary>
    public YamuxStreamEnd End { get; }

    private static string Describe(YamuxStreamEnd end, Exception? inner) => end switch
    {
        YamuxStreamEnd.Reset => "yamux stream was reset by the peer",
        YamuxStreamEnd.SessionEnded => inner?.Message ?? "yamux session is over",
        YamuxStreamEnd.ClosedLocally => "yamux stream was closed on this side",
        _ => "yamux stream has ended",
    };
}
