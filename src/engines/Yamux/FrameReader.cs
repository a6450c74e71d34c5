using System.Buffers;

namespace Yamux;

/// <summary>The read loop of a session: one buffer, from which payload goes to the streams as it arrives.</summary>
/// <remarks>
/// A Data frame may be megabytes; it is never waited for as a whole. The buffer is small while the session is quiet, and
/// rented large while reads fill it: an idle session holds no large buffer, and a busy one makes few calls.
/// </remarks>
internal sealed class FrameReader(YamuxSession session, Stream carrier)
{
    // Measured: docs/wire/yamux.md, "Read path".
    private const int SmallBuffer = 4 * 1024;
    private const int LargeBuffer = 128 * 1024;

    /// <summary>Bytes handled without a real wait before other work gets the thread.</summary>
    private const int BytesInARow = 1024 * 1024;

    /// <summary>Reads handled without a real wait before other work gets the thread.</summary>
    private const int ReadsInARow = 64;

    /// <summary>A read of this size is bulk, and room for this much is worth another read before anything is handled.</summary>
    private const int BulkRead = 8 * 1024;

    private readonly ArrayPool<byte> _pool = session.Options.Pool;
    private byte[]? _buffer;
    private ValueTask<int> _reading;
    private bool _readsAhead;     // _reading is under way, behind what the buffer holds
    private YamuxStream? _stream; // whose payload is being read; null while it is drained
    private uint _remaining;      // payload bytes of the current frame to come
    private bool _finish;         // the current frame carries FIN

    /// <summary>Reads until the carrier or the session ends; the carrier's end is reported to the session, failures are thrown.</summary>
    public async Task RunAsync()
    {
        byte[] buffer = _buffer = _pool.Rent(SmallBuffer);
        int start = 0; // of what has not been handled: at most an incomplete header
        int filled = 0;
        bool wasFull = false; // the buffer, by the last reads: what comes next may be the rest of a record, however short
        int bytesInARow = 0;
        int readsInARow = 0;
        while (session.End is null)
        {
            if (!_readsAhead) _reading = carrier.ReadAsync(buffer.AsMemory(filled), session.Stopping);
            if (!_reading.IsCompleted) bytesInARow = readsInARow = 0;
            _readsAhead = true; // until it is awaited, whatever comes of it
            int count = await AwaitReadAsync();
            filled += count;
            bytesInARow += count;
            // A read that filled the small buffer has more behind it; one that would have fitted into it has not.
            bool busy = wasFull || count > SmallBuffer || filled == buffer.Length;
            bool bulk = count >= BulkRead || (wasFull && count > 0);
            if (filled == buffer.Length && buffer.Length < LargeBuffer)
            {
                buffer = Move(buffer.AsSpan(start, filled - start), LargeBuffer);
                (start, filled, bulk) = (0, filled - start, true);
            }

            // TLS hands out a record at a time. What is there already is gathered, so that a stream's sink gets it in one
            // piece: a send of 64 KiB costs little more than one of 16. Measured: docs/wire/yamux.md, "Read path".
            while (bulk && buffer.Length - filled >= BulkRead)
            {
                _reading = carrier.ReadAsync(buffer.AsMemory(filled), session.Stopping);
                _readsAhead = true;
                if (!_reading.IsCompletedSuccessfully) break;
                count = await AwaitReadAsync();
                filled += count;
                bytesInARow += count;
                bulk = count >= BulkRead;
            }

            start += Handle(buffer.AsSpan(start, filled - start));
            wasFull = filled == buffer.Length;
            if (count == 0)
            {
                bool whole = start == filled && _remaining == 0;
                session.EndWith(new YamuxEnd(YamuxEndKind.RemoteClose, whole ? "the peer closed the carrier" : "the carrier ended within a frame"));
                return;
            }

            if (!_readsAhead) // else the buffer is in use, and what comes joins what is left
            {
                ReadOnlySpan<byte> left = buffer.AsSpan(start, filled - start);
                if (busy == (buffer.Length >= LargeBuffer)) left.CopyTo(buffer);
                else buffer = Move(left, busy ? LargeBuffer : SmallBuffer);
                (start, filled) = (0, filled - start);
            }

            if (bytesInARow >= BytesInARow || ++readsInARow >= ReadsInARow)
            {
                // The programs complete socket operations on the threads that poll: one busy session must not keep one.
                bytesInARow = readsInARow = 0;
                await Task.Yield();
            }
        }
    }

    /// <summary>Gives the buffer back, once the session has ended and the carrier is being closed.</summary>
    public async ValueTask ReleaseAsync()
    {
        if (_readsAhead)
        {
            try
            {
                await AwaitReadAsync();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // The session is over for a reason of its own; this only says that the carrier no longer uses the buffer.
            }
        }

        if (_buffer is not null) _pool.Return(_buffer);
        _buffer = null;
    }

    // Another buffer, which begins with what is left in this one.
    private byte[] Move(ReadOnlySpan<byte> left, int size)
    {
        byte[] next = _pool.Rent(size);
        left.CopyTo(next);
        _pool.Return(_buffer!);
        return _buffer = next;
    }

    private ValueTask<int> AwaitReadAsync()
    {
        _readsAhead = false;
        return _reading;
    }

    // Everything that the handled frames make us say leaves together.
    private int Handle(ReadOnlySpan<byte> bytes)
    {
        session.Sending.Cork();
        int consumed;
        bool keepsUp;
        try
        {
            consumed = Consume(bytes);
        }
        finally
        {
            keepsUp = session.Sending.Uncork();
        }

        return keepsUp ? consumed : throw new ProtocolViolation("the peer does not read its replies");
    }

    /// <summary>Handles as many frames, and as much of a payload, as the buffer holds; returns the bytes used, which leave less than a header.</summary>
    internal int Consume(ReadOnlySpan<byte> buffer)
    {
        int length = buffer.Length;
        while (session.End is null)
        {
            if (_remaining > 0)
            {
                if (buffer.IsEmpty) break;
                ReadOnlySpan<byte> payload = buffer[..(int)Math.Min(_remaining, (uint)buffer.Length)];
                _remaining -= (uint)payload.Length;
                buffer = buffer[payload.Length..];
                if (_stream is not null && !_stream.Inbound.Deliver(payload))
                {
                    session.Refuse(_stream);
                    _stream = null;
                }

                if (_remaining == 0) EndFrame();
                continue;
            }

            if (buffer.Length < FrameHeader.Size) break;
            if (!FrameHeader.TryRead(buffer, out FrameHeader header))
                throw new ProtocolViolation($"unknown version or type: {Convert.ToHexStringLower(buffer[..FrameHeader.Size])}", goAwayCode: null);
            buffer = buffer[FrameHeader.Size..];
            _stream = session.OnFrame(header);
            if (header.Type != FrameType.Data) continue;
            _remaining = header.Length;
            _finish = header.Has(FrameFlags.Fin);
            if (_remaining == 0) EndFrame();
        }

        return length - buffer.Length;
    }

    private void EndFrame()
    {
        if (_finish && _stream is not null) session.OnFinish(_stream);
        _stream = null;
        _finish = false;
    }
}
