using System.Security.Authentication;

namespace Frp.Transport;

/// <summary>Why TLS came to an end, in words for the log.</summary>
/// <remarks>
/// A peer's alert can come late: in TLS 1.3 a client's handshake is over before the server has looked at its certificate, and the refusal is
/// then what the first read fails with, whoever that belongs to. .NET itself sends none on Linux; its peers see an end of the connection.
/// </remarks>
public static class TlsFailure
{
    private const string Alert = " alert ";
    private const string Error = "error:";
    private const string Routine = "::";

    /// <summary>An exception's message, with the reason of TLS where that lies deeper.</summary>
    public static string MessageOf(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return ReasonOf(exception) ?? exception.Message;
    }

    /// <summary>What the peer objected to, or what OpenSSL did; null when an exception has nothing to do with it.</summary>
    public static string? ReasonOf(Exception? exception)
    {
        // The platform has no other place for it than OpenSSL's text: "error:0A000418:SSL routines::tlsv1 alert unknown ca".
        for (; exception is not null; exception = exception.InnerException)
        {
            string text = exception.Message;
            int at = text.StartsWith(Error, StringComparison.Ordinal) ? text.IndexOf(Routine, StringComparison.Ordinal) : -1;
            if (at < 0) continue;
            text = text[(at + Routine.Length)..];
            int alert = text.IndexOf(Alert, StringComparison.Ordinal);
            return alert < 0 ? $"TLS failed: {text}" : Refused(text[(alert + Alert.Length)..]);
        }
        return null;
    }

    /// <summary>The exception of a handshake with a message that says why.</summary>
    /// <param name="exception">What the platform threw.</param>
    /// <param name="refusal">Why we refused; null when we did not.</param>
    internal static AuthenticationException Explained(AuthenticationException exception, string? refusal) =>
        (refusal ?? ReasonOf(exception)) is { } why ? new AuthenticationException(why, exception) : exception;

    private static string Refused(string alert) => $"the peer refused TLS: {alert}{Hint(alert)}";

    private static string Hint(string alert) => alert switch
    {
        "certificate required" => " (it wants a certificate: set transport.tls.certFile and keyFile)",
        "unknown ca" => " (our certificate is of no authority that it trusts)",
        "certificate expired" => " (our certificate has expired)",
        "bad certificate" => " (it does not accept our certificate)",
        _ => "",
    };
}
