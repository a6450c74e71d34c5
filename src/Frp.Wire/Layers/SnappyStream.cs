using System.Buffers;
using System.Runtime.CompilerServices;

namespace Frp.Wire;

/// <summary>The compression layer (<c>useCompression</c>): the Snappy framing format in both directions.</summary>
/// <remarks>
/// A write goes down as one write of whole chunks and is not held back; one of more than 64 KiB as several. A chunk that
/// fits the reader's memory is decoded straight into it. Buffers are rented while bytes are in them or a read is pending.
/// <para>Source: docs/wire/payload-layers.md.</para>
/// </remarks>
public sealed class SnappyStream : LayerStream
{
    private const int InitialReadLength = 4 * 1024;
    private const int MaxReadLength = 128 * 1024;

    private readonly SnappyFrameEncoder _encoder = new();
    private readonly SnappyFrameDecoder _decoder = new();
    private PooledReadBuffer _input = new(InitialReadLength, MaxReadLength);

    // A decoded chunk that did not fit the reader's memory; rented exactly while part of it is undelivered.
    private byte[]? _plain;
    private int _plainStart;
    private int _plainEnd;

    // Bytes that must be buffered before the decoder can go on; 0 when it has not looked yet.
    private int _needed = 1;

    /// <summary>Puts compression over a stream, which it then owns.</summary>
    public SnappyStream(Stream inner) : base(inner) { }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        EnterRead();
        try
        {
            while (true)
            {
                if (_plainStart < _plainEnd) return TakePlain(buffer.Span);
                if (_needed == 0)
                {
                    // Something undecoded is at hand: a zero-byte read need not wait for more.
                    if (buffer.IsEmpty) return 0;
                    if (Decode(buffer.Span) is > 0 and var written) return written;
                    continue;
                }
                if (buffer.IsEmpty)
                {
                    _input.ReleaseIfEmpty();
                    return await Inner.ReadAsync(buffer, cancellationToken);
                }
                var count = await Inner.ReadAsync(_input.GetRoom(_needed), cancellationToken);
                if (count == 0)
                {
                    if (_input.Length == 0) return 0;
                    throw new ProtocolViolationException("the compressed stream ended inside a chunk");
                }
                _input.Advance(count);
                if (_input.Length >= _needed) _needed = 0;
            }
        }
        finally
        {
            ExitRead();
        }
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        EnterWrite();
        try
        {
            while (!buffer.IsEmpty)
            {
                var piece = buffer.Length <= SnappyFrameEncoder.MaxChunkPlainLength ? buffer : buffer[..SnappyFrameEncoder.MaxChunkPlainLength];
                var output = ArrayPool<byte>.Shared.Rent(SnappyFrameEncoder.GetMaxEncodedLength(piece.Length));
                try
                {
                    var length = _encoder.Encode(piece.Span, output);
                    await WriteDownAsync(output.AsMemory(0, length), cancellationToken);
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(output);
                }
                buffer = buffer[piece.Length..];
            }
        }
        finally
        {
            ExitWrite();
        }
    }

    private protected override void ReleaseReadState()
    {
        _input.Release();
        ReleasePlain();
    }

    private protected override void ReleaseWriteState() { }

    private int Decode(Span<byte> output)
    {
        var status = _decoder.Decode(_input.Filled, output, out var consumed, out var written, out var needed);
        if (consumed > 0) _input.Consume(consumed);
        if (status == OperationStatus.Done) _needed = 1;
        if (status == OperationStatus.NeedMoreData) _needed = needed;
        if (written > 0 || status != OperationStatus.DestinationTooSmall) return written;
        _plain = ArrayPool<byte>.Shared.Rent(needed);
        _plainStart = 0;
        _decoder.Decode(_input.Filled, _plain.AsSpan(0, needed), out consumed, out _plainEnd, out _);
        _input.Consume(consumed);
        // Whatever lies behind has not been looked at, unless nothing does.
        _needed = _input.Length == 0 ? 1 : 0;
        return 0;
    }

    private int TakePlain(Span<byte> output)
    {
        var count = Math.Min(output.Length, _plainEnd - _plainStart);
        _plain.AsSpan(_plainStart, count).CopyTo(output);
        _plainStart += count;
        if (_plainStart == _plainEnd) ReleasePlain();
        return count;
    }

    private void ReleasePlain()
    {
        var plain = _plain;
        _plain = null;
        _plainStart = _plainEnd = 0;
        if (plain is not null) ArrayPool<byte>.Shared.Return(plain);
    }
}
