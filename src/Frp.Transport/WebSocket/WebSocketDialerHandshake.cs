namespace Frp.Transport;

/// <summary>The client's side of the upgrade.</summary>
internal static class WebSocketDialerHandshake
{
    private const int MaxHeadSize = 16 * 1024;

    /// <param name="connection">Owned from here on: closed unless it is upgraded.</param>
    /// <param name="host">For Host and Origin: with the port, or without.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="cancellationToken">Carries the deadline.</param>
    /// <exception cref="Frp.Wire.ProtocolViolationException">The server did not upgrade.</exception>
    internal static async ValueTask<Connection> RunAsync(
        Connection connection, string host, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        try
        {
            var key = WebSocketHandshake.CreateKey();
            await connection.Stream.WriteAsync(WebSocketHandshake.CreateRequest(host, key), cancellationToken);
            await connection.Stream.FlushAsync(cancellationToken);
            var (head, surplus) = await HttpHead.ReadAsync(connection.Stream, default, MaxHeadSize, cancellationToken);
            if (head.IsEmpty) throw new EndOfStreamException("the server closed the connection instead of answering the WebSocket upgrade");
            WebSocketHandshake.CheckResponse(head.Span, key);
            return new WebSocketConnection(connection, isClient: true, origin: null, surplus.Span, timeProvider);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
