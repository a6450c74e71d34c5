namespace Kcp;

// What arrives.
internal sealed partial class Conversation
{
    /// <summary>Takes the segments of one datagram.</summary>
    /// <param name="segments">One after the other. What is no segment of this conversation ends the datagram.</param>
    /// <param name="isReconstructed">They did not arrive, but were computed from others: they tell nothing about time and windows.</param>
    /// <param name="now">The time.</param>
    /// <returns>Whether there was a segment of this conversation.</returns>
    internal bool Input(ReadOnlySpan<byte> segments, bool isReconstructed, long now)
    {
        bool any = false;
        uint firstBefore = _out.First;
        int sinceSent = -1;
        while (segments.Length >= SegmentHeader.Size)
        {
            var header = SegmentHeader.Read(segments);
            segments = segments[SegmentHeader.Size..];
            if (!IsOurs(header, segments.Length)) break;
            any = true;
            var data = segments[..(int)header.Length];
            segments = segments[data.Length..];

            if (!isReconstructed) _peerWindow = header.Window;
            if (!IsProven && header.Command == SegmentCommand.Ack) IsProven = IsProof(header, now);
            _out.AcknowledgeBefore(header.Expected);
            switch (header.Command)
            {
                case SegmentCommand.Push:
                    OnPush(header, data, now);
                    break;
                case SegmentCommand.Ack:
                    int elapsed = OnAck(header, now);
                    if (!isReconstructed && elapsed >= 0) sinceSent = elapsed;
                    break;
                case SegmentCommand.AskWindow:
                    (_tells, _tellAt) = (Math.Max(_tells, 1), now);
                    _isDue = true;
                    break;
                default: // what it says is in every segment's header
                    break;
            }
        }
        if (sinceSent >= 0) _roundTrip.Add(sinceSent);
        if (_out.First != firstBefore) _isDue = true;
        if (any) StartWindowProbe(now);
        if (_out.Waiting > 0 && Free > 0 && _out.UnderWay == 0) _isDue = true; // the window was closed
        return any;
    }

    /// <summary>Whether the bytes are segments of this conversation from the first to the last, as everything is that was computed from what it sent.</summary>
    internal bool IsWhole(ReadOnlySpan<byte> segments)
    {
        while (segments.Length >= SegmentHeader.Size)
        {
            var header = SegmentHeader.Read(segments);
            segments = segments[SegmentHeader.Size..];
            if (!IsOurs(header, segments.Length) || header.Fragment != 0) return false;
            segments = segments[(int)header.Length..];
        }
        return segments.IsEmpty;
    }

    // A datagram may hold anything. What acknowledges segments that were never sent is not from our peer, or it has lost its mind.
    private bool IsOurs(in SegmentHeader header, int rest) =>
        header.Conversation == Id
        && header.Command is >= SegmentCommand.Push and <= SegmentCommand.TellWindow
        && header.Length <= (uint)rest
        && SegmentHeader.Distance(header.Expected, _out.Next) >= 0
        && (SegmentHeader.Distance(_out.First, header.Expected) >= 0 || SegmentHeader.Distance(header.Expected, _out.First) <= MaxOld);

    // How old a datagram can be that is late: more segments than that are never under way at once, by far.
    private const int MaxOld = 1 << 20;

    // It repeats what our clock showed when that segment was sent, or when it was sent again.
    private bool IsProof(in SegmentHeader header, long now) =>
        _out.IsUnderWay(header.Number)
        && SegmentHeader.Distance(_out[header.Number].FirstSent, header.Timestamp) >= 0
        && SegmentHeader.Distance(header.Timestamp, Clock(now)) >= 0;

    private void OnPush(in SegmentHeader header, ReadOnlySpan<byte> data, long now)
    {
        if (!_in.Accept(header.Number, data)) return;
        _acks.Add(header.Number, header.Timestamp);
        _tells = 0; // it knows that our window is open
        _tellAt = long.MaxValue;
        if (_acks.Count >= (_in.BehindGap > 0 ? AcksBehindGap : AcksInOrder)) _isDue = true;
        if (_ackAt == long.MaxValue) _ackAt = now + _interval;
    }

    /// <returns>The time since the segment was sent that was acknowledged; -1 when that cannot be told.</returns>
    private int OnAck(in SegmentHeader header, long now)
    {
        uint clock = Clock(now);
        int elapsed = SegmentHeader.Distance(header.Timestamp, clock);
        if (header.Number - _out.First < (uint)_out.UnderWay)
        {
            if (_out.IsUnderWay(header.Number)) _out.Acknowledge(header.Number);
            // An acknowledgement that was sent before a segment was sent (again) says nothing about that.
            for (uint i = _out.First; SegmentHeader.Distance(i, header.Number) > 0; i++)
            {
                ref var earlier = ref _out[i];
                if (earlier.Data is null || SegmentHeader.Distance(earlier.LastSent, header.Timestamp) < 0) continue;
                _mayBeLost = true;
                if (++earlier.Skipped >= SkippedIsLost) _isDue = true;
                else _resendAt = Math.Min(_resendAt, now + _interval); // unless its acknowledgement was only late
            }
        }
        return elapsed is >= 0 and <= RoundTrip.LongestTimeout ? elapsed : -1;
    }
}
