using Frp.Transport;

namespace Frp.Web;

/// <summary>The last bytes to a peer that is refused, sent so that the peer gets to read them.</summary>
/// <remarks>
/// A socket that is closed while bytes of the peer are unread, or that gets more of them afterwards, is reset, and a reset overtakes
/// what was sent before. So our direction is ended first, and what the peer still says is read and ignored for a while.
/// </remarks>
internal static class Farewell
{
    /// <summary>How much of what the peer still says is ignored before the connection is closed in spite of it.</summary>
    internal const int MaxIgnoredBytes = 256 * 1024;

    /// <summary>How long the peer is heard out.</summary>
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>Sends the bytes and closes the connection.</summary>
    /// <param name="connection">Owned from here on.</param>
    /// <param name="words">What the peer is told.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Closes at once.</param>
    /// <exception cref="IOException">The peer was gone before.</exception>
    internal static async Task SayAsync(Connection connection, ReadOnlyMemory<byte> words, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var owned = connection;
        using var deadline = new Deadline(Limit, time, cancellationToken);
        try
        {
            await connection.Stream.WriteAsync(words, deadline.Token);
            await connection.Stream.FlushAsync(deadline.Token);
            if (!connection.CanHalfClose) return;
            await connection.CompleteWritesAsync(deadline.Token);
            var ignored = new byte[2048];
            for (int total = 0; total < MaxIgnoredBytes;)
            {
                int count = await connection.Stream.ReadAsync(ignored, deadline.Token);
                if (count == 0) return;
                total += count;
            }
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            // The peer had its time.
        }
    }
}
