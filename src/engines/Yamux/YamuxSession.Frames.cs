namespace Yamux;

/// <content>What each frame does. Called by the read loop only; a violation is thrown and ends the session there.</content>
public sealed partial class YamuxSession
{
    /// <summary>
    /// Handles a frame whose header is complete. For Data the stream that its payload is for is returned; null when nobody
    /// wants it, and it is drained.
    /// </summary>
    internal YamuxStream? OnFrame(in FrameHeader header)
    {
        switch (header.Type)
        {
            case FrameType.Data:
                _received += header.Length;
                if (_received > Volatile.Read(ref _receiveLimit)) throw new ProtocolViolation($"more than {Options.ReceiveLimit} bytes from a peer that has not shown who it is");
                return OnStreamFrame(header);
            case FrameType.WindowUpdate:
                return OnStreamFrame(header);
            case FrameType.Ping:
                OnPing(header);
                return null;
            default:
                OnGoAway(header.Length);
                return null;
        }
    }

    /// <summary>Handles FIN, which takes effect behind the payload of the frame that carries it.</summary>
    internal void OnFinish(YamuxStream stream)
    {
        lock (Sending.Gate)
        {
            // "Never send FIN twice": when both directions had ended, the stream is unknown and the frame was ignored.
            if (stream.PeerFinished) throw new ProtocolViolation($"FIN twice on stream {stream.Id}");
            stream.PeerFinished = true;
            if (stream.Outbound.Finished && IsKnown(stream)) Forget(stream);
        }

        stream.Inbound.Finish();
    }

    private YamuxStream? OnStreamFrame(in FrameHeader header)
    {
        YamuxStream? stream;
        bool opened = false;
        bool failed = false;
        Flush flush = Flush.None;
        lock (Sending.Gate)
        {
            _streams.TryGetValue(header.StreamId, out stream);
            if (header.Has(FrameFlags.Syn))
            {
                if (stream is not null) throw new ProtocolViolation($"SYN for stream {header.StreamId}, which exists");
                if (_end is not null) return null;
                stream = Admit(header.StreamId);
                opened = stream is not null;
            }

            if (stream is null) return null;
            if (header.Has(FrameFlags.Rst))
            {
                Forget(stream);
                failed = stream.Outbound.Fail(YamuxStreamEnd.Reset);
            }
            else
            {
                Answered(stream);
                if (header.Type == FrameType.WindowUpdate)
                {
                    stream.Outbound.Window += header.Length;
                    if (stream.Outbound.Window > uint.MaxValue) throw new ProtocolViolation($"window of stream {header.StreamId} exceeds 2^32-1");
                    flush = Sending.Enqueue(stream.Outbound, direct: false);
                }
            }
        }

        Sending.Run(flush);
        if (header.Has(FrameFlags.Rst))
        {
            if (failed) stream.Outbound.Complete();
            stream.Inbound.Fail(YamuxStreamEnd.Reset);
            return null;
        }

        if (opened) _inbound.Writer.TryWrite(stream);
        if (header.Type == FrameType.Data)
        {
            if (header.Length > 0 && !stream.Inbound.TryAdmit(header.Length))
                throw new ProtocolViolation($"{header.Length} bytes on stream {header.StreamId} exceed its window");
            return stream;
        }

        if (header.Has(FrameFlags.Fin)) OnFinish(stream);
        return null;
    }

    // A stream the peer opens; null when it is refused. Gate held; the read loop flushes the answer.
    private YamuxStream? Admit(uint id)
    {
        if (_goesAway || _backlog >= Options.AcceptBacklog || _streams.Count >= Options.MaxStreams)
        {
            Sending.AppendControl(new FrameHeader(FrameType.WindowUpdate, FrameFlags.Rst, id, 0));
            return null;
        }

        _backlog++;
        var stream = new YamuxStream(this, id);
        _streams.Add(id, stream);
        return stream;
    }

    private void OnPing(in FrameHeader header)
    {
        if (header.Has(FrameFlags.Syn))
        {
            lock (Sending.Gate) Sending.AppendPingReply(header.Length);
        }
        else if (header.Has(FrameFlags.Ack))
        {
            _pings.OnReply(header.Length);
        }
    }

    private void OnGoAway(uint code)
    {
        if (code != 0)
        {
            EndWith(new YamuxEnd(YamuxEndKind.GoAway, $"the peer sent GoAway({code})", GoAwayCode: code), goAway: null, flush: false);
            return;
        }

        TaskCompletionSource[] waiting;
        lock (Sending.Gate)
        {
            _peerGoesAway = true;
            waiting = [.. _openers];
            _openers.Clear();
        }

        foreach (TaskCompletionSource opener in waiting)
            opener.TrySetException(new YamuxSessionException("the peer accepts no more yamux streams"));
    }
}
