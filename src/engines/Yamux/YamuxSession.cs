using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Yamux;

/// <summary>Many streams over one carrier, as the reference's mux speaks it.</summary>
/// <remarks>
/// <para><b>Ownership.</b> The session owns its carrier. Whoever created it runs <see cref="RunAsync"/>, awaits it, and
/// disposes the session; streams are disposed by those who opened or accepted them.</para>
/// <para><b>Ends.</b> A session ends once, for one reason (<see cref="End"/>). All of its streams end with it: reads of what
/// had arrived before a FIN still succeed, everything else fails with <see cref="YamuxStreamException"/>.</para>
/// <para><b>Concurrency.</b> All members may be called from any thread, <see cref="RunAsync"/> once. Continuations may run on
/// the read loop and must not block.</para>
/// <para><b>Carrier.</b> One read and one write at a time, reads and writes at once. Writes may be gathered: each batch ends
/// with a flush. Reads and writes are cancelled, and the carrier is disposed, when the session ends.</para>
/// </remarks>
public sealed partial class YamuxSession : IAsyncDisposable
{
    private readonly Stream _carrier;
    private readonly YamuxRole _role;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource<YamuxEnd> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<YamuxStream> _inbound = Channel.CreateUnbounded<YamuxStream>(new UnboundedChannelOptions
    {
        SingleWriter = true,
        AllowSynchronousContinuations = true, // bounded by AcceptBacklog, counted under the lock
    });

    private YamuxEnd? _end;
    private int _ran;
    private long _receiveLimit;
    private long _received; // payload; the read loop's

    /// <summary>Prepares a session; nothing is read or written yet.</summary>
    /// <param name="carrier">The carrier. The session takes ownership.</param>
    /// <param name="role">Which end of it this is.</param>
    /// <param name="options">How to behave; null for the defaults.</param>
    public YamuxSession(Stream carrier, YamuxRole role, YamuxOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(carrier);
        Options = options ?? new YamuxOptions();
        Options.Validate();
        _carrier = carrier;
        _role = role;
        _nextId = role == YamuxRole.Client ? 1u : 2u;
        _receiveLimit = Options.ReceiveLimit;
        Stopping = _stopping.Token;
        Budget = new ReceiveBudget(Options.ReceiveBudget);
        Sending = new SendQueue(this, carrier);
        _reader = new FrameReader(this, carrier);
        _pings = new PingTracker(Options.TimeProvider);
    }

    /// <summary>Streams that are open, or disposed and waiting for the peer's FIN.</summary>
    public int StreamCount
    {
        get { lock (Sending.Gate) return _streams.Count; }
    }

    /// <summary>The link's round trip as the last pings saw it; null before the first answer.</summary>
    public TimeSpan? RoundTripTime => _pings.RoundTrip;

    /// <summary>Whether a stream can be opened: the session goes on, and neither end has sent GoAway.</summary>
    public bool CanOpenStreams
    {
        get { lock (Sending.Gate) return _end is null && !_peerGoesAway && !_goesAway; }
    }

    /// <summary>Why the session ended; null while it goes on.</summary>
    public YamuxEnd? End => Volatile.Read(ref _end);

    /// <summary>Completes when the session ends, before its streams learn of it and the carrier is closed.</summary>
    public Task<YamuxEnd> Ended => _ended.Task;

    /// <summary>Bytes that have arrived and nobody has taken yet, over all streams.</summary>
    public long QueuedReceiveBytes
    {
        get
        {
            YamuxStream[] streams;
            lock (Sending.Gate) streams = [.. _streams.Values];
            return streams.Sum(static s => s.Inbound.Queued);
        }
    }

    /// <summary><see cref="StreamCount"/> for those who hold the lock.</summary>
    internal int StreamCountLocked => _streams.Count;

    internal YamuxOptions Options { get; }

    internal ReceiveBudget Budget { get; }

    /// <summary>Ends what <see cref="YamuxOptions.ReceiveLimit"/> began: the peer is trusted from now on. May be called from any thread.</summary>
    public void LiftReceiveLimit() => Volatile.Write(ref _receiveLimit, long.MaxValue);

    internal SendQueue Sending { get; }

    /// <summary>Fires when the session is being closed: the token of all carrier calls.</summary>
    internal CancellationToken Stopping { get; }

    /// <summary>Reads frames until the session ends, and returns why it ended. By then the carrier is closed and nothing of the session runs any more.</summary>
    /// <param name="cancellationToken">Ends the session as <see cref="YamuxEndKind.LocalClose"/>.</param>
    /// <remarks>Errors: does not throw, whatever the peer or the carrier does.</remarks>
    public async Task<YamuxEnd> RunAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _ran, 1) != 0) throw new InvalidOperationException("The session runs already.");
        await using (cancellationToken.UnsafeRegister(static s => ((YamuxSession)s!).EndWith(new YamuxEnd(YamuxEndKind.LocalClose, "cancelled")), this))
        {
            StartTicking();
            try
            {
                await _reader.RunAsync();
            }
            catch (ProtocolViolation e)
            {
                EndWith(new YamuxEnd(YamuxEndKind.ProtocolViolation, e.Message), e.GoAwayCode);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException or System.Net.Sockets.SocketException)
            {
                EndByCarrier(e);
            }
            catch (Exception e)
            {
                EndWith(new YamuxEnd(YamuxEndKind.InternalError, e.Message, e), goAway: 2);
            }

            await _reader.ReleaseAsync();
            await _closed.Task;
        }

        return _end!;
    }

    /// <summary>Opens a stream; waits while too many wait for the peer's acknowledgement.</summary>
    /// <remarks>Errors: <see cref="YamuxSessionException"/> when the session is over, or either end has sent GoAway.</remarks>
    public ValueTask<YamuxStream> OpenStreamAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<YamuxStream>(cancellationToken);
        return TryReserveOpen(out TaskCompletionSource? turn) ? new ValueTask<YamuxStream>(Open()) : WaitAndOpenAsync(turn!, cancellationToken);
    }

    /// <summary>Waits for a stream the peer opens and acknowledges it; null when the session is over.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<YamuxStream?> AcceptStreamAsync(CancellationToken cancellationToken = default)
    {
        while (await _inbound.Reader.WaitToReadAsync(cancellationToken))
        {
            while (_inbound.Reader.TryRead(out YamuxStream? stream))
            {
                if (Acknowledge(stream)) return stream;
            }
        }

        return null;
    }

    /// <summary>Announces that no more streams are welcome; those that exist go on. Completes when the frame is queued.</summary>
    public ValueTask GoAwayAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        Flush flush = Flush.None;
        lock (Sending.Gate)
        {
            if (!_goesAway && _end is null)
            {
                _goesAway = true;
                Sending.AppendControl(new FrameHeader(FrameType.GoAway, FrameFlags.None, 0, 0));
                flush = Sending.Decide(urgent: true);
            }
        }

        Sending.Run(flush);
        return default;
    }

    /// <summary>Ends the session and closes the carrier at once; frames that wait are dropped.</summary>
    /// <param name="text">The reason, for people.</param>
    public void Abort(string text = "aborted") => EndWith(new YamuxEnd(YamuxEndKind.LocalClose, text), goAway: null, flush: false);

    /// <summary>Ends the session: what was written still reaches the carrier, within a second, and then the carrier is closed.</summary>
    public async ValueTask DisposeAsync()
    {
        EndWith(new YamuxEnd(YamuxEndKind.LocalClose, "closed"));
        await _closed.Task;
    }

    /// <summary>What a stream's user is told.</summary>
    internal Exception StreamFailure(YamuxStreamEnd end) => end == YamuxStreamEnd.ClosedLocally
        ? new ObjectDisposedException(nameof(YamuxStream))
        : new YamuxStreamException(end, end == YamuxStreamEnd.SessionEnded && End is { } over ? new YamuxSessionException(over) : null);
}

/// <summary>The peer broke the protocol. Thrown and caught on the read loop only.</summary>
internal sealed class ProtocolViolation(string message, uint? goAwayCode = 1) : Exception(message)
{
    /// <summary>What to send before the carrier is closed; null for nothing, as the reference does it.</summary>
    public uint? GoAwayCode => goAwayCode;
}
