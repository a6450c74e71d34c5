namespace Frp.Transport;

/// <summary>How a connection, a session or a scope came to its end.</summary>
public enum CloseKind
{
    /// <summary>The peer finished: end of stream in good order.</summary>
    EndOfStream,
    /// <summary>We finished.</summary>
    LocalClose,
    /// <summary>The program, or the part that owns this one, is stopping.</summary>
    Shutdown,
    /// <summary>The peer reset the connection, or the network broke it.</summary>
    Reset,
    /// <summary>A deadline passed.</summary>
    Timeout,
    /// <summary>The peer broke the protocol.</summary>
    ProtocolViolation,
    /// <summary>One side said no: wrong token, unknown name, limit reached.</summary>
    Refused,
    /// <summary>A newer session with the same run ID took over.</summary>
    Replaced,
    /// <summary>A defect of ours, or of the machine.</summary>
    Fault,
}

/// <summary>Why something ended. Things end once: the first reason wins, and logs, metrics and errors all read it.</summary>
/// <param name="Kind">What happened, for decisions.</param>
/// <param name="Detail">What happened, in words for an operator.</param>
/// <param name="Exception">The exception behind it, when one carries more than <paramref name="Detail"/> says.</param>
public sealed record CloseReason(CloseKind Kind, string Detail, Exception? Exception = null)
{
    /// <summary>Expected ends are no news: they are logged at debug level and never as stack traces.</summary>
    public bool IsExpected => Kind is CloseKind.EndOfStream or CloseKind.LocalClose or CloseKind.Shutdown or CloseKind.Reset or CloseKind.Replaced;

    /// <inheritdoc/>
    public override string ToString() => Detail;

    /// <summary>Sorts an exception of an I/O operation into a reason.</summary>
    public static CloseReason From(Exception exception) => exception switch
    {
        OperationCanceledException => new(CloseKind.Shutdown, "cancelled"),
        TimeoutException => new(CloseKind.Timeout, exception.Message),
        Frp.Wire.ProtocolViolationException => new(CloseKind.ProtocolViolation, exception.Message),
        ProxyRefusedException or System.Security.Authentication.AuthenticationException => new(CloseKind.Refused, exception.Message),
        EndOfStreamException => new(CloseKind.EndOfStream, "end of stream"),
        IOException or System.Net.Sockets.SocketException or ObjectDisposedException => new(CloseKind.Reset, exception.Message),
        _ => new(CloseKind.Fault, exception.Message, exception),
    };
}
