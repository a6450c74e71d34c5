using System.Text;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>The server's conversation on a connection that opened with <c>GET /~!frp</c>: requests are answered until one upgrades.</summary>
internal static class WebSocketListenerHandshake
{
    // The reference's limit is a megabyte; an upgrade needs some hundred bytes, and this is before anybody has logged in.
    private const int MaxHeadSize = 16 * 1024;
    // Requests for other paths leave the connection open; not for ever.
    private const int MaxRequests = 16;

    private const int MaxDiscarded = 256 * 1024;
    private static readonly TimeSpan FarewellTimeout = TimeSpan.FromMilliseconds(500);

    // Source: wire reference, WebSocket: header read timeout.
    internal static TimeSpan HeadTimeout { get; } = TimeSpan.FromSeconds(60);

    /// <param name="connection">Owned from here on: closed unless it is upgraded.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="cancellationToken">Fires when the listener's owner stops.</param>
    /// <exception cref="ProtocolViolationException">The last request did not upgrade.</exception>
    internal static async ValueTask<WebSocketConnection> RunAsync(
        Connection connection, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        try
        {
            // One deadline for all of it: a peer that asks for other pages meanwhile does not get more time.
            using var deadline = new Deadline(HeadTimeout, timeProvider, cancellationToken);
            ReadOnlyMemory<byte> surplus = default;
            for (var request = 1; request <= MaxRequests; request++)
            {
                try
                {
                    var read = await HttpHead.ReadAsync(connection.Stream, surplus, MaxHeadSize, deadline.Token);
                    if (read.Head.IsEmpty) throw new EndOfStreamException();
                    surplus = read.Surplus;
                    var (response, outcome, origin) = WebSocketHandshake.Answer(read.Head.Span, timeProvider.GetUtcNow());
                    await SendAsync(connection, response, deadline.Token);
                    if (outcome == UpgradeOutcome.Upgraded)
                    {
                        return new WebSocketConnection(connection, isClient: false, origin, surplus.Span, timeProvider);
                    }
                    if (outcome == UpgradeOutcome.Closed)
                    {
                        await LetReadAsync(connection, timeProvider);
                        break;
                    }
                }
                catch (OperationCanceledException) when (deadline.HasPassed)
                {
                    throw deadline.Passed("WebSocket upgrade");
                }
                catch (HttpHeadTooLargeException e)
                {
                    await SendAsync(connection, WebSocketHandshake.TooLarge, deadline.Token);
                    await LetReadAsync(connection, timeProvider);
                    throw new ProtocolViolationException(e.Message, e);
                }
            }
            throw new ProtocolViolationException("no valid WebSocket upgrade");
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    // Closing while bytes of the peer are unread makes the kernel send a reset, which can overtake the answer.
    private static async ValueTask LetReadAsync(Connection connection, TimeProvider timeProvider)
    {
        using var deadline = new Deadline(FarewellTimeout, timeProvider, CancellationToken.None);
        try
        {
            if (connection.CanHalfClose) await connection.CompleteWritesAsync(deadline.Token);
            var discarded = new byte[4096];
            for (var total = 0; total < MaxDiscarded;)
            {
                var count = await connection.Stream.ReadAsync(discarded, deadline.Token);
                if (count == 0) return;
                total += count;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // Gone, or in no hurry: it had its chance.
        }
    }

    private static async ValueTask SendAsync(Connection connection, string text, CancellationToken cancellationToken)
    {
        await connection.Stream.WriteAsync(Encoding.Latin1.GetBytes(text), cancellationToken);
        await connection.Stream.FlushAsync(cancellationToken);
    }
}
