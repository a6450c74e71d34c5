using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using CsCheck;

namespace Frp.Wire.Tests;

public sealed class MessageCodecTests
{
    private static readonly IMessageCodec[] Codecs = [V1Codec.Instance, V2Codec.Session];

    [Fact]
    public void The_table_binds_every_message_once()
    {
        Assert.Equal(20, MessageTypes.All.Count);
        Assert.Equal("o1p2cwrsv3h4uinm56", Encoding.ASCII.GetString([.. MessageTypes.All.Where(t => t.V1 != 0).Select(t => t.V1)]));
        Assert.Equal(Enumerable.Range(1, 18), MessageTypes.All.Where(t => t.V2Id != 0).Select(t => (int)t.V2Id));
        foreach (var type in MessageTypes.All.Where(t => t.V1 != 0))
        {
            Assert.Same(type, MessageTypes.FromV1(type.V1));
            Assert.Same(type, MessageTypes.FromV2(type.V2Id));
        }
        Assert.Null(MessageTypes.FromV1(0));
        Assert.Null(MessageTypes.FromV2(0));
        Assert.Null(MessageTypes.FromV2(19));
        Assert.Null(MessageTypes.FromV2(ushort.MaxValue));
    }

    [Fact]
    public void Decoding_undoes_encoding() => Gens.Message.Sample(message =>
    {
        foreach (var codec in Codecs)
        {
            var frame = codec.Encode(message);
            var back = codec.Decode(frame);
            Assert.Equal(message.GetType(), back.GetType());
            // Records compare collections by reference, so it is the JSON that is compared.
            Assert.Equal(frame, codec.Encode(back));
            Frames.AssertSame(JsonNode.Parse(Frames.Json(message)), back);
        }
    });

    [Fact]
    public void Hellos_keep_the_bytes_they_came_in() => Gens.Hello.Sample(message =>
    {
        var frame = V2Codec.Bootstrap.Encode(message);
        var back = V2Codec.Bootstrap.Decode(frame);
        var payload = back switch { ClientHello c => c.Payload, ServerHello s => s.Payload, _ => default };
        Assert.Equal(frame[8..], payload.ToArray());
        Assert.Equal(frame, V2Codec.Bootstrap.Encode(back));
    });

    [Fact]
    public void A_hello_is_written_as_it_came_and_not_as_we_would_write_it()
    {
        byte[] frame = [0, 1, 0, 0, 0, 0, 0, 5, .. "{ } \n"u8];
        Assert.Equal(frame, V2Codec.Bootstrap.Encode(V2Codec.Bootstrap.Decode(frame)));
    }

    [Fact]
    public void Any_division_of_the_bytes_gives_the_same_messages() =>
        Gen.Select(Gens.Message.List[1, 5], Gens.Lengths).Sample((messages, lengths) =>
        {
            foreach (var codec in Codecs)
            {
                var bytes = codec.Encode(messages);
                var buffer = Frames.Segmented(bytes, lengths);
                var read = new List<Message>();
                while (codec.TryRead(ref buffer, out var message)) read.Add(message);
                Assert.True(buffer.IsEmpty);
                Assert.Equal(bytes, codec.Encode(read));
            }
        });

    [Fact]
    public void An_incomplete_message_leaves_the_buffer_alone()
    {
        foreach (var codec in Codecs)
        {
            var frame = codec.Encode(new Pong { Error = "no" });
            for (var length = 0; length < frame.Length; length++)
            {
                var buffer = new ReadOnlySequence<byte>(frame, 0, length);
                Assert.False(codec.TryRead(ref buffer, out _));
                Assert.Equal(length, buffer.Length);
            }
        }
    }

    [Fact]
    public void Garbage_is_a_violation_and_nothing_else() =>
        Gen.Select(Gens.Message, Gen.Select(Gen.Int[0, 400], Gen.Byte).List[1, 6]).Sample((message, edits) =>
        {
            foreach (var codec in Codecs)
            {
                var frame = codec.Encode(message);
                foreach (var (at, value) in edits) frame[at % frame.Length] = value;
                AssertReadsOrViolates(codec, frame);
            }
        });

    [Fact]
    public void Noise_is_a_violation_and_nothing_else() => Gen.Byte.Array[0, 64].Sample(noise =>
    {
        foreach (var codec in new IMessageCodec[] { V1Codec.Instance, V2Codec.Bootstrap, V2Codec.Session })
        {
            AssertReadsOrViolates(codec, noise);
            // Behind a valid head, so that the JSON reader sees it.
            AssertReadsOrViolates(codec, codec.Version == WireVersion.V1
                ? [(byte)'o', 0, 0, 0, 0, 0, 0, 0, (byte)noise.Length, .. noise]
                : [0, 16, 0, 0, 0, 0, 0, (byte)(noise.Length + 2), 0, 1, .. noise]);
        }
    });

    [Theory]
    [InlineData("{\"PROXY_NAME\":\"a\",\"Remote_Port\":1}", "{\"proxy_name\":\"a\",\"remote_port\":1}")]
    [InlineData("{\"unknown\":{\"deep\":[1,{\"er\":null}]},\"proxy_name\":\"a\"}", "{\"proxy_name\":\"a\"}")]
    [InlineData("{\"proxy_name\":null,\"remote_port\":null,\"use_encryption\":null,\"metas\":null,\"locations\":null}", "{}")]
    [InlineData("{\"proxy_name\":\"a\",\"proxy_name\":null}", "{}")]
    [InlineData("{\"locations\":[null],\"metas\":{\"k\":null}}", "{\"metas\":{\"k\":\"\"},\"locations\":[\"\"]}")]
    [InlineData("{\"remote_port\":0,\"use_encryption\":false,\"proxy_type\":\"\",\"metas\":{},\"locations\":[]}", "{}")]
    [InlineData("{\"remote_port\":70000}", "{\"remote_port\":70000}")]
    [InlineData("{\"remote_port\":-1}", "{\"remote_port\":-1}")]
    [InlineData(" \t\r\n{ } ", "{}")]
    [InlineData("null", "{}")]
    public void Json_is_read_as_the_reference_reads_it(string json, string again)
    {
        var message = (NewProxy)V1Codec.Instance.Decode(Frames.V1('p', json));
        Assert.Equal(again, Frames.Json(message));
        Assert.NotNull(message.ProxyName);
        Assert.NotNull(message.Metas);
        Assert.NotNull(message.Locations);
    }

    [Theory]
    [InlineData('p', "")]
    [InlineData('p', "[]")]
    [InlineData('p', "5")]
    [InlineData('p', "{")]
    [InlineData('p', "{} {}")]
    [InlineData('p', "{\"proxy_name\":5}")]
    [InlineData('p', "{\"proxy_name\":[\"a\"]}")]
    [InlineData('p', "{\"proxy_name\":\"\\ud800\"}")]
    [InlineData('p', "{\"remote_port\":\"5\"}")]
    [InlineData('p', "{\"remote_port\":1.5}")]
    [InlineData('p', "{\"remote_port\":1e3}")]
    [InlineData('p', "{\"remote_port\":9223372036854775808}")]
    [InlineData('p', "{\"use_encryption\":1}")]
    [InlineData('p', "{\"metas\":[]}")]
    [InlineData('p', "{\"metas\":{\"a\":1}}")]
    [InlineData('p', "{\"locations\":\"a\"}")]
    [InlineData('p', "{\"a\":1,}")]
    [InlineData('p', "{/* */}")]
    [InlineData('s', "{\"src_port\":65536}")]
    [InlineData('s', "{\"src_port\":-1}")]
    [InlineData('u', "{\"c\":\"%\"}")]
    [InlineData('u', "{\"c\":\"QQ\"}")]
    [InlineData('u', "{\"r\":{\"Port\":65536}}")]
    [InlineData('u', "{\"r\":\"127.0.0.1:5\"}")]
    [InlineData('h', "{\"timestamp\":9223372036854775808}")]
    [InlineData('m', "{\"detect_behavior\":5}")]
    [InlineData('h', "{\"a\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}")]
    public void Wrong_json_is_a_violation(char type, string json) =>
        Assert.Throws<ProtocolViolationException>(() => V1Codec.Instance.Decode(Frames.V1(type, json)));

    [Fact]
    public void A_violation_quotes_the_peer_only_in_escaped_form()
    {
        var e = Assert.Throws<ProtocolViolationException>(() => V1Codec.Instance.Decode(Frames.V1('p', "{\"metas\":{\"\\u001b[31m\\n\":5}}")));
        Assert.Contains("\\x1b[31m\\n", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(e.ToString().ReplaceLineEndings(""), c => char.IsControl(c));
    }

    [Fact]
    public void Members_that_are_always_present_are_written_empty()
    {
        Assert.Equal("{\"client_spec\":{}}", Frames.Json(new Login()));
        Assert.Equal("{\"detect_behavior\":{}}", Frames.Json(new NatHoleResp()));
        Assert.Equal("{\"r\":{\"IP\":\"\",\"Port\":0,\"Zone\":\"\"}}", Frames.Json(new UDPPacket { Remote = new UdpAddress() }));
        Assert.Equal("{}", Frames.Json(new UDPPacket { Content = Array.Empty<byte>() }));
        Assert.Equal("{}", Frames.Json(new NewProxy()));
        Assert.Equal("{\"bootstrap\":{},\"capabilities\":{\"message\":{},\"crypto\":{}}}", Frames.Json(new ClientHello()));
    }

    [Fact]
    public void Members_are_written_in_the_order_of_declaration()
    {
        var login = new Login { Version = "0.70.1", Hostname = "web1", Os = "linux", Arch = "amd64", PrivilegeKey = "k", Timestamp = 1700000000, PoolCount = 1 };
        Assert.Equal("{\"version\":\"0.70.1\",\"hostname\":\"web1\",\"os\":\"linux\",\"arch\":\"amd64\",\"privilege_key\":\"k\"," +
            "\"timestamp\":1700000000,\"client_spec\":{},\"pool_count\":1}", Frames.Json(login));
    }

    [Fact]
    public void Limits_hold_when_reading()
    {
        var largest = Frames.V1('c', "{\"proxy_name\":\"" + new string('a', V1Codec.MaxBodyLength - 17) + "\"}");
        Assert.Equal(V1Codec.Instance.MaxMessageLength, largest.Length);
        Assert.IsType<CloseProxy>(V1Codec.Instance.Decode(largest));

        foreach (var length in new[] { "0000000000002801", "000000007fffffff", "0000000080000000", "7fffffffffffffff", "ffffffffffffffff", "8000000000000000" })
            AssertViolates(V1Codec.Instance, "6f" + length);
        AssertViolates(V1Codec.Instance, "00");
        AssertViolates(V1Codec.Instance, "47");
        AssertViolates(V1Codec.Instance, "ff");

        AssertViolates(V2Codec.Session, "0010000000010001");
        AssertViolates(V2Codec.Session, "00100000ffffffff");
        AssertViolates(V2Codec.Session, "0010000100000004000b7b7d");
        AssertViolates(V2Codec.Session, "0010800000000004000b7b7d");
        AssertViolates(V2Codec.Session, "0010000000000001");
        AssertViolates(V2Codec.Session, "0010000000000000");
        AssertViolates(V2Codec.Session, "001100000000000400007b7d");
        AssertViolates(V2Codec.Session, "001000000000000400007b7d");
        AssertViolates(V2Codec.Session, "001000000000000400137b7d");
        AssertViolates(V2Codec.Session, "00100000000000040b007b7d");
        AssertViolates(V2Codec.Bootstrap, "0003000000000000");
    }

    [Fact]
    public void A_hello_is_a_frame_of_the_bootstrap_only()
    {
        Assert.IsType<ClientHello>(V2Codec.Bootstrap.Decode(Convert.FromHexString("00010000000000027b7d")));
        Assert.IsType<ServerHello>(V2Codec.Bootstrap.Decode(Convert.FromHexString("00020000000000027b7d")));
        AssertViolates(V2Codec.Session, "00010000000000027b7d");
        AssertViolates(V2Codec.Session, "00020000000000027b7d");
        Assert.Throws<ArgumentException>(() => V1Codec.Instance.Encode(new ClientHello()));
    }

    [Fact]
    public void Limits_hold_when_writing()
    {
        V1Codec.Instance.Encode(new CloseProxy { ProxyName = new string('a', V1Codec.MaxBodyLength - 17) });
        Assert.Throws<MessageTooLongException>(() => V1Codec.Instance.Encode(new CloseProxy { ProxyName = new string('a', V1Codec.MaxBodyLength - 16) }));
        V2Codec.Session.Encode(new CloseProxy { ProxyName = new string('a', V2Codec.MaxPayloadLength - 19) });
        Assert.Throws<MessageTooLongException>(() => V2Codec.Session.Encode(new CloseProxy { ProxyName = new string('a', V2Codec.MaxPayloadLength - 18) }));
        Assert.Throws<MessageTooLongException>(() => V2Codec.Session.Encode(new CloseProxy { ProxyName = new string('a', 1_000_000) }));
        // A refused giant leaves nothing behind.
        Assert.Equal("{\"proxy_name\":\"b\"}", Frames.Json(new CloseProxy { ProxyName = "b" }));
    }

    [Fact]
    public void Texts_survive_whatever_is_in_them()
    {
        var text = "<a href=\"x\">&\u2028\0\u001f\\ \u00e9 \U0001f600";
        Assert.Equal(text, ((CloseProxy)V1Codec.Instance.Decode(V1Codec.Instance.Encode(new CloseProxy { ProxyName = text }))).ProxyName);
        // Half a surrogate pair cannot be sent as it is.
        Assert.Equal("a\ufffdb", ((CloseProxy)V1Codec.Instance.Decode(V1Codec.Instance.Encode(new CloseProxy { ProxyName = "a\ud800b" }))).ProxyName);
    }

    private static void AssertViolates(IMessageCodec codec, string hex)
    {
        var buffer = new ReadOnlySequence<byte>(Convert.FromHexString(hex));
        Assert.Throws<ProtocolViolationException>(() => codec.TryRead(ref buffer, out _));
    }

    private static void AssertReadsOrViolates(IMessageCodec codec, byte[] bytes)
    {
        try
        {
            var buffer = new ReadOnlySequence<byte>(bytes);
            while (codec.TryRead(ref buffer, out var message)) Assert.NotNull(message);
        }
        catch (ProtocolViolationException e)
        {
            Assert.DoesNotContain(e.Message, char.IsControl);
        }
    }
}
