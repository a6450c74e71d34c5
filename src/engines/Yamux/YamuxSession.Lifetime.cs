namespace Yamux;

/// <content>How a session ends, and the one coarse timer behind all of its timeouts.</content>
public sealed partial class YamuxSession
{
    /// <summary>How long queued frames may take to leave when the session is closed.</summary>
    private static readonly TimeSpan FlushGrace = TimeSpan.FromSeconds(1);

    /// <summary>A round trip measured within this is good enough.</summary>
    private static readonly TimeSpan FreshSample = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan CoarsestTick = TimeSpan.FromSeconds(1);

    private readonly FrameReader _reader;
    private readonly PingTracker _pings;
    private readonly Lock _tickGate = new(); // covers the three below; taken last, and by nobody who holds it while anything runs
    private ITimer? _timer;
    private bool _ticking;                   // something is pending whose timeout needs the short period
    private bool _stopped;
    private long _keepAliveFrom;             // of the tick alone: when the last keepalive was sent

    private bool KeepsAlive => Options.KeepAliveInterval > TimeSpan.Zero;

    private TimeSpan TickPeriod
    {
        get
        {
            TimeSpan least = new[] { Options.KeepAliveTimeout, Options.WriteTimeout, Options.StreamOpenTimeout, Options.StreamCloseTimeout }.Min();
            return least < CoarsestTick ? least : CoarsestTick;
        }
    }

    /// <summary>Ends the session; only the first call has an effect.</summary>
    /// <param name="end">The reason.</param>
    /// <param name="goAway">The code to send first, if any.</param>
    /// <param name="flush">Whether frames that wait may still leave.</param>
    internal void EndWith(YamuxEnd end, uint? goAway = null, bool flush = true)
    {
        if (Interlocked.CompareExchange(ref _end, end, null) is not null) return;

        YamuxStream[] streams;
        TaskCompletionSource[] openers;
        var writing = new List<YamuxStream>();
        lock (Sending.Gate)
        {
            streams = [.. _streams.Values];
            openers = [.. _openers];
            _streams.Clear();
            _openers.Clear();
            foreach (YamuxStream stream in streams)
            {
                if (stream.Outbound.Fail(YamuxStreamEnd.SessionEnded)) writing.Add(stream);
            }

            if (goAway is { } code) Sending.AppendControl(new FrameHeader(FrameType.GoAway, FrameFlags.None, 0, code));
        }

        StopTicking();
        _ended.TrySetResult(end);
        // The owner awaits it: by RunAsync or DisposeAsync, both of which wait for _closed.
        _ = CloseCarrierAsync(flush && end.Kind is YamuxEndKind.LocalClose or YamuxEndKind.ProtocolViolation or YamuxEndKind.InternalError);
        _inbound.Writer.TryComplete();
        foreach (TaskCompletionSource opener in openers) opener.TrySetException(new YamuxSessionException(end));
        foreach (YamuxStream stream in writing) stream.Outbound.Complete();
        foreach (YamuxStream stream in streams) stream.Inbound.Fail(YamuxStreamEnd.SessionEnded);
    }

    /// <summary>Ends the session because the carrier failed.</summary>
    internal void EndByCarrier(Exception e) => EndWith(new YamuxEnd(YamuxEndKind.CarrierError, e.Message, e), goAway: null, flush: false);

    /// <summary>Asks for the link's round trip, unless it is known well enough.</summary>
    internal void MeasureRoundTrip()
    {
        if (_pings.TryStart(FreshSample, out uint value)) SendPing(value);
    }

    /// <summary>Something is pending whose timeout needs the short period.</summary>
    internal void EnsureTicking()
    {
        if (Volatile.Read(ref _ticking)) return;
        lock (_tickGate)
        {
            if (_stopped || _timer is null || _ticking) return;
            _ticking = true;
            _timer.Change(TickPeriod, Timeout.InfiniteTimeSpan);
        }
    }

    private void SendPing(uint value)
    {
        Flush flush;
        lock (Sending.Gate)
        {
            Sending.AppendControl(new FrameHeader(FrameType.Ping, FrameFlags.Syn, 0, value));
            flush = Sending.Decide(urgent: true);
        }

        Sending.Run(flush);
        EnsureTicking();
    }

    private void StartTicking()
    {
        _keepAliveFrom = Options.TimeProvider.GetTimestamp();
        lock (_tickGate)
        {
            if (_stopped) return;
            _ticking = true;
            _timer = Options.TimeProvider.CreateTimer(static s => ((YamuxSession)s!).Tick(), this, TickPeriod, Timeout.InfiniteTimeSpan);
        }
    }

    private void StopTicking()
    {
        ITimer? timer;
        lock (_tickGate)
        {
            _stopped = true;
            timer = _timer;
            _timer = null;
        }

        timer?.Dispose();
    }

    // The timer is armed for one shot at a time, so ticks do not overlap.
    private void Tick()
    {
        // Cleared before anything is looked at: what begins meanwhile sets it again.
        lock (_tickGate) _ticking = false;

        TimeProvider clock = Options.TimeProvider;
        if (Sending.WritingSince is var since and > 0 && clock.GetElapsedTime(since) >= Options.WriteTimeout)
        {
            EndWith(new YamuxEnd(YamuxEndKind.WriteTimeout, "the carrier did not take a frame in time"), goAway: null, flush: false);
            return;
        }

        if (_pings.IsOverdue(Options.KeepAliveTimeout))
        {
            if (KeepsAlive)
            {
                EndWith(new YamuxEnd(YamuxEndKind.KeepAliveTimeout, "the peer did not answer a ping in time"), goAway: null, flush: false);
                return;
            }

            _pings.Forget();
        }

        if (KeepsAlive && clock.GetElapsedTime(_keepAliveFrom) >= Options.KeepAliveInterval)
        {
            _keepAliveFrom = clock.GetTimestamp();
            if (_pings.TryStart(TimeSpan.Zero, out uint value)) SendPing(value);
        }

        if (CheckStreams(out bool pending) is { } overdue)
        {
            EndWith(overdue, goAway: null, flush: false);
            return;
        }

        Rearm(pending || Sending.WritingSince > 0 || _pings.IsUnderWay);
    }

    private void Rearm(bool pending)
    {
        TimeSpan due = TickPeriod;
        if (!pending)
        {
            // Rounded up, since a timer may fire a moment early and would then have to be armed once more.
            due = KeepsAlive
                ? Options.KeepAliveInterval - Options.TimeProvider.GetElapsedTime(_keepAliveFrom) + TimeSpan.FromMilliseconds(1)
                : Timeout.InfiniteTimeSpan;
            if (KeepsAlive && due <= TimeSpan.Zero) due = TickPeriod;
        }

        lock (_tickGate)
        {
            if (_stopped || _timer is null) return;
            if (pending) _ticking = true;
            if (_ticking && !pending) return; // armed for the short period meanwhile
            _timer.Change(due, Timeout.InfiniteTimeSpan);
        }
    }

    // Looks for streams that waited too long. An unacknowledged one ends the session, a lingering one is reset.
    private YamuxEnd? CheckStreams(out bool pending)
    {
        TimeProvider clock = Options.TimeProvider;
        List<YamuxStream>? expired = null;
        lock (Sending.Gate)
        {
            pending = _awaitingAck > 0 || _lingering > 0;
            if (!pending) return null;
            foreach (YamuxStream stream in _streams.Values)
            {
                if (stream.AwaitsAck && !stream.Lingers && clock.GetElapsedTime(stream.Since) >= Options.StreamOpenTimeout)
                    return new YamuxEnd(YamuxEndKind.OpenTimeout, $"the peer did not acknowledge stream {stream.Id} in time");
                if (stream.Lingers && clock.GetElapsedTime(stream.Since) >= Options.StreamCloseTimeout)
                    (expired ??= []).Add(stream);
            }
        }

        if (expired is not null)
        {
            foreach (YamuxStream stream in expired) Refuse(stream);
        }

        return null;
    }

    private async Task CloseCarrierAsync(bool flush)
    {
        try
        {
            if (flush) await Sending.FlushAsync().WaitAsync(FlushGrace, Options.TimeProvider);
        }
        catch (TimeoutException)
        {
            // The peer does not read; it will not learn what was left.
        }

        Task quiet = Sending.CloseAsync();
        try
        {
            await _stopping.CancelAsync();
            await _carrier.DisposeAsync();
        }
        catch (Exception)
        {
            // The session is over for another reason already, and nothing can be done about a carrier that fails to close.
        }

        await quiet;
        _stopping.Dispose();
        _closed.TrySetResult();
    }
}
