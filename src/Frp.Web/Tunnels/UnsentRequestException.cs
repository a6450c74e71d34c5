namespace Frp.Web;

/// <summary>A request has no connection to a local service, and nothing of it has gone anywhere.</summary>
/// <param name="message">Why it has none.</param>
internal sealed class UnsentRequestException(string message) : IOException(message);
