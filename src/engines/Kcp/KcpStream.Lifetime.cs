using System.Net;

namespace Kcp;

// What happens to a stream: datagrams, time, its end.
public sealed partial class KcpStream
{
    // Source: wire reference 4.4.3: so many times sent, a link counts as dead; the reference does nothing about it.
    private const int SendsOfTheDead = 20;
    private const int SilenceOfTheDead = 30_000;
    // What is sent to somebody who may not be there: three times what has come from there, and a datagram a second, the first two at once.
    private const int Amplification = 3;
    private const int Datagram = DatagramPacker.Headroom + DatagramPacker.MaxLength;

    private readonly FecEncoder _encoder = new();
    private readonly long _began;
    private FecDecoder? _decoder;
    private bool _isProven;
    private long _received;
    private long _sent;
    private long _heard;
    private long _asked;
    private long _scheduledFor = long.MaxValue;
    private long _flushing;

    /// <summary>The socket's: the stream's place among those whose peer has not shown yet that it is there.</summary>
    internal LinkedListNode<KcpStream>? Unproven { get; set; }

    /// <summary>Whether anything has come from the peer.</summary>
    internal bool HasHeard => Volatile.Read(ref _received) > 0;

    long IHasDeadline.Due { get; set; }

    int IHasDeadline.Place { get; set; } = -1;

    /// <summary>The peer's address, as the system has it.</summary>
    internal SocketAddress Address => _address;

    /// <summary>Ends both directions at once; what was not acknowledged may be lost.</summary>
    public void Abort() => End(new ObjectDisposedException(nameof(KcpStream)));

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        var wakes = new Wakes();
        bool mustWait = false;
        lock (_gate)
        {
            if (!_isClosing && _end is null)
            {
                _isClosing = true;
                wakes.Add(_readable);
                wakes.Add(_writable);
                _conversation.Hurry();
                Settle(_socket.Now);
                mustWait = !_conversation.IsDelivered && _end is null;
                if (mustWait) _delivered.Arm();
            }
        }
        wakes.Tell();
        if (mustWait) await LingerAsync();
        End(new ObjectDisposedException(nameof(KcpStream)));
        await _socket.OnDisposedAsync();
        await base.DisposeAsync();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) Abort();
        base.Dispose(disposing);
    }

    /// <summary>A datagram of the peer's.</summary>
    internal void OnDatagram(ReadOnlySpan<byte> datagram, long now)
    {
        Wakes wakes;
        lock (_gate)
        {
            if (_end is not null) return;
            _received += datagram.Length;
            if (Take(datagram, now)) (_heard, _asked) = (now, 0);
            Settle(now);
            wakes = WhoCanGoOn();
        }
        wakes.Tell();
    }

    /// <summary>The time that was asked for has come, or is earlier.</summary>
    internal void OnDue(long now)
    {
        Exception? gone = null;
        lock (_gate)
        {
            if (_end is not null) return;
            _scheduledFor = long.MaxValue;
            long silence = now - _heard;
            if (silence >= (long)_socket.Options.SilenceLimit.TotalMilliseconds || (silence >= SilenceOfTheDead && _conversation.SendsOfFirst >= SendsOfTheDead))
            {
                gone = new TimeoutException($"the peer has been silent for {silence / 1000} s");
            }
            else if (_socket.Refusal is { } refusal)
            {
                gone = refusal;
            }
            else
            {
                if (now >= AskAt) Ask(now);
                Settle(now);
            }
        }
        if (gone is not null) End(gone);
    }

    /// <summary>Somebody else at the peer's address begins a conversation. Whoever can send one datagram from anywhere can say so: the old peer is asked.</summary>
    /// <returns>Whether the old one is gone.</returns>
    internal bool GivesWay(long now)
    {
        lock (_gate)
        {
            if (!_isProven || _end is not null) return true;
            if (_asked == 0) Ask(now);
            else if (now - _asked >= GiveWayTime) return true;
            Settle(now);
            return false;
        }
    }

    private const int GiveWayTime = 500;

    private long AskAt => _asked == 0
        ? _heard + (long)_socket.Options.ProbeAfter.TotalMilliseconds
        : _asked + (long)_socket.Options.ProbeAfter.TotalMilliseconds / 3;

    /// <summary>Ends the stream, once.</summary>
    internal void End(Exception reason)
    {
        var wakes = new Wakes();
        lock (_gate)
        {
            if (_end is not null) return;
            _end = reason;
            if (reason is ObjectDisposedException) _isClosing = true;
            wakes.Add(_readable);
            wakes.Add(_writable);
            wakes.Add(_delivered);
            _conversation.Clear();
            _encoder.Drop();
            _decoder?.Clear();
        }
        _socket.Remove(this);
        wakes.Tell();
    }

    bool IDatagramOutput.Send(Span<byte> datagram)
    {
        bool hasParity = _encoder.Add(datagram, _flushing);
        bool wasSent = Transmit(datagram);
        if (!hasParity) return wasSent;
        Span<byte> parity = stackalloc byte[Datagram];
        for (int i = 0; i < ParityCode.ParityShards; i++)
        {
            int length = _encoder.TakeParity(i, parity);
            wasSent = wasSent && Transmit(parity[..length]);
        }
        return wasSent;
    }

    // Under the lock, as everything below.

    private bool Transmit(ReadOnlySpan<byte> datagram)
    {
        if (!_isProven && _sent + datagram.Length > Amplification * _received + Datagram * (2 + (_flushing - _began) / 1000)) return true; // lost, and sent again
        _sent += datagram.Length;
        return _socket.Send(datagram, _address);
    }

    /// <returns>Whether it was the peer's.</returns>
    private bool Take(ReadOnlySpan<byte> datagram, long now)
    {
        switch (FecHeader.TypeOf(datagram))
        {
            case FecHeader.Data:
                if (!DatagramReader.TryGetShard(datagram, out var shard) || !_conversation.Input(shard[FecHeader.SizeField..], isReconstructed: false, now)) return false;
                Correct(datagram[..(FecHeader.Size + shard.Length)], now);
                return true;
            case FecHeader.Parity:
                Correct(datagram, now);
                return false;
            default:
                return _conversation.Input(datagram, isReconstructed: false, now);
        }
    }

    // Memory for those alone who are known to be there.
    private void Correct(ReadOnlySpan<byte> datagram, long now)
    {
        if (!_isProven) return;
        _decoder ??= new FecDecoder();
        int found = _decoder.Add(datagram, now);
        for (int i = 0; i < found; i++)
        {
            var segments = _decoder.Result(i);
            if (_conversation.IsWhole(segments)) _conversation.Input(segments, isReconstructed: true, now);
        }
    }

    private void Ask(long now)
    {
        _asked = now;
        _conversation.Ask();
    }

    /// <summary>Does what is due, and sees to it that this happens again in time.</summary>
    private void Settle(long now)
    {
        if (!_isProven && _conversation.IsProven)
        {
            _isProven = true;
            _socket.OnProven(this);
        }
        if (_conversation.DueAt <= now)
        {
            _flushing = now;
            _conversation.Flush(now, this);
        }
        // A time that is too early costs a look, one that is moved each time costs more.
        long due = _socket.Refusal is null ? Math.Min(_conversation.DueAt, AskAt) : now;
        if (due < _scheduledFor)
        {
            _scheduledFor = due;
            _socket.Schedule(this, due);
        }
    }

    // Only what arrives lets anybody go on who had to wait.
    private Wakes WhoCanGoOn()
    {
        var wakes = new Wakes();
        if (_conversation.IsReadable) wakes.Add(_readable);
        if (_conversation.IsWritable) wakes.Add(_writable);
        if (_conversation.IsDelivered) wakes.Add(_delivered);
        return wakes;
    }

    private async ValueTask LingerAsync()
    {
        using var patience = new CancellationTokenSource(_socket.Options.LingerTime, _socket.Options.TimeProvider);
        try
        {
            await _delivered.WaitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            // The peer is gone, or has no room: nobody waits for that.
        }
    }
}
