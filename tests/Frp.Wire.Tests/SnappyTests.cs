using System.Buffers;
using System.Text;
using CsCheck;

namespace Frp.Wire.Tests;

public sealed class SnappyTests
{
    private static readonly byte[] Identifier = Convert.FromHexString("ff060000734e61507059");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Compressible, incompressible, and both in one.
    internal static readonly Gen<byte[]> Data = Gen.OneOf(
        Gen.Byte.Array[0, 40],
        Gen.Select(Gen.Int[0, 200_000], Gen.Int[1, 50], (n, period) => Enumerable.Range(0, n).Select(i => (byte)(i % period)).ToArray()),
        Gen.Select(Gen.Int[0, 90_000], Gen.Int, (n, seed) => Noise(n, seed)),
        Gen.Select(Gen.Int[0, 90_000], Gen.Int, (n, seed) => (byte[])[.. new byte[n], .. Noise(n / 2, seed)]));

    private static readonly Gen<int[]> Lengths = Gen.OneOf(Gen.Int[1, 300], Gen.Int[1, 70_000], Gen.Int[60_000, 150_000]).Array[1, 4];

    [Fact]
    public void Encoding_is_what_the_reference_decoder_reads() => Data.Sample(data =>
    {
        var output = new byte[SnappyFrameEncoder.GetMaxEncodedLength(data.Length)];
        var length = new SnappyFrameEncoder().Encode(data, output);
        var (plain, chunks) = Reference.Unsnappy(output[..length]);
        Assert.Equal(data, plain);
        Assert.All(chunks, c => Assert.InRange(c.PlainLength, 0, 65536));
        Assert.Equal(data.Length == 0 ? 0 : 1, chunks.Count(c => c.Type == 0xff));
    }, iter: 100);

    [Fact]
    public async Task A_stream_carries_bytes_at_any_division_of_writes_wire_and_reads() =>
        await Gen.Select(Data, Lengths, Lengths, Lengths).SampleAsync(async (data, writes, wire, reads) =>
        {
            var sent = new PieceStream();
            await using (var sender = new SnappyStream(sent)) await sender.WritePiecesAsync(data, writes);
            Assert.Equal(data, Reference.Unsnappy(sent.Written).Plain);
            await using var receiver = new SnappyStream(PieceStream.Cut(sent.Written, wire));
            Assert.Equal(data, await receiver.ReadAllAsync(reads));
        }, iter: 100);

    [Fact]
    public async Task Both_layers_carry_bytes_in_the_protocol_s_order() =>
        await Gen.Select(Data, Lengths, Lengths, Lengths).SampleAsync(async (data, writes, wire, reads) =>
        {
            var key = new byte[16];
            var sent = new PieceStream();
            await using (var sender = new SnappyStream(new CfbStream(sent, key))) await sender.WritePiecesAsync(data, writes);
            if (data.Length > 0)
                Assert.Equal(data, Reference.Unsnappy(Reference.Cfb(key, sent.Written[..16], sent.Written[16..], encrypt: false)).Plain);
            await using var receiver = new SnappyStream(new CfbStream(PieceStream.Cut(sent.Written, wire), key));
            Assert.Equal(data, await receiver.ReadAllAsync(reads));
        }, iter: 60);

    [Fact]
    public async Task Every_write_is_readable_at_once_and_is_one_write_below()
    {
        var inner = new PieceStream();
        await using var stream = new SnappyStream(inner);
        await stream.WriteAsync(ReadOnlyMemory<byte>.Empty, Token);
        Assert.Empty(inner.Writes);
        for (var i = 1; i <= 5; i++)
        {
            await stream.WriteAsync(Noise(i * 1000, i), Token);
            Assert.Equal(i, inner.Writes.Count);
            Assert.Equal(1000 * i * (i + 1) / 2, Reference.Unsnappy(inner.Written).Plain.Length);
        }
    }

    [Fact]
    public async Task Compression_is_used_only_where_it_saves_an_eighth()
    {
        var inner = new PieceStream();
        await using var stream = new SnappyStream(inner);
        await stream.WriteAsync(Noise(5000, 1), Token);
        await stream.WriteAsync(new byte[5000], Token);
        Assert.Equal([(byte)0xff, 1, 0], Reference.Unsnappy(inner.Written).Chunks.Select(c => c.Type));
    }

    [Fact]
    public async Task Repeated_identifiers_and_skippable_chunks_are_passed_over()
    {
        byte[] wire = [.. Identifier, .. Identifier, .. Chunk(0x80, 3), .. Plain("ab"), .. Chunk(0xfe, 0), .. Chunk(0xc0, 70_000), .. Identifier, .. Plain(""), .. Plain("c")];
        foreach (var piece in new[] { 1, 7, 100_000 })
        {
            await using var stream = new SnappyStream(PieceStream.Cut(wire, piece));
            Assert.Equal("abc", Encoding.ASCII.GetString(await stream.ReadAllAsync()));
        }
    }

    public static TheoryData<string, byte[]> Violations() => new()
    {
        { "no identifier", Plain("a") },
        { "padding before the identifier", [.. Chunk(0xfe, 4), .. Identifier] },
        { "wrong identifier", [0xff, 6, 0, 0, .. "sNaPpy"u8] },
        { "short identifier", [0xff, 5, 0, 0, .. "sNaPp"u8] },
        { "long identifier", [0xff, 7, 0, 0, .. "sNaPpYY"u8] },
        { "first reserved type", [.. Identifier, .. Chunk(0x02, 4)] },
        { "last reserved type", [.. Identifier, .. Chunk(0x7f, 4)] },
        { "wrong checksum", [.. Identifier, .. Plain("a")[..4], 1, 2, 3, 4, (byte)'a'] },
        { "chunk without checksum", [.. Identifier, 1, 3, 0, 0, 1, 2, 3] },
        { "compressed chunk without block", [.. Identifier, 0, 4, 0, 0, 1, 2, 3, 4] },
        { "oversized plain chunk", [.. Identifier, .. Chunk(0x01, 65_541)] },
        { "oversized compressed chunk", [.. Identifier, .. Chunk(0x00, 76_495)] },
        { "oversized padding", [.. Identifier, .. Chunk(0xfe, 76_495)] },
        { "block of more than 65536 bytes", [.. Identifier, 0, 9, 0, 0, 1, 2, 3, 4, 0x81, 0x80, 0x04, 0, 0] },
        { "block length of six bytes", [.. Identifier, 0, 10, 0, 0, 1, 2, 3, 4, 0x80, 0x80, 0x80, 0x80, 0x80, 0] },
        { "block that ends early", [.. Identifier, 0, 6, 0, 0, 1, 2, 3, 4, 5, 0] },
        { "block that copies from before its start", [.. Identifier, 0, 8, 0, 0, 1, 2, 3, 4, 5, 0x05, 0x09, 0] },
        { "end inside a header", [.. Identifier, 1, 2] },
        { "end inside a chunk", [.. Identifier, .. Plain("abc")[..^1]] },
    };

    [Theory]
    [MemberData(nameof(Violations))]
    public async Task What_breaks_the_format_is_a_violation(string what, byte[] wire)
    {
        foreach (var piece in new[] { 1, 5, 100_000 })
        {
            await using var stream = new SnappyStream(PieceStream.Cut(wire, piece));
            var e = await Assert.ThrowsAsync<ProtocolViolationException>(() => stream.ReadAllAsync());
            Assert.False(string.IsNullOrEmpty(e.Message), what);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public async Task Good_chunks_are_read_before_a_bad_one_is_a_violation(int piece)
    {
        byte[] wire = [.. Identifier, .. Plain("good"), .. Chunk(0x02, 4)];
        await using var stream = new SnappyStream(PieceStream.Cut(wire, piece));
        var buffer = new byte[100];
        Assert.Equal("good", Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer, Token)));
        await Assert.ThrowsAsync<ProtocolViolationException>(() => stream.ReadAsync(buffer, Token).AsTask());
        await Assert.ThrowsAsync<ProtocolViolationException>(() => stream.ReadAsync(buffer, Token).AsTask());
    }

    [Fact]
    public void Damage_is_a_violation_or_goes_unseen_in_what_is_skipped() =>
        Gen.Select(Data, Gen.Select(Gen.Int[0, int.MaxValue], Gen.Byte).List[1, 4]).Sample((data, edits) =>
        {
            if (data.Length == 0) return;
            var wire = new byte[SnappyFrameEncoder.GetMaxEncodedLength(data.Length)];
            var length = new SnappyFrameEncoder().Encode(data, wire);
            foreach (var (at, value) in edits) wire[at % length] = value;
            var output = new byte[data.Length + 65536];
            try
            {
                new SnappyFrameDecoder().Decode(wire.AsSpan(0, length), output, out _, out var written, out _);
                Assert.InRange(written, 0, data.Length + 65536);
            }
            catch (ProtocolViolationException e)
            {
                Assert.NotEmpty(e.Message);
            }
        }, iter: 300);

    [Fact]
    public void The_decoder_says_what_it_needs()
    {
        byte[] wire = [.. Identifier, .. Plain("abc"), .. Plain("de")];
        var decoder = new SnappyFrameDecoder();
        var output = new byte[4];
        Assert.Equal(OperationStatus.NeedMoreData, decoder.Decode(wire.AsSpan(0, 3), output, out var consumed, out var written, out var needed));
        Assert.Equal((0, 0, 4), (consumed, written, needed));
        Assert.Equal(OperationStatus.NeedMoreData, decoder.Decode(wire.AsSpan(0, 15), output, out consumed, out written, out needed));
        Assert.Equal((10, 0, 11), (consumed, written, needed));
        Assert.Equal(OperationStatus.DestinationTooSmall, decoder.Decode(wire.AsSpan(10), output, out consumed, out written, out needed));
        Assert.Equal((11, 3, 2), (consumed, written, needed));
        Assert.Equal(OperationStatus.Done, decoder.Decode(wire.AsSpan(21), output, out consumed, out written, out needed));
        Assert.Equal((10, 2), (consumed, written));
    }

    internal static byte[] Noise(int length, int seed)
    {
        // A linear congruential generator: noise enough for a compressor, and the same in every run.
        var state = (uint)seed;
        var bytes = new byte[length];
        foreach (ref var b in bytes.AsSpan())
        {
            state = state * 1664525 + 1013904223;
            b = (byte)(state >> 24);
        }
        return bytes;
    }

    private static byte[] Chunk(byte type, int length) => [type, (byte)length, (byte)(length >> 8), (byte)(length >> 16), .. new byte[length]];

    private static byte[] Plain(string text)
    {
        var data = Encoding.ASCII.GetBytes(text);
        return [1, (byte)(data.Length + 4), 0, 0, .. BitConverter.GetBytes(Reference.MaskedCrc(data)), .. data];
    }
}
