using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Frp.Transport;

/// <summary>A byte stream inside WebSocket frames. Frame boundaries carry no meaning.</summary>
/// <remarks>
/// <para><b>Reads</b> bring frames, heads and all, straight into the caller's buffer, where they are unwrapped in place: one
/// system call for any number of frames, and no buffer of our own but for the piece of a head that a read may end in. Text and
/// continuation frames count like binary ones. A close frame, a reserved opcode and a violation are the end of the stream; a
/// violation is answered with a close frame at once.</para>
/// <para><b>Writes</b> become one unfragmented binary frame each, gathered until <see cref="FlushAsync"/>.</para>
/// <para><b>Concurrency.</b> One reader and one writer. The reader's own frames (pongs, the answer to a violation) go out
/// between the writer's: whoever holds the gate when one is due sends it on leaving.</para>
/// <para><b>Source.</b> RFC 6455 sections 5 and 7; docs/wire/transports.md, WebSocket.</para>
/// </remarks>
internal sealed class WebSocketStream : DuplexStream
{
    // Below this a caller's buffer is too small to unwrap frames in: the largest piece that must stay together is a control frame.
    private const int SmallestDirectRead = 512;

    private readonly Stream _inner;
    private readonly MaskKeys? _maskKeys;
    private readonly SemaphoreSlim _gate = new(1, 1);

    // Reader's.
    private byte[] _raw;
    private int _rawStart;
    private int _rawEnd;
    private long _payloadLeft;
    private long _payloadOffset;
    private uint _maskKey;
    private bool _ended;

    // Between reader and gate holder.
    private Reply? _reply;

    // Gate holder's.
    private WriteGather _gather;
    private bool _torn;

    /// <param name="inner">Stays its owner's.</param>
    /// <param name="isClient">The client masks and the server must not.</param>
    /// <param name="surplus">Bytes that came with the handshake.</param>
    internal WebSocketStream(Stream inner, bool isClient, ReadOnlySpan<byte> surplus)
    {
        _inner = inner;
        _maskKeys = isClient ? new MaskKeys() : null;
        _raw = surplus.ToArray();
        _rawEnd = _raw.Length;
    }

    private enum CloseCode : ushort
    {
        Normal = 1000,
        ProtocolError = 1002,
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (_rawStart < _rawEnd)
            {
                var produced = Unwrap(_raw.AsSpan(_rawStart, _rawEnd - _rawStart), buffer.Span, out var consumed);
                _rawStart += consumed;
                if (_reply is not null) await SendReplyAsync(cancellationToken);
                if (produced > 0 || (buffer.IsEmpty && _payloadLeft > 0 && _rawStart < _rawEnd)) return produced;
            }
            if (_ended) return 0;
            if (buffer.IsEmpty) return await _inner.ReadAsync(buffer, cancellationToken);
            if (buffer.Length >= SmallestDirectRead)
            {
                var produced = await ReadDirectAsync(buffer, cancellationToken);
                if (_reply is not null) await SendReplyAsync(cancellationToken);
                if (produced > 0 || _ended) return produced;
                continue;
            }

            KeepRaw(_raw.AsSpan(_rawStart, _rawEnd - _rawStart));
            var count = await _inner.ReadAsync(_raw.AsMemory(_rawEnd), cancellationToken);
            if (count == 0) _ended = true;
            _rawEnd += count;
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty) return ValueTask.CompletedTask;
        if (buffer.Length > WriteGather.Limit / 2 || !_gate.Wait(0, CancellationToken.None)) return WriteSlowAsync(buffer, cancellationToken);
        var size = WebSocketFrame.HeadSizeFor(buffer.Length, _maskKeys is not null) + buffer.Length;
        if (_torn || size > _gather.Room)
        {
            _gate.Release();
            return WriteSlowAsync(buffer, cancellationToken);
        }
        Append(WebSocketOpcode.Binary, buffer.Span);
        _gate.Release();
        return _reply is null ? ValueTask.CompletedTask : SendReplyAsync(cancellationToken);
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            await SendGatheredAsync(cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
        if (_reply is not null) await SendReplyAsync(cancellationToken);
    }

    /// <summary>Sends what is gathered and a close frame.</summary>
    // Compat: the reference sends 1000 at every end of its own, even after a 1002, and after a close frame of the peer.
    internal async ValueTask SendCloseAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_gather.Room < 2 * (WebSocketFrame.MaxHeadSize + WebSocketFrame.MaxControlPayload)) await SendGatheredAsync(cancellationToken);
            if (Interlocked.Exchange(ref _reply, null) is { } due) Append(due.Opcode, due.Payload);
            var close = Reply.Close(CloseCode.Normal);
            Append(close.Opcode, close.Payload);
            await SendGatheredAsync(cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async ValueTask<int> ReadDirectAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var kept = _rawEnd - _rawStart;
        _raw.AsSpan(_rawStart, kept).CopyTo(buffer.Span);
        var count = await _inner.ReadAsync(buffer[kept..], cancellationToken);
        _rawStart = _rawEnd = 0;
        if (count == 0)
        {
            _ended = true;
            return 0;
        }
        var filled = kept + count;
        var produced = Unwrap(buffer.Span[..filled], buffer.Span, out var consumed);
        if (!_ended && consumed < filled) KeepRaw(buffer.Span[consumed..filled]);
        return produced;
    }

    /// <summary>Takes frames apart. The payload may be written over the frames it comes from.</summary>
    /// <param name="raw">Frames, as they came.</param>
    /// <param name="payload">Where the payload goes: elsewhere, or to the start of <paramref name="raw"/>.</param>
    /// <param name="consumed">What of <paramref name="raw"/> is done with.</param>
    /// <returns>Bytes of payload.</returns>
    private int Unwrap(ReadOnlySpan<byte> raw, Span<byte> payload, out int consumed)
    {
        consumed = 0;
        var produced = 0;
        while (!_ended)
        {
            if (_payloadLeft > 0)
            {
                var count = (int)Math.Min(_payloadLeft, Math.Min(raw.Length - consumed, payload.Length - produced));
                if (count == 0) break;
                var piece = payload.Slice(produced, count);
                raw.Slice(consumed, count).CopyTo(piece);
                WebSocketFrame.Mask(piece, _maskKey, _payloadOffset);
                consumed += count;
                produced += count;
                _payloadLeft -= count;
                _payloadOffset += count;
                continue;
            }

            if (!WebSocketFrame.TryRead(raw[consumed..], out var frame)) break;
            if (IsViolation(frame))
            {
                End(CloseCode.ProtocolError);
            }
            else if (frame.IsControl)
            {
                // At most 125 bytes: taken whole or not at all.
                var size = frame.HeadSize + (int)frame.PayloadLength;
                if (raw.Length - consumed < size) break;
                TakeControl(frame, raw.Slice(consumed + frame.HeadSize, (int)frame.PayloadLength));
                consumed += size;
            }
            else if (frame.Opcode is WebSocketOpcode.Binary or WebSocketOpcode.Text or WebSocketOpcode.Continuation)
            {
                // Compat: releases before 0.70 send binary data in text frames; no order of fragments is enforced.
                consumed += frame.HeadSize;
                _payloadLeft = frame.PayloadLength;
                _payloadOffset = 0;
                _maskKey = frame.MaskKey;
            }
            else
            {
                _ended = true; // Compat: a reserved opcode is the end, without a word
            }
        }
        return produced;
    }

    private bool IsViolation(in WebSocketFrame frame) =>
        frame.IsMasked == _maskKeys is not null // "a client MUST mask all frames"; "a server MUST NOT mask any"
        || frame.HasReservedBits                // no extension was negotiated
        || frame.PayloadLength < 0
        || (frame.IsControl && (frame.PayloadLength > WebSocketFrame.MaxControlPayload || !frame.IsFinal));

    private void TakeControl(in WebSocketFrame frame, ReadOnlySpan<byte> payload)
    {
        switch (frame.Opcode)
        {
            case WebSocketOpcode.Ping:
                var echo = payload.ToArray();
                WebSocketFrame.Mask(echo, frame.MaskKey, 0);
                // "MAY elect to send a Pong frame for only the most recently processed Ping frame": one slot is enough, and
                // a peer cannot make us queue.
                Interlocked.Exchange(ref _reply, new Reply(WebSocketOpcode.Pong, echo));
                break;
            case WebSocketOpcode.Pong:
                break;
            default:
                _ended = true; // a close frame, answered when our side closes; or a reserved opcode
                break;
        }
    }

    private void End(CloseCode code)
    {
        _ended = true;
        Interlocked.Exchange(ref _reply, Reply.Close(code));
    }

    private void KeepRaw(ReadOnlySpan<byte> rest)
    {
        var target = _raw.Length < SmallestDirectRead ? new byte[SmallestDirectRead] : _raw;
        rest.CopyTo(target);
        _raw = target;
        _rawStart = 0;
        _rawEnd = rest.Length;
    }

    private async ValueTask WriteSlowAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_torn) throw new IOException("an earlier write failed");
            if (_gather.Room < WebSocketFrame.MaxHeadSize + buffer.Length) await SendGatheredAsync(cancellationToken);
            if (_gather.Room >= WebSocketFrame.MaxHeadSize + buffer.Length) Append(WebSocketOpcode.Binary, buffer.Span);
            else await WriteLargeAsync(buffer, cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
        if (_reply is not null) await SendReplyAsync(cancellationToken);
    }

    // One frame all the same; its payload passes through the buffer in pieces.
    private async ValueTask WriteLargeAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        var key = AppendHead(WebSocketOpcode.Binary, buffer.Length);
        for (var offset = 0; offset < buffer.Length;)
        {
            var count = Math.Min(_gather.Room, buffer.Length - offset);
            var piece = _gather.Append(count);
            buffer.Span.Slice(offset, count).CopyTo(piece);
            WebSocketFrame.Mask(piece, key, offset);
            offset += count;
            if (_gather.Room == 0) await SendGatheredAsync(cancellationToken);
        }
    }

    private void Append(WebSocketOpcode opcode, ReadOnlySpan<byte> payload)
    {
        var key = AppendHead(opcode, payload.Length);
        var piece = _gather.Append(payload.Length);
        payload.CopyTo(piece);
        WebSocketFrame.Mask(piece, key, 0);
    }

    private uint AppendHead(WebSocketOpcode opcode, int payloadLength)
    {
        uint? key = _maskKeys?.Next();
        WebSocketFrame.WriteHead(_gather.Append(WebSocketFrame.HeadSizeFor(payloadLength, key is not null)), opcode, payloadLength, key);
        return key ?? 0;
    }

    private async ValueTask SendReplyAsync(CancellationToken cancellationToken)
    {
        // When the gate is taken, its holder looks for a reply after leaving.
        while (Volatile.Read(ref _reply) is not null && _gate.Wait(0, CancellationToken.None))
        {
            try
            {
                if (Interlocked.Exchange(ref _reply, null) is not { } reply) continue;
                if (_gather.Room < WebSocketFrame.MaxHeadSize + reply.Payload.Length) await SendGatheredAsync(cancellationToken);
                Append(reply.Opcode, reply.Payload);
                await SendGatheredAsync(cancellationToken);
            }
            finally
            {
                _gate.Release();
            }
        }
    }

    private async ValueTask SendGatheredAsync(CancellationToken cancellationToken)
    {
        if (_torn) throw new IOException("an earlier write failed");
        var gathered = _gather.Take();
        try
        {
            if (gathered.Count > 0) await _inner.WriteAsync(gathered, cancellationToken);
            await _inner.FlushAsync(cancellationToken);
        }
        catch
        {
            _torn = true; // part of it may be out: frames after it would make no sense
            throw;
        }
        finally
        {
            if (gathered.Array is not null) ArrayPool<byte>.Shared.Return(gathered.Array);
        }
    }

    private sealed record Reply(WebSocketOpcode Opcode, byte[] Payload)
    {
        internal static Reply Close(CloseCode code)
        {
            var payload = new byte[2];
            BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)code);
            return new Reply(WebSocketOpcode.Close, payload);
        }
    }
}
