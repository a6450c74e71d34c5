using System.Buffers;

namespace Yamux;

/// <summary>Which end of the carrier a session is. It decides the ids of the streams it opens, nothing else.</summary>
public enum YamuxRole
{
    /// <summary>The end that dialled: opens streams 1, 3, 5, …</summary>
    Client,

    /// <summary>The end that accepted: opens streams 2, 4, 6, …</summary>
    Server,
}

/// <summary>How a session behaves. The defaults are those of the reference, but for what a receiver alone may decide.</summary>
/// <remarks>Source: docs/wire/yamux.md, "Configuration values".</remarks>
public sealed record YamuxOptions
{
    /// <summary>Bytes a sender may send on a stream before any credit has reached it. A constant of the protocol.</summary>
    public const int ProtocolWindow = 256 * 1024;

    /// <summary>How often the peer is pinged. Zero, negative or <see cref="Timeout.InfiniteTimeSpan"/>: never.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a ping may stay unanswered before the session ends.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the carrier may refuse to take a frame before the session ends.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a stream we opened may stay unacknowledged before the session ends.</summary>
    public TimeSpan StreamOpenTimeout { get; init; } = TimeSpan.FromSeconds(75);

    /// <summary>How long a disposed stream waits for the peer's FIN before it is reset and forgotten.</summary>
    public TimeSpan StreamCloseTimeout { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>
    /// Streams of the peer that may wait for <see cref="YamuxSession.AcceptStreamAsync"/> (one more is reset), and streams of
    /// ours that may wait for the peer's acknowledgement (a further open waits). Both ends assume the same number.
    /// </summary>
    public int AcceptBacklog { get; init; } = 256;

    /// <summary>Streams that may exist at once, including those that wait for the peer's FIN. A peer's SYN above that is reset.</summary>
    public int MaxStreams { get; init; } = 65_536;

    /// <summary>Payload bytes of the largest Data frame we send. The default makes header and payload 64 KiB: four full TLS records.</summary>
    public int MaxFramePayload { get; init; } = 64 * 1024 - FrameHeader.Size;

    /// <summary>The receive window announced when a stream is opened or acknowledged.</summary>
    public int StreamWindow { get; init; } = 6 * 1024 * 1024;

    /// <summary>The receive window up to which a stream grows whose reader keeps up with a long link.</summary>
    public int MaxStreamWindow { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// Bytes of receive window that all streams of the session together may hold beyond <see cref="ProtocolWindow"/> each.
    /// When it runs short, new streams announce less and windows stop growing.
    /// </summary>
    public long ReceiveBudget { get; init; } = 128L * 1024 * 1024;

    /// <summary>
    /// Payload bytes that the peer may send on all streams together before <see cref="YamuxSession.LiftReceiveLimit"/>, whatever their
    /// windows allow. More ends the session. For a peer that has yet to show who it is.
    /// </summary>
    public long ReceiveLimit { get; init; } = long.MaxValue;

    /// <summary>The clock of every timeout and round trip.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where buffers come from. Tests replace it to count what is not given back.</summary>
    internal ArrayPool<byte> Pool { get; init; } = ArrayPool<byte>.Shared;

    /// <summary>Throws when a value makes no sense; called once, by the session's constructor.</summary>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(KeepAliveTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(WriteTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(StreamOpenTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(StreamCloseTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(AcceptBacklog, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxStreams, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxFramePayload, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxFramePayload, 1024 * 1024);
        ArgumentOutOfRangeException.ThrowIfLessThan(StreamWindow, ProtocolWindow);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxStreamWindow, StreamWindow);
        ArgumentOutOfRangeException.ThrowIfNegative(ReceiveBudget);
        ArgumentOutOfRangeException.ThrowIfNegative(ReceiveLimit);
        ArgumentNullException.ThrowIfNull(TimeProvider);
    }
}
