using System.Buffers.Binary;
using System.Numerics;
using Frp.Wire;
using Snappy = Snappier.Snappy;

namespace Frp.Fuzz;

/// <summary>AES-CFB as v1 control connections and encrypted payload have it: any bytes decrypt to something, the same for every cut.</summary>
internal sealed class CfbTarget : FuzzTarget
{
    private static readonly byte[] Key = StreamKey.Derive("token");

    public override string Name => "cfb";

    public override IReadOnlyList<string> Sources => ["Frp.Wire/Layers/Cfb.cs", "Frp.Wire/Layers/CfbStream.cs", "Frp.Wire/Layers/LayerStream.cs"];

    public override int MaxLength => 2048;

    public override void Run(ReadOnlyMemory<byte> input)
    {
        string plain = Now.ForAnyPieces(input, static feed => Layers.ReadAll(new CfbStream(feed, Key)), static e => e is ProtocolViolationException);
        FindException.Unless(input.Length is > 0 and < CfbEncryptor.BlockLength == plain.StartsWith(nameof(ProtocolViolationException), StringComparison.Ordinal), "an end inside the vector is a refusal, and nothing else is");
        byte[] written = Layers.Write(static feed => new CfbStream(feed, Key), input, 1 + input.Length % 37);
        FindException.UnlessEqual(Convert.ToHexString(input.Span), Layers.ReadAll(new CfbStream(new Feed(written, 7), Key)), "what was encrypted and decrypted");
    }
}

/// <summary>Records of a v2 control connection: nothing comes out that was not sealed. The head chooses the cipher and what is changed on the way.</summary>
internal sealed class AeadTarget : FuzzTarget
{
    private const int Head = 4;
    private static readonly ControlKeys[] Keys = [.. HelloNegotiation.Supported.Select(static c => ControlKeys.Derive("token"u8, c, new ClientHello { Payload = new byte[1] }, new ServerHello { Payload = new byte[1] }))];

    public override string Name => "aead";

    public override IReadOnlyList<string> Sources => ["Frp.Wire/Control/AeadStream.cs", "Frp.Wire/Control/ControlAead.cs", "Frp.Wire/PooledReadBuffer.cs"];

    public override int MaxLength => 2048;

    public override IReadOnlyList<string> Words => ["\0\0\0\0", "\0\x01\0\0", "\xff\xff\xff\xff", "\0\0\0\x10"];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        if (input.Length < Head) return;
        byte mode = input.Span[0];
        var keys = Keys[mode % Keys.Length];
        var rest = input[Head..];
        // Whatever a stranger to the keys sends is refused, or too short to be anything.
        string strange = Now.ForAnyPieces(rest, feed => Layers.ReadAll(new AeadStream(feed, keys, isServer: true)), static e => e is ProtocolViolationException);
        FindException.Unless(strange.Length == 0 || strange.StartsWith(nameof(ProtocolViolationException), StringComparison.Ordinal), "bytes came out that nobody sealed");

        byte[] written = Layers.Write(feed => new AeadStream(feed, keys, isServer: false), rest, 1 + mode * 4);
        if (written.Length == 0) return;
        int at = BinaryPrimitives.ReadUInt16LittleEndian(input.Span[1..]) % written.Length;
        written[at] ^= input.Span[3];
        bool isWhole = input.Span[3] == 0;
        var got = new MemoryStream();
        string end = Now.Outcome(() => Layers.ReadAll(new AeadStream(new Feed(written, 1 + mode), keys, isServer: true), got), static e => e is ProtocolViolationException);
        FindException.Unless(rest.Span.StartsWith(got.ToArray()), "what came out is not what was sealed");
        FindException.Unless(isWhole == (end == Convert.ToHexString(rest.Span)), isWhole ? "a sealed record was refused" : "a changed record was taken");
    }
}

/// <summary>Compressed payload. The input as it is, the input as chunks whose checksums are put right, and the input as what is compressed.</summary>
internal sealed class SnappyTarget : FuzzTarget
{
    public override string Name => "snappy";

    public override IReadOnlyList<string> Sources => ["Frp.Wire/Layers/SnappyFrame.cs", "Frp.Wire/Layers/SnappyStream.cs", "Frp.Wire/PooledReadBuffer.cs"];

    public override IReadOnlyList<string> Words => ["\xff\x06\0\0sNaPpY", "\0\x08\0\0", "\x01\x08\0\0", "\x80\x01\0\0", "\xfe\0\0\0", "\x04\x0c" + "abcd", "\x80\x80\x04", "\xff\xff\xff\xff\x0f"];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        Now.ForAnyPieces(input, Decode, IsRefusal);
        Now.ForAnyPieces(WithChecksums(input.Span), Decode, IsRefusal);
        byte[] written = Layers.Write(static feed => new SnappyStream(feed), input, 1 + input.Length % 1021);
        FindException.UnlessEqual(Convert.ToHexString(input.Span), Layers.ReadAll(new SnappyStream(new Feed(written, 11))), "what was compressed and decompressed");
    }

    private static bool IsRefusal(Exception e) => e is ProtocolViolationException;

    private static string Decode(Feed feed) => Layers.ReadAll(new SnappyStream(feed));

    // A checksum is what a mutation never gets right: without this hardly an input would reach what is behind it.
    private static byte[] WithChecksums(ReadOnlySpan<byte> input)
    {
        const int Header = 4, Checksum = 4, Compressed = 0, Uncompressed = 1;
        byte[] stream = [0xff, 6, 0, 0, .. "sNaPpY"u8, .. input];
        var rest = stream.AsSpan(Header + 6);
        while (rest.Length >= Header + Checksum)
        {
            int length = rest[1] | rest[2] << 8 | rest[3] << 16;
            if (length < Checksum || length > rest.Length - Header) break;
            var data = rest.Slice(Header + Checksum, length - Checksum);
            if (rest[0] == Uncompressed) BinaryPrimitives.WriteUInt32LittleEndian(rest[Header..], Crc(data));
            if (rest[0] == Compressed && TryDecompress(data) is { } plain) BinaryPrimitives.WriteUInt32LittleEndian(rest[Header..], Crc(plain));
            rest = rest[(Header + length)..];
        }
        return stream;
    }

    // The framing format's masked CRC-32C.
    private static uint Crc(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in data) crc = BitOperations.Crc32C(crc, b);
        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8;
    }

    private static byte[]? TryDecompress(ReadOnlySpan<byte> block)
    {
        try
        {
            return Snappy.GetUncompressedLength(block) is >= 0 and <= SnappyFrameEncoder.MaxChunkPlainLength ? Snappy.DecompressToArray(block) : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}

/// <summary>Reading and writing whole layer streams.</summary>
internal static class Layers
{
    internal static string ReadAll(Stream stream, MemoryStream? into = null)
    {
        into ??= new MemoryStream();
        var buffer = new byte[113];
        // A read of nothing first, as relays wait: it must not eat anything.
        while (Now.Of(stream.ReadAsync(Memory<byte>.Empty)) is 0 && Now.Of(stream.ReadAsync(buffer)) is var count and > 0) into.Write(buffer, 0, count);
        return Convert.ToHexString(into.ToArray());
    }

    internal static byte[] Write(Func<Feed, Stream> layer, ReadOnlyMemory<byte> plain, int piece)
    {
        var feed = new Feed(default);
        var stream = layer(feed);
        for (; !plain.IsEmpty; plain = plain[Math.Min(piece, plain.Length)..]) Now.Of(stream.WriteAsync(plain[..Math.Min(piece, plain.Length)]));
        return feed.Written;
    }
}
