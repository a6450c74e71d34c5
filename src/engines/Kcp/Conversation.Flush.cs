namespace Kcp;

// What is sent.
internal sealed partial class Conversation
{
    /// <summary>Sends what is due: acknowledgements, windows, segments for the first time and again.</summary>
    internal void Flush(long now, IDatagramOutput output)
    {
        _isDue = false;
        var packer = new DatagramPacker(stackalloc byte[DatagramPacker.Headroom + DatagramPacker.MaxLength], output);
        AddAcks(ref packer);
        AddWindows(ref packer, now);
        bool isNew = AddNew(ref packer, now);
        if (_mayBeLost || now >= _resendAt) AddRepeated(ref packer, now, isNew);
        packer.Send();
        // What is not out by now is lost, and will be repeated; what has not been tried waits a moment for the socket to be free again.
        if (packer.IsBlocked) _writeAt = now + BlockedPause;
    }

    private void AddAcks(ref DatagramPacker packer)
    {
        var acks = _acks.Span;
        for (int i = 0; i < acks.Length; i++)
        {
            // What has arrived in order is acknowledged by every header; but one tells the peer how long the way is.
            if (SegmentHeader.Distance(_in.Expected, acks[i].Number) >= 0 || i == acks.Length - 1)
                packer.Add(Header(SegmentCommand.Ack, acks[i].Timestamp, acks[i].Number, 0), default);
        }
        _acks.Clear();
        _ackAt = long.MaxValue;
    }

    private void AddWindows(ref DatagramPacker packer, long now)
    {
        if (now >= _tellAt)
        {
            packer.Add(Header(SegmentCommand.TellWindow, Clock(now), 0, 0), default);
            _tellAt = --_tells > 0 ? now + TellInterval : long.MaxValue;
        }
        if (now >= _windowProbeAt)
        {
            _windowProbeWait = Math.Min(_windowProbeWait * 3 / 2, LongestWindowProbe);
            _windowProbeAt = now + _windowProbeWait;
            _asks = true;
        }
        if (!_asks) return;
        packer.Add(Header(SegmentCommand.AskWindow, Clock(now), 0, 0), default);
        _asks = false;
    }

    private bool AddNew(ref DatagramPacker packer, long now)
    {
        bool isNew = false;
        bool mayBeShort = _out.UnderWay == 0 || now >= _writeAt;
        while (_out.Waiting > 0 && Free > 0 && !packer.IsBlocked && (_out.Waiting > 1 || mayBeShort || !_out.HasOpenTail))
        {
            uint number = _out.Next;
            ref var segment = ref _out.TakeNext();
            segment.FirstSent = Clock(now);
            segment.Timeout = _roundTrip.Timeout;
            Add(ref packer, ref segment, number, now);
            isNew = true;
        }
        if (_out.Waiting == 0) _writeAt = long.MaxValue;
        return isNew;
    }

    private void AddRepeated(ref DatagramPacker packer, long now, bool isNew)
    {
        // With nothing else to send, a segment that was skipped once is worth a datagram.
        int isLost = isNew ? SkippedIsLost : 1;
        _mayBeLost = false;
        _resendAt = long.MaxValue;
        for (uint number = _out.First; number != _out.Next; number++)
        {
            ref var segment = ref _out[number];
            if (segment.Data is null) continue;
            if (segment.Skipped >= isLost && !packer.IsBlocked)
            {
                segment.Timeout = _roundTrip.Timeout;
                Add(ref packer, ref segment, number, now);
            }
            else if (now >= segment.ResendAt && !packer.IsBlocked)
            {
                segment.Timeout = Math.Min(segment.Timeout + _roundTrip.Timeout / 2, RoundTrip.LongestTimeout);
                Add(ref packer, ref segment, number, now);
            }
            else
            {
                if (segment.Skipped > 0) _mayBeLost = true;
                _resendAt = Math.Min(_resendAt, Math.Max(segment.ResendAt, now + 1));
            }
        }
    }

    private void Add(ref DatagramPacker packer, ref OutgoingSegment segment, uint number, long now)
    {
        segment.Sends++;
        segment.Skipped = 0;
        segment.LastSent = Clock(now);
        segment.ResendAt = now + segment.Timeout;
        _resendAt = Math.Min(_resendAt, segment.ResendAt);
        packer.Add(Header(SegmentCommand.Push, segment.LastSent, number, (uint)segment.Length), segment.Data.AsSpan(0, segment.Length));
    }

    private SegmentHeader Header(SegmentCommand command, uint timestamp, uint number, uint length) =>
        new(Id, command, 0, (ushort)_in.Room, timestamp, number, _in.Expected, length);
}
