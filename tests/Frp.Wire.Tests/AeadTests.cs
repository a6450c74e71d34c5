using System.Buffers.Binary;
using CsCheck;

namespace Frp.Wire.Tests;

public sealed class AeadTests
{
    private static readonly Gen<int[]> Lengths = Gen.OneOf(Gen.Int[1, 30], Gen.Int[1, 3000], Gen.Int[60_000, 140_000]).Array[1, 4];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<ControlCipher> Ciphers() => [.. HelloNegotiation.Supported];

    [Theory]
    [MemberData(nameof(Ciphers))]
    public async Task A_stream_carries_bytes_at_any_division_of_writes_wire_and_reads(ControlCipher cipher)
    {
        var keys = Keys(cipher);
        await Gen.Select(Gen.OneOf(Gen.Byte.Array[0, 200], Gen.Byte.Array[0, 150_000]), Lengths, Lengths, Lengths).SampleAsync(async (data, writes, wire, reads) =>
        {
            foreach (var server in new[] { false, true })
            {
                var sent = new PieceStream();
                await using (var sender = new AeadStream(sent, keys, server)) await sender.WritePiecesAsync(data, writes);
                await using var receiver = new AeadStream(PieceStream.Cut(sent.Written, wire), keys, !server);
                Assert.Equal(data, await receiver.ReadAllAsync(reads));
            }
        }, iter: 50);
    }

    [Theory]
    [MemberData(nameof(Ciphers))]
    public async Task Writes_the_records_of_the_slow_reference(ControlCipher cipher)
    {
        var keys = Keys(cipher);
        var nonceLength = cipher == ControlCipher.Aes256Gcm ? 12 : 24;
        byte[][] writes = [[1], [.. Enumerable.Range(0, 300).Select(i => (byte)i)], [], SnappyTests.Noise(100, 1)];
        var sent = new PieceStream();
        await using var sender = new AeadStream(sent, keys, isServer: true);
        foreach (var write in writes) await sender.WriteAsync(write, Token);
        Assert.Equal(3, sent.Writes.Count);
        Assert.Equal(Reference.AeadStream(cipher, keys.ServerToClient.ToArray(), sent.Written[..nonceLength], writes.Where(w => w.Length > 0)), sent.Written);
    }

    [Theory]
    [MemberData(nameof(Ciphers))]
    public async Task The_nonce_counts_over_its_whole_length(ControlCipher cipher)
    {
        var keys = Keys(cipher);
        var length = cipher == ControlCipher.Aes256Gcm ? 12 : 24;
        byte[][] records = [[1], [2], [], [3]];
        // Carries through 1, 8, 9 and all bytes; the 8th is where XChaCha20 needs a new subkey.
        foreach (var carry in new[] { 1, 7, 8, 9, length - 1, length })
        {
            byte[] nonce = [.. new byte[length - carry], .. Enumerable.Repeat((byte)0xff, carry)];
            nonce[^1] = 0xfe;
            var wire = Reference.AeadStream(cipher, keys.ClientToServer.ToArray(), nonce, records);
            await using var stream = new AeadStream(PieceStream.Cut(wire, 5), keys, isServer: true);
            Assert.Equal([1, 2, 3], await stream.ReadAllAsync());
        }
    }

    [Theory]
    [MemberData(nameof(Ciphers))]
    public async Task Damage_anywhere_is_a_violation(ControlCipher cipher)
    {
        var keys = Keys(cipher);
        var length = cipher == ControlCipher.Aes256Gcm ? 12 : 24;
        var wire = Reference.AeadStream(cipher, keys.ClientToServer.ToArray(), new byte[length], [[1, 2], [3, 4]]);
        for (var at = 0; at < wire.Length; at++)
        {
            var damaged = wire.ToArray();
            damaged[at] ^= 0x40;
            await using var stream = new AeadStream(PieceStream.Cut(damaged), keys, isServer: true);
            await Assert.ThrowsAsync<ProtocolViolationException>(() => stream.ReadAllAsync());
        }
        // Records in another order, and one left out.
        var record = (wire.Length - length) / 2;
        byte[][] wrong = [[.. wire[..length], .. wire[(length + record)..], .. wire[length..(length + record)]], [.. wire[..length], .. wire[(length + record)..]]];
        foreach (var bad in wrong)
        {
            await using var stream = new AeadStream(PieceStream.Cut(bad), keys, isServer: true);
            await Assert.ThrowsAsync<ProtocolViolationException>(() => stream.ReadAllAsync());
        }
        // Our own records sent back to us.
        await using var reflected = new AeadStream(PieceStream.Cut(wire), keys, isServer: false);
        await Assert.ThrowsAsync<ProtocolViolationException>(() => reflected.ReadAllAsync());
    }

    [Fact]
    public async Task The_end_between_records_is_an_end_and_elsewhere_a_violation()
    {
        var keys = Keys(ControlCipher.Aes256Gcm);
        var wire = Reference.AeadStream(ControlCipher.Aes256Gcm, keys.ClientToServer.ToArray(), new byte[12], [[1, 2], [3]]);
        int[] boundaries = [0, 12, 12 + 4 + 18, wire.Length];
        for (var length = 0; length <= wire.Length; length++)
        {
            await using var stream = new AeadStream(PieceStream.Cut(wire[..length], 3), keys, isServer: true);
            if (boundaries.Contains(length)) await stream.ReadAllAsync();
            else await Assert.ThrowsAsync<ProtocolViolationException>(() => stream.ReadAllAsync());
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(15u)]
    [InlineData(65553u)]
    [InlineData(0x7fffffffu)]
    [InlineData(0xffffffffu)]
    public async Task Lengths_out_of_bounds_are_refused_unread(uint length)
    {
        var wire = new byte[16];
        BinaryPrimitives.WriteUInt32BigEndian(wire.AsSpan(12), length);
        await using var stream = new AeadStream(PieceStream.Cut(wire), Keys(ControlCipher.Aes256Gcm), isServer: true);
        await Assert.ThrowsAsync<ProtocolViolationException>(() => stream.ReadAllAsync());
    }

    [Fact]
    public async Task The_largest_record_is_read_with_any_reader()
    {
        var keys = Keys(ControlCipher.Aes256Gcm);
        var data = SnappyTests.Noise(65536, 3);
        var wire = Reference.AeadStream(ControlCipher.Aes256Gcm, keys.ClientToServer.ToArray(), new byte[12], [data]);
        foreach (var read in new[] { 1, 1000, 65535, 65536, 100_000 })
        {
            await using var stream = new AeadStream(PieceStream.Cut(wire, 999), keys, isServer: true);
            Assert.Equal(data, await stream.ReadAllAsync(read));
        }
    }

    [Fact]
    public async Task Nothing_is_sent_before_the_first_byte_and_then_nonce_and_record_at_once()
    {
        var inner = new PieceStream();
        await using var stream = new AeadStream(inner, Keys(ControlCipher.Aes256Gcm), isServer: false);
        await stream.FlushAsync(Token);
        await stream.WriteAsync(ReadOnlyMemory<byte>.Empty, Token);
        Assert.Empty(inner.Writes);
        await stream.WriteAsync(new byte[10], Token);
        await stream.WriteAsync(new byte[10], Token);
        Assert.Equal([12 + 4 + 26, 4 + 26], inner.Writes.Select(w => w.Length));
    }

    private static ControlKeys Keys(ControlCipher cipher)
    {
        var client = HelloNegotiation.CreateClientHello(new HelloBootstrap(), new byte[32]);
        HelloNegotiation.TryAnswer(client, out var server, out _, new byte[32]);
        return ControlKeys.Derive("token"u8, cipher, client, server);
    }
}
