using System.Buffers.Binary;
using System.Net.Security;
using System.Text;
using CsCheck;

namespace Frp.Transport.Tests;

public class ClientHelloTests
{
    [Fact]
    public async Task The_hello_of_the_platform_is_read()
    {
        Assert.Equal(TlsClientHelloState.Complete, TlsClientHello.Read(await RecordAsync("www.Example.com"), out string? name));
        Assert.Equal("www.example.com", name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    [InlineData("-tls1_2", "-no_ticket", "-cipher", "AES128-SHA")]
    public async Task The_hello_of_OpenSSL_is_read(params string[] options)
    {
        Foreign.RequireTool("openssl");
        foreach (string? name in new[] { "a.example", null })
        {
            await using var listener = await Peers.ListenAsync();
            string[] names = name is null ? ["-noservername"] : ["-servername", name];
            using var client = Foreign.Start("openssl", ["s_client", "-connect", $"127.0.0.1:{listener.Port}", .. names, .. options.Where(o => o.Length > 0)]);
            await using var connection = await listener.AcceptConnectionAsync();
            var bytes = new List<byte>();
            string? read;
            while (TlsClientHello.Read([.. bytes], out read) is TlsClientHelloState.Partial) bytes.AddRange(await connection.Stream.ReadAsync(1));
            Assert.Equal(name ?? "", read);
            await connection.DisposeAsync();
            await client.WaitForExitAsync(Patience.Token);
        }
    }

    [Fact]
    public async Task Every_beginning_of_a_hello_asks_for_more()
    {
        byte[] hello = await RecordAsync("a.example");
        for (int length = 0; length < hello.Length; length++)
        {
            Assert.Equal(TlsClientHelloState.Partial, TlsClientHello.Read(hello.AsSpan(0, length), out string? name));
            Assert.Null(name);
        }
        Assert.Equal(TlsClientHelloState.Complete, TlsClientHello.Read([.. hello, 1, 2, 3], out _));
    }

    [Fact]
    public void Cutting_a_hello_into_records_changes_nothing() => (
        from size in Gen.Int[0, 8000]
        from cuts in Gen.Int[0, 8400].Array[0, 30]
        from length in Gen.Int[0, 8400]
        select (size, cuts, length)).Sample(s =>
        {
            byte[] message = Hello(Name("cut.example"), padding: s.size);
            byte[] records = Records(message, s.cuts);
            Assert.Equal(TlsClientHelloState.Complete, TlsClientHello.Read(records, out string? name));
            Assert.Equal("cut.example", name);
            var beginning = records.AsSpan(0, Math.Min(s.length, records.Length - 1));
            Assert.NotEqual(TlsClientHelloState.Invalid, TlsClientHello.Read(beginning, out _));
        });

    [Fact]
    public void What_has_been_decided_stays_so_whatever_follows() => Gen.Select(Damaged, Gen.Byte.Array[0, 50]).Sample((bytes, more) =>
    {
        var before = TlsClientHello.Read(bytes, out string? name);
        var after = TlsClientHello.Read([.. bytes, .. more], out string? then);
        if (before == TlsClientHelloState.Partial) return;
        Assert.Equal((before, name), (after, then));
    }, iter: 20_000);

    [Fact]
    public void Garbage_is_refused_and_never_more_than_that() => Gen.OneOf(Gen.Byte.Array[0, 300], Damaged).Sample(bytes =>
    {
        var state = TlsClientHello.Read(bytes, out string? name);
        Assert.Equal(state == TlsClientHelloState.Complete, name is not null);
    }, iter: 20_000);

    [Theory]
    [InlineData("")] // no extension at all
    [InlineData("names")]
    public void A_hello_without_name_has_none(string other)
    {
        byte[] extensions = other.Length == 0 ? [] : Extension(10, [0, 2, 0, 29]);
        Assert.Equal(TlsClientHelloState.Complete, TlsClientHello.Read(Records(Hello(extensions)), out string? name));
        Assert.Equal("", name);
    }

    [Fact]
    public void Names_of_other_types_do_not_count()
    {
        byte[] names = [7, 0, 1, (byte)'x', 0, 0, 1, (byte)'Y', 9, 0, 1, (byte)'z'];
        Assert.Equal(TlsClientHelloState.Complete, TlsClientHello.Read(Records(Hello(Extension(0, Prefixed(names)))), out string? name));
        Assert.Equal("y", name);
    }

    [Fact]
    public void A_second_name_and_other_nonsense_are_refused()
    {
        byte[] name = Name("a.example");
        AssertInvalid(Hello([.. name, .. name]));
        AssertInvalid(Hello(Extension(0, Prefixed([0, 0, 1, (byte)'a', 0, 0, 1, (byte)'b']))));
        AssertInvalid(Hello(Extension(0, Prefixed([]))));
        AssertInvalid(Hello(Extension(0, Prefixed([0, 0, 0]))));
        AssertInvalid(Hello(Extension(0, [])));
        AssertInvalid(Hello(Extension(0, [.. Prefixed([0, 0, 1, (byte)'a']), 0])));
        AssertInvalid(Hello(name[..^1]));
        AssertInvalid([2, .. Hello(name)[1..]]);
    }

    [Theory]
    [InlineData("17030100")] // custom first byte of frp
    [InlineData("1602")] // SSL 2
    [InlineData("15030100020230")] // an alert
    [InlineData("1603014001")] // a record longer than records are
    [InlineData("160301000402")] // another handshake message
    [InlineData("160301000401004001")] // a message longer than we read
    [InlineData("474554202f")] // HTTP
    public void Whatever_else_comes_is_known_by_its_first_bytes(string hex) =>
        Assert.Equal(TlsClientHelloState.Invalid, TlsClientHello.Read(Convert.FromHexString(hex), out _));

    [Fact]
    public void The_longest_message_is_read_and_one_byte_more_is_not()
    {
        int spare = TlsClientHello.MaxMessageLength - (Hello(Name("long.example"), 0).Length - 4); // 4: the head of the message
        var longest = Records(Hello(Name("long.example"), spare), [100, 9000]);
        Assert.Equal(TlsClientHelloState.Complete, TlsClientHello.Read(longest, out string? name));
        Assert.Equal("long.example", name);
        Assert.True(longest.Length <= TlsClientHello.MaxLength);
        AssertInvalid(Hello(Name("long.example"), spare + 1));
    }

    [Fact]
    public void Records_without_end_are_refused()
    {
        byte[] empty = [22, 3, 1, 0, 0];
        var records = Enumerable.Repeat(empty, 100).SelectMany(static r => r).ToArray();
        Assert.Equal(TlsClientHelloState.Invalid, TlsClientHello.Read(records, out _));
        Assert.Equal(TlsClientHelloState.Complete, TlsClientHello.Read([.. empty, .. empty, .. Records(Hello(Name("a.example")))], out _));
    }

    private static Gen<byte[]> Damaged => Gen.Select(Gen.Int[0, 600], Gen.Byte, Gen.Int[0, 600], Gen.Bool).Select((at, value, length, cut) =>
    {
        byte[] bytes = Records(Hello(Name("damaged.example"), 20), [30, 60]);
        bytes[at % bytes.Length] = value;
        return cut ? bytes[..(length % bytes.Length)] : bytes;
    });

    private static void AssertInvalid(byte[] message) => Assert.Equal(TlsClientHelloState.Invalid, TlsClientHello.Read(Records(message), out _));

    private static byte[] Name(string name) => Extension(0, Prefixed([0, .. Prefixed(Encoding.ASCII.GetBytes(name))]));

    private static byte[] Extension(ushort type, byte[] data) => [(byte)(type >> 8), (byte)type, .. Prefixed(data)];

    private static byte[] Prefixed(byte[] data) => [(byte)(data.Length >> 8), (byte)data.Length, .. data];

    /// <summary>A message; padding is an extension of so many bytes, its head not counted.</summary>
    private static byte[] Hello(byte[] extensions, int? padding = null)
    {
        if (padding is { } count) extensions = [.. Extension(21, new byte[count]), .. extensions];
        byte[] body = [3, 3, .. new byte[32], 1, 0xAA, .. Prefixed([0x13, 0x01]), 1, 0, .. extensions.Length == 0 ? extensions : Prefixed(extensions)];
        return [1, (byte)(body.Length >> 16), (byte)(body.Length >> 8), (byte)body.Length, .. body];
    }

    /// <summary>A message as records that are cut at these places, and where they would be too long.</summary>
    private static byte[] Records(byte[] message, params int[] cuts)
    {
        var records = new List<byte>();
        int from = 0;
        foreach (int cut in cuts.Concat([16 * 1024, message.Length]).Where(c => c <= message.Length).Order())
        {
            var head = new byte[5];
            (head[0], head[1], head[2]) = (22, 3, 1);
            BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(3), (ushort)(cut - from));
            records.AddRange([.. head, .. message[from..cut]]);
            from = cut;
        }
        return [.. records];
    }

    private static async Task<byte[]> RecordAsync(string host)
    {
        var (ours, wire) = MemoryDuplex.Pair();
        await using var tls = new SslStream(ours.Stream);
        var handshake = tls.AuthenticateAsClientAsync(host);
        var head = await wire.Stream.ReadAsync(5);
        byte[] hello = [.. head, .. await wire.Stream.ReadAsync(BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(3)))];
        await wire.DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => handshake);
        return hello;
    }
}
