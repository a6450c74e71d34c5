using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using Snappier;

namespace Frp.Wire;

/// <summary>The Snappy framing format, sending side.</summary>
/// <remarks>
/// <code>
/// stream := identifier chunk*
/// chunk  := type(1) length(3, little-endian) body(length)
/// 0xff       identifier     body = "sNaPpY"
/// 0x00       compressed     body = checksum(4, little-endian) snappy block
/// 0x01       uncompressed   body = checksum(4, little-endian) plain bytes
/// 0x80..0xfe skippable
/// 0x02..0x7f reserved, an error
/// checksum   masked CRC-32C of the plain bytes: rotated right by 15 bits, plus 0xa282ead8
/// </code>
/// A chunk holds at most 65536 plain bytes.
/// Concurrency: one caller at a time. Source: google/snappy framing_format.txt; docs/wire/payload-layers.md.
/// </remarks>
public sealed class SnappyFrameEncoder
{
    /// <summary>Plain bytes of a chunk at most.</summary>
    public const int MaxChunkPlainLength = 65536;

    private bool _started;

    /// <summary>Room that <see cref="Encode"/> can need for so many plain bytes.</summary>
    public static int GetMaxEncodedLength(int plainLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(plainLength);
        var (whole, rest) = Math.DivRem(plainLength, MaxChunkPlainLength);
        var length = SnappyFrame.Identifier.Length + whole * MaxChunkLength(MaxChunkPlainLength);
        return rest == 0 ? length : length + MaxChunkLength(rest);
    }

    /// <summary>Turns bytes into whole chunks, the first of all preceded by the identifier.</summary>
    /// <returns>Bytes written.</returns>
    public int Encode(ReadOnlySpan<byte> plain, Span<byte> output)
    {
        if (plain.IsEmpty) return 0;
        var written = 0;
        if (!_started)
        {
            SnappyFrame.Identifier.CopyTo(output);
            written = SnappyFrame.Identifier.Length;
            _started = true;
        }
        while (!plain.IsEmpty)
        {
            var piece = plain[..Math.Min(plain.Length, MaxChunkPlainLength)];
            written += EncodeChunk(piece, output[written..]);
            plain = plain[piece.Length..];
        }
        return written;
    }

    private static int EncodeChunk(ReadOnlySpan<byte> plain, Span<byte> output)
    {
        var body = output[(SnappyFrame.HeaderLength + SnappyFrame.ChecksumLength)..];
        var length = Snappy.Compress(plain, body);
        var type = SnappyFrame.Compressed;
        // As the reference does: compression has to save an eighth.
        if (length >= plain.Length - plain.Length / 8)
        {
            plain.CopyTo(body);
            length = plain.Length;
            type = SnappyFrame.Uncompressed;
        }
        BinaryPrimitives.WriteUInt32LittleEndian(output, type | (uint)(length + SnappyFrame.ChecksumLength) << 8);
        BinaryPrimitives.WriteUInt32LittleEndian(output[SnappyFrame.HeaderLength..], SnappyFrame.Checksum(plain));
        return SnappyFrame.HeaderLength + SnappyFrame.ChecksumLength + length;
    }

    private static int MaxChunkLength(int plainLength) =>
        SnappyFrame.HeaderLength + SnappyFrame.ChecksumLength + Snappy.GetMaxCompressedLength(plainLength);
}

/// <summary>The receiving side of <see cref="SnappyFrameEncoder"/>.</summary>
/// <remarks>Concurrency: one caller at a time. Errors: <see cref="ProtocolViolationException"/>.</remarks>
public sealed class SnappyFrameDecoder
{
    /// <summary>Length of the longest chunk, header included.</summary>
    public const int MaxChunkLength = SnappyFrame.HeaderLength + SnappyFrame.MaxBodyLength;

    private bool _started;

    /// <summary>Decodes as many whole chunks as are there and fit.</summary>
    /// <param name="input">What came.</param>
    /// <param name="output">Room for plain bytes.</param>
    /// <param name="consumed">Bytes of <paramref name="input"/> that are done with.</param>
    /// <param name="written">Plain bytes written.</param>
    /// <param name="needed">After <see cref="OperationStatus.NeedMoreData"/>: how many bytes have to lie at the front of the input.
    /// After <see cref="OperationStatus.DestinationTooSmall"/>: how much room the next chunk needs.</param>
    /// <returns>
    /// <see cref="OperationStatus.Done"/> when all input is consumed, and the two statuses above; <see cref="OperationStatus.InvalidData"/> when plain bytes
    /// were written and what follows is malformed, which the next call says.
    /// </returns>
    public OperationStatus Decode(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written, out int needed)
    {
        consumed = written = needed = 0;
        while (true)
        {
            var rest = input[consumed..];
            if (rest.IsEmpty) return OperationStatus.Done;
            try
            {
                needed = SnappyFrame.HeaderLength;
                if (rest.Length >= needed) needed += CheckHeader(rest);
                if (rest.Length < needed) return OperationStatus.NeedMoreData;
                var body = rest[SnappyFrame.HeaderLength..needed];
                var plainLength = GetPlainLength(rest[0], body);
                if (plainLength > output.Length - written)
                {
                    needed = plainLength;
                    return OperationStatus.DestinationTooSmall;
                }
                if (rest[0] <= SnappyFrame.Uncompressed) DecodeChunk(rest[0], body, output.Slice(written, plainLength));
                written += plainLength;
                consumed += needed;
            }
            catch (ProtocolViolationException) when (written > 0)
            {
                return OperationStatus.InvalidData; // what was good is delivered first
            }
        }
    }

    // Everything that the four bytes of a header can get wrong; returns the body's length.
    private int CheckHeader(ReadOnlySpan<byte> chunk)
    {
        var type = chunk[0];
        var length = (int)(BinaryPrimitives.ReadUInt32LittleEndian(chunk) >> 8);
        if (!_started && type != SnappyFrame.Stream) throw new ProtocolViolationException("the compressed stream does not begin with its identifier");
        if (type is > SnappyFrame.Uncompressed and < SnappyFrame.FirstSkippable)
            throw new ProtocolViolationException($"reserved snappy chunk type 0x{type:x2}");
        var (min, max) = type switch
        {
            SnappyFrame.Compressed => (SnappyFrame.ChecksumLength + 1, SnappyFrame.MaxBodyLength),
            SnappyFrame.Uncompressed => (SnappyFrame.ChecksumLength, SnappyFrame.ChecksumLength + SnappyFrameEncoder.MaxChunkPlainLength),
            SnappyFrame.Stream => (SnappyFrame.IdentifierBodyLength, SnappyFrame.IdentifierBodyLength),
            _ => (0, SnappyFrame.MaxBodyLength),
        };
        if (length < min || length > max) throw new ProtocolViolationException($"snappy chunk of type 0x{type:x2} with {length} bytes");
        return length;
    }

    private int GetPlainLength(byte type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case SnappyFrame.Compressed:
                var length = ReadBlockLength(body[SnappyFrame.ChecksumLength..]);
                if (length > SnappyFrameEncoder.MaxChunkPlainLength) throw new ProtocolViolationException("a snappy chunk holds more than 65536 bytes");
                return (int)length;
            case SnappyFrame.Uncompressed:
                return body.Length - SnappyFrame.ChecksumLength;
            case SnappyFrame.Stream:
                if (!body.SequenceEqual(SnappyFrame.Identifier[SnappyFrame.HeaderLength..]))
                    throw new ProtocolViolationException("wrong identifier of the compressed stream");
                _started = true;
                return 0;
            default:
                return 0;
        }
    }

    // The block's own preamble: plain length as a little-endian base-128 number.
    private static uint ReadBlockLength(ReadOnlySpan<byte> block)
    {
        uint length = 0;
        for (var i = 0; i < Math.Min(block.Length, 5); i++)
        {
            // A fifth byte has four bits left; the decompressor throws something of its own where they overflow.
            if (i == 4 && block[i] > 0x0f) break;
            length |= (uint)(block[i] & 0x7f) << (7 * i);
            if (block[i] < 0x80) return length;
        }
        throw new ProtocolViolationException("malformed snappy block length");
    }

    private static void DecodeChunk(byte type, ReadOnlySpan<byte> body, Span<byte> output)
    {
        var data = body[SnappyFrame.ChecksumLength..];
        if (type == SnappyFrame.Uncompressed) data.CopyTo(output);
        else if (!TryDecompress(data, output)) throw new ProtocolViolationException("malformed snappy block");
        if (SnappyFrame.Checksum(output) != BinaryPrimitives.ReadUInt32LittleEndian(body))
            throw new ProtocolViolationException("wrong checksum of a snappy chunk");
    }

    private static bool TryDecompress(ReadOnlySpan<byte> block, Span<byte> output)
    {
        try
        {
            return Snappy.TryDecompress(block, output, out var length) && length == output.Length;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }
}

internal static class SnappyFrame
{
    internal const byte Compressed = 0x00;
    internal const byte Uncompressed = 0x01;
    internal const byte FirstSkippable = 0x80;
    internal const byte Stream = 0xff;

    internal const int HeaderLength = 4;
    internal const int ChecksumLength = 4;
    internal const int IdentifierBodyLength = 6;
    // Source: longest snappy block of 65536 bytes (32 + n + n/6) and the checksum; what the reference's reader accepts.
    internal const int MaxBodyLength = 76494;

    internal static ReadOnlySpan<byte> Identifier => [Stream, 6, 0, 0, (byte)'s', (byte)'N', (byte)'a', (byte)'P', (byte)'p', (byte)'Y'];

    internal static uint Checksum(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        while (data.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[sizeof(ulong)..];
        }
        foreach (var b in data) crc = BitOperations.Crc32C(crc, b);
        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8;
    }
}
