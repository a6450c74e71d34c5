namespace Yamux;

/// <content>The table of streams. Every field here is covered by <see cref="SendQueue.Gate"/>, which may be held when a flow's own lock is taken, never the other way round.</content>
public sealed partial class YamuxSession
{
    private readonly Dictionary<uint, YamuxStream> _streams = [];
    private readonly Queue<TaskCompletionSource> _openers = new();
    private uint _nextId;
    private int _awaitingAck;    // streams of ours without an answer, plus opens that were given their turn
    private int _backlog;        // streams of the peer that nobody has accepted
    private int _lingering;      // streams disposed and waiting for the peer's FIN
    private bool _goesAway;
    private bool _peerGoesAway;

    /// <summary>Sends FIN, once.</summary>
    internal void CompleteWrites(YamuxStream stream)
    {
        Flush flush;
        lock (Sending.Gate)
        {
            if (stream.Outbound.Finished) return;
            stream.Outbound.ThrowIfUnwritable();
            flush = Finish(stream);
        }

        Sending.Run(flush);
    }

    /// <summary>The orderly end of a stream by its owner.</summary>
    internal void Close(YamuxStream stream)
    {
        Flush flush = Flush.None;
        bool complete = false;
        lock (Sending.Gate)
        {
            if (!stream.Lingers && IsKnown(stream))
            {
                if (stream.Outbound.Active)
                {
                    // A write that is cut off must not look like a complete one.
                    flush = SendReset(stream);
                    complete = stream.Outbound.Fail(YamuxStreamEnd.ClosedLocally);
                }
                else
                {
                    if (!stream.Outbound.Finished) flush = Finish(stream);
                    if (!stream.PeerFinished)
                    {
                        stream.Lingers = true;
                        stream.Since = Options.TimeProvider.GetTimestamp();
                        _lingering++;
                    }
                }
            }

            complete |= stream.Outbound.Fail(YamuxStreamEnd.ClosedLocally);
        }

        Sending.Run(flush);
        if (complete) stream.Outbound.Complete();
        stream.Inbound.Fail(YamuxStreamEnd.ClosedLocally);
        EnsureTicking();
    }

    /// <summary>The disorderly end of a stream by its owner.</summary>
    internal void Reset(YamuxStream stream)
    {
        Flush flush = Flush.None;
        bool complete;
        lock (Sending.Gate)
        {
            if (IsKnown(stream)) flush = SendReset(stream);
            complete = stream.Outbound.Fail(YamuxStreamEnd.ClosedLocally);
        }

        Sending.Run(flush);
        if (complete) stream.Outbound.Complete();
        stream.Inbound.Fail(YamuxStreamEnd.ClosedLocally);
    }

    /// <summary>Bytes came that nobody will take: one reset tells the peer to stop, if it does not know yet.</summary>
    internal void Refuse(YamuxStream stream)
    {
        Flush flush = Flush.None;
        bool complete;
        lock (Sending.Gate)
        {
            if (IsKnown(stream)) flush = SendReset(stream);
            complete = stream.Outbound.Fail(YamuxStreamEnd.Reset);
        }

        Sending.Run(flush);
        if (complete) stream.Outbound.Complete();
    }

    /// <summary>Gives credit back.</summary>
    internal void AnnounceWindow(YamuxStream stream, uint increment)
    {
        Flush flush = Flush.None;
        lock (Sending.Gate)
        {
            if (IsKnown(stream) && !stream.PeerFinished)
            {
                Sending.AppendCredit(stream.Outbound, increment);
                flush = Sending.Decide(urgent: false);
            }
        }

        Sending.Run(flush);
    }

    private bool IsKnown(YamuxStream stream) => _streams.TryGetValue(stream.Id, out YamuxStream? known) && ReferenceEquals(known, stream);

    private Flush Finish(YamuxStream stream)
    {
        stream.Outbound.Finished = true;
        Sending.AppendControl(new FrameHeader(FrameType.WindowUpdate, FrameFlags.Fin, stream.Id, 0));
        if (stream.PeerFinished) Forget(stream);
        return Sending.Decide(urgent: true);
    }

    private Flush SendReset(YamuxStream stream)
    {
        Sending.AppendControl(new FrameHeader(FrameType.WindowUpdate, FrameFlags.Rst, stream.Id, 0));
        Forget(stream);
        return Sending.Decide(urgent: true);
    }

    private void Forget(YamuxStream stream)
    {
        _streams.Remove(stream.Id);
        if (stream.Lingers) _lingering--;
        Answered(stream);
    }

    // Something came back for a stream of ours, or it is gone: its place among the unacknowledged is free.
    // Compat: any frame counts, since the reference leaves ACK out when our FIN came before its accept.
    private void Answered(YamuxStream stream)
    {
        if (!stream.AwaitsAck) return;
        stream.AwaitsAck = false;
        PassTurn();
    }

    private void PassTurn()
    {
        while (_openers.TryDequeue(out TaskCompletionSource? next))
        {
            if (next.TrySetResult()) return; // the place goes over to it
        }

        _awaitingAck--;
    }

    // Takes a place among the unacknowledged, or a turn to wait for one.
    private bool TryReserveOpen(out TaskCompletionSource? turn)
    {
        lock (Sending.Gate)
        {
            ThrowIfClosedToOpens();
            turn = null;
            if (_awaitingAck < Options.AcceptBacklog)
            {
                _awaitingAck++;
                return true;
            }

            while (_openers.TryPeek(out TaskCompletionSource? first) && first.Task.IsCompleted) _openers.Dequeue(); // cancelled
            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _openers.Enqueue(turn);
            return false;
        }
    }

    private async ValueTask<YamuxStream> WaitAndOpenAsync(TaskCompletionSource turn, CancellationToken cancellationToken)
    {
        await using (cancellationToken.UnsafeRegister(static (t, token) => ((TaskCompletionSource)t!).TrySetCanceled(token), turn))
            await turn.Task;
        return Open();
    }

    private YamuxStream Open()
    {
        YamuxStream stream;
        Flush flush;
        lock (Sending.Gate)
        {
            try
            {
                ThrowIfClosedToOpens();
                // Compat: ids are not checked for parity, so the peer may have taken one of ours.
                while (_streams.ContainsKey(_nextId)) _nextId = NextId(_nextId);
                stream = new YamuxStream(this, _nextId) { AwaitsAck = true, Since = Options.TimeProvider.GetTimestamp() };
                _nextId = NextId(_nextId);
            }
            catch
            {
                PassTurn();
                throw;
            }

            _streams.Add(stream.Id, stream);
            uint window = stream.Inbound.Open();
            Sending.AppendControl(new FrameHeader(FrameType.WindowUpdate, FrameFlags.Syn, stream.Id, window));
            flush = Sending.Decide(urgent: false); // the first bytes are likely to follow at once, and to take it along
        }

        Sending.Run(flush);
        EnsureTicking();
        return stream;
    }

    private static uint NextId(uint id) => id < uint.MaxValue - 2 ? id + 2 : throw new YamuxSessionException("yamux stream ids are exhausted");

    private void ThrowIfClosedToOpens()
    {
        if (_end is { } end) throw new YamuxSessionException(end);
        if (_peerGoesAway) throw new YamuxSessionException("the peer accepts no more yamux streams");
        if (_goesAway) throw new YamuxSessionException("GoAway was sent: no more yamux streams are opened");
    }

    // A stream leaves the backlog. False when it is gone already.
    private bool Acknowledge(YamuxStream stream)
    {
        Flush flush;
        lock (Sending.Gate)
        {
            _backlog--;
            if (_end is not null || !IsKnown(stream)) return false;
            uint window = stream.Inbound.Open();
            Sending.AppendControl(new FrameHeader(FrameType.WindowUpdate, FrameFlags.Ack, stream.Id, window));
            flush = Sending.Decide(urgent: false); // an answer is likely to follow, and the opener does not wait
        }

        Sending.Run(flush);
        return true;
    }
}
