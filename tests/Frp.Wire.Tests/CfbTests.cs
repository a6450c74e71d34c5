using CsCheck;

namespace Frp.Wire.Tests;

public sealed class CfbTests
{
    private static readonly Gen<byte[]> Key = Gen.Byte.Array[16];
    // Lengths around blocks, and beyond the piece that is transformed at once.
    private static readonly Gen<byte[]> Data = Gen.OneOf(Gen.Byte.Array[0, 70], Gen.Byte.Array[0, 3000], Gen.Byte.Array[16_370, 40_000]);
    private static readonly Gen<int[]> Lengths = Gen.OneOf(Gen.Int[1, 17], Gen.Int[1, 100], Gen.Int[1, 40_000]).Array[1, 6];

    [Fact]
    public void Any_division_encrypts_and_decrypts_like_the_byte_wise_reference() =>
        Gen.Select(Key, Key, Data, Lengths).Sample((key, iv, data, lengths) =>
        {
            var expected = Reference.Cfb(key, iv, data, encrypt: true);
            using var encryptor = new CfbEncryptor(key, iv);
            using var decryptor = new CfbDecryptor(key, iv);
            var cipher = new byte[data.Length];
            for (int at = 0, i = 0; at < data.Length; i++)
            {
                var length = Math.Min(lengths[i % lengths.Length], data.Length - at);
                encryptor.Encrypt(data.AsSpan(at, length), cipher.AsSpan(at));
                at += length;
            }
            Assert.Equal(expected, cipher);
            for (int at = 0, i = lengths.Length; at < data.Length; i--)
            {
                var length = Math.Min(lengths[(i + lengths.Length * 70_000) % lengths.Length], data.Length - at);
                decryptor.Decrypt(cipher.AsSpan(at, length));
                at += length;
            }
            Assert.Equal(data, cipher);
        }, iter: 300);

    [Fact]
    public void Encrypts_in_place()
    {
        var key = new byte[16];
        var data = Enumerable.Range(0, 1000).Select(i => (byte)i).ToArray();
        var expected = Reference.Cfb(key, key, data, encrypt: true);
        using var encryptor = new CfbEncryptor(key, key);
        foreach (var piece in new[] { 3, 30, 967 }.Select((n, i) => (i == 0 ? 0 : i == 1 ? 3 : 33, n)))
            encryptor.Encrypt(data.AsSpan(piece.Item1, piece.n), data.AsSpan(piece.Item1));
        Assert.Equal(expected, data);
    }

    [Fact]
    public async Task A_stream_carries_bytes_at_any_division_of_writes_wire_and_reads() =>
        await Gen.Select(Key, Data, Lengths, Lengths, Lengths).SampleAsync(async (key, data, writes, wire, reads) =>
        {
            var sent = new PieceStream();
            await using (var sender = new CfbStream(sent, key)) await sender.WritePiecesAsync(data, writes);
            if (data.Length > 0)
            {
                Assert.Equal(data.Length + 16, sent.Written.Length);
                Assert.Equal(data, Reference.Cfb(key, sent.Written[..16], sent.Written[16..], encrypt: false));
            }
            await using var receiver = new CfbStream(PieceStream.Cut(sent.Written, wire), key);
            Assert.Equal(data, await receiver.ReadAllAsync(reads));
        }, iter: 200);

    [Fact]
    public async Task The_vector_goes_out_with_the_first_bytes_and_each_write_is_one()
    {
        var inner = new PieceStream();
        await using var stream = new CfbStream(inner, new byte[16]);
        await stream.FlushAsync(TestContext.Current.CancellationToken);
        await stream.WriteAsync(ReadOnlyMemory<byte>.Empty, TestContext.Current.CancellationToken);
        Assert.Empty(inner.Writes);
        await stream.WriteAsync(new byte[5], TestContext.Current.CancellationToken);
        await stream.WriteAsync(new byte[65536], TestContext.Current.CancellationToken);
        Assert.Equal([21, 65536], inner.Writes.Select(w => w.Length));
        Assert.Equal(1, inner.Flushes);
    }

    [Fact]
    public async Task Vectors_are_fresh()
    {
        var one = new PieceStream();
        var two = new PieceStream();
        await new CfbStream(one, new byte[16]).WriteAsync(new byte[1], TestContext.Current.CancellationToken);
        await new CfbStream(two, new byte[16]).WriteAsync(new byte[1], TestContext.Current.CancellationToken);
        Assert.NotEqual(one.Written[..16], two.Written[..16]);
    }

    [Fact]
    public async Task An_end_inside_the_vector_is_a_violation_and_before_it_an_end()
    {
        for (var length = 0; length <= 16; length++)
        {
            await using var stream = new CfbStream(PieceStream.Cut(new byte[length]), new byte[16]);
            if (length is 0 or 16) Assert.Empty(await stream.ReadAllAsync());
            else await Assert.ThrowsAsync<ProtocolViolationException>(() => stream.ReadAllAsync());
        }
    }
}
