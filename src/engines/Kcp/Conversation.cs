namespace Kcp;

/// <summary>
/// One conversation: segments that arrive become a byte stream, and a byte stream becomes segments, sent again until they are acknowledged. A state
/// machine: it has no socket, no clock and no lock, and the same calls lead to the same datagrams.
/// </summary>
/// <remarks>
/// <para><b>Time</b> is in ms, monotonic, on a clock of the caller's. What the peer sees of it begins somewhere else, by chance, so that an
/// acknowledgement which repeats it is a proof that the peer has heard us.</para>
/// <para><b>Concurrency.</b> None; the owner's lock covers it.</para>
/// <para><b>Source.</b> docs/wire/kcp.md.</para>
/// </remarks>
internal sealed partial class Conversation
{
    /// <summary>Payload bytes of one segment.</summary>
    internal const int SegmentSize = DatagramPacker.MaxLength - SegmentHeader.Size;

    /// <summary>Segments that wait for the window, so that an acknowledgement finds something to send.</summary>
    private const int WaitingLimit = 64;

    private const int FirstPeerWindow = 32; // Source: wire reference 4.4.3
    // Acknowledgements that do not wait for company: so many segments in order, or behind a gap, where the peer is to repeat something.
    private const int AcksInOrder = 16;
    private const int AcksBehindGap = 4;
    // Acknowledgements of later segments after which one is taken for lost. Source: wire reference 4.4.1, "resend 2".
    private const int SkippedIsLost = 2;
    // The reference asks after 7 s first, and after 120 s at last. That is long for a user who waits, and a question costs 32 bytes.
    private const int FirstWindowProbe = 1_000;
    private const int LongestWindowProbe = 30_000;
    private const int BlockedPause = 5;
    // Nobody acknowledges that a window has been opened, so it is said more than once.
    private const int TellTimes = 3;
    private const int TellInterval = 100;

    private readonly uint _clockOffset;
    private readonly int _interval;
    private readonly int _sendWindow;
    private readonly SendWindow _out;
    private readonly ReceiveWindow _in;
    private RoundTrip _roundTrip;
    private PendingAcks _acks;

    private int _peerWindow = FirstPeerWindow;
    private bool _mayBeLost; // a segment has been skipped
    private long _resendAt = long.MaxValue; // the earliest of all segments under way, or earlier
    private long _ackAt = long.MaxValue;
    private long _writeAt = long.MaxValue;
    private long _tellAt = long.MaxValue;
    private int _tells;
    private long _windowProbeAt = long.MaxValue;
    private int _windowProbeWait;
    private bool _asks;
    private bool _isDue;

    /// <summary>Begins a conversation.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="clockOffset">Where the clock begins that the peer sees; by chance.</param>
    /// <param name="options">Settings.</param>
    internal Conversation(uint id, uint clockOffset, KcpOptions options)
    {
        Id = id;
        _clockOffset = clockOffset;
        _interval = (int)options.FlushInterval.TotalMilliseconds;
        _sendWindow = options.SendWindow;
        _out = new SendWindow(SegmentSize, options.SendWindow + WaitingLimit);
        _in = new ReceiveWindow(options.FirstReceiveWindow, options.ReceiveWindow);
        _roundTrip = new RoundTrip(_interval);
    }

    /// <summary>Its number, in every segment.</summary>
    internal uint Id { get; }

    /// <summary>Whether there is something to be read.</summary>
    internal bool IsReadable => _in.IsReadable;

    /// <summary>Whether a byte would be taken for sending.</summary>
    internal bool IsWritable => _out.HasRoom;

    /// <summary>Everything that was written has arrived.</summary>
    internal bool IsDelivered => _out.IsEmpty;

    /// <summary>Whether the peer has repeated our clock, which nobody can who does not receive what we send.</summary>
    internal bool IsProven { get; private set; }

    /// <summary>How often the segment was sent that waits longest for its acknowledgement; 0 when none does.</summary>
    internal int SendsOfFirst => _out.UnderWay == 0 ? 0 : _out[_out.First].Sends;

    /// <summary>Room that we tell the peer.</summary>
    internal int Room => _in.Room;

    /// <summary>When <see cref="Flush"/> has something to do next, or now; <see cref="long.MaxValue"/> for never.</summary>
    internal long DueAt
    {
        get
        {
            if (_isDue) return long.MinValue;
            long due = Math.Min(Math.Min(_ackAt, _tellAt), Math.Min(_windowProbeAt, _out.UnderWay > 0 ? _resendAt : long.MaxValue));
            return _out.Waiting > 0 && Free > 0 ? Math.Min(due, _writeAt) : due;
        }
    }

    private int Free => Math.Min(_sendWindow, _peerWindow) - _out.UnderWay;

    /// <summary>Takes bytes to be sent.</summary>
    /// <returns>How many; fewer than given when the queue is full.</returns>
    internal int Write(ReadOnlySpan<byte> data, long now)
    {
        int taken = _out.Append(data);
        if (taken == 0) return 0;
        if (_writeAt == long.MaxValue) _writeAt = now + _interval;
        // A small write behind others under way waits for more, or for an acknowledgement, or for the interval: as Nagle's algorithm has it, with a limit.
        if (_out.UnderWay == 0 || (Free > 0 && _out.Waiting > (_out.HasOpenTail ? 1 : 0))) _isDue = true;
        StartWindowProbe(now);
        return taken;
    }

    /// <summary>Copies and drops as many bytes as fit.</summary>
    internal int Read(Span<byte> destination, long now)
    {
        bool wasClosed = _in.Room == 0;
        int count = _in.Read(destination);
        if (wasClosed && _in.Room > 0)
        {
            (_tells, _tellAt) = (TellTimes, now);
            _isDue = true;
        }
        return count;
    }

    /// <summary>The peer is to say something, if it is there: it is asked for its window.</summary>
    internal void Ask() => _asks = _isDue = true;

    /// <summary>Everything that waits is to be sent now.</summary>
    internal void Hurry()
    {
        if (_out.Waiting > 0) _writeAt = long.MinValue;
        _isDue = true;
    }

    /// <summary>Gives all buffers back. Nothing is read or sent any more.</summary>
    internal void Clear()
    {
        _out.Clear();
        _in.Clear();
        _acks.Clear();
        _isDue = false;
        _resendAt = _ackAt = _writeAt = _tellAt = _windowProbeAt = long.MaxValue;
    }

    private uint Clock(long now) => unchecked((uint)now + _clockOffset);

    // The peer has closed its window, and what opens it again may be lost.
    private void StartWindowProbe(long now)
    {
        if (_peerWindow > 0 || _out.IsEmpty)
        {
            _windowProbeAt = long.MaxValue;
        }
        else if (_windowProbeAt == long.MaxValue)
        {
            _windowProbeWait = FirstWindowProbe;
            _windowProbeAt = now + _windowProbeWait;
        }
    }
}
