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

    private readonly ArrayPool<byte> _pool = session.Options.Pool;
    private YamuxStream? _stream; // whose payload is being read; null while it is drained
    private uint _remaining;      // payload bytes of the current frame to come
    private bool _finish;         // the current frame carries FIN

    /// <summary>Reads until the carrier or the session ends; the carrier's end is reported to the session, failures are thrown.</summary>
    public async Task RunAsync()
    {
        byte[] buffer = _pool.Rent(SmallBuffer);
        int held = 0; // bytes of an incomplete header at the buffer's start
        int bytesInARow = 0;
        int readsInARow = 0;
        try
        {
            while (session.End is null)
            {
                ValueTask<int> reading = carrier.ReadAsync(buffer.AsMemory(held), session.Stopping);
                if (!reading.IsCompleted) bytesInARow = readsInARow = 0;
                int count = await reading;
                if (count == 0)
                {
                    bool whole = held == 0 && _remaining == 0;
                    session.EndWith(new YamuxEnd(YamuxEndKind.RemoteClose, whole ? "the peer closed the carrier" : "the carrier ended within a frame"));
                    return;
                }

                int filled = held + count;
                session.Sending.Cork();
                int consumed;
                bool keepsUp;
                try
                {
                    consumed = Consume(buffer.AsSpan(0, filled));
                }
                finally
                {
                    keepsUp = session.Sending.Uncork();
                }

                if (!keepsUp) throw new ProtocolViolation("the peer does not read its replies");

                held = filled - consumed;
                // A read that filled the small buffer has more behind it; one that would have fitted into it has not.
                int wanted = filled == buffer.Length || count > SmallBuffer ? LargeBuffer : SmallBuffer;
                if (wanted > buffer.Length || (wanted == SmallBuffer && buffer.Length >= LargeBuffer))
                {
                    byte[] other = _pool.Rent(wanted);
                    buffer.AsSpan(consumed, held).CopyTo(other);
                    _pool.Return(buffer);
                    buffer = other;
                }
                else if (held > 0)
                {
                    buffer.AsSpan(consumed, held).CopyTo(buffer);
                }

                bytesInARow += count;
                if (bytesInARow >= BytesInARow || ++readsInARow >= ReadsInARow)
                {
                    // The programs complete socket operations on the threads that poll: one busy session must not keep one.
                    bytesInARow = readsInARow = 0;
                    await Task.Yield();
                }
            }
        }
        finally
        {
            _pool.Return(buffer);
        }
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
