namespace Yamux;

/// <summary>
/// Takes a stream's payload directly from the session's read buffer, instead of a reader that awaits it: no queue, no copy
/// and no wake-up lie between the carrier and, say, a local socket's non-blocking send.
/// </summary>
/// <remarks>
/// <b>Concurrency.</b> Called on the session's read loop, or on the thread that calls <see cref="YamuxStream.SetSink"/> or
/// <see cref="YamuxStream.ResumeSink"/>, or on the one that ends the stream; never concurrently for one stream and never under a lock. Must not block, since
/// every stream of the session waits meanwhile.
/// <b>Errors.</b> Must not throw: an exception ends the session as <see cref="YamuxEndKind.InternalError"/>.
/// </remarks>
public interface IYamuxSink
{
    /// <summary>
    /// Takes what it can right now and returns the count, 0 to the length of <paramref name="data"/>. When it took less, the
    /// rest is queued within the stream's window and offered again after <see cref="YamuxStream.ResumeSink"/>.
    /// </summary>
    /// <remarks>Ownership: the span is borrowed until the call returns. What was taken is credited to the peer.</remarks>
    int OnData(ReadOnlySpan<byte> data);

    /// <summary>
    /// The receiving direction is over. Called exactly once and last: after all data was taken when the peer finished, at
    /// once otherwise.
    /// </summary>
    void OnEnd(YamuxStreamEnd end);
}
