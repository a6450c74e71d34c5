using System.Text;
using System.Text.Json.Nodes;

namespace Frp.Wire.Tests;

public sealed class KnownAnswerTests
{
    private static readonly JsonObject Known = VectorFile.Load(VectorFile.KnownAnswers);

    [Fact]
    public void Auth_keys()
    {
        foreach (var k in Known["auth_keys"]!.AsArray())
        {
            var timestamp = k!["timestamp"]!.GetValue<long>();
            Assert.Equal(k!.Text("key"), AuthKey.Compute(k!.Text("token"), timestamp));
            Assert.True(AuthKey.Matches(k!.Text("key"), k!.Text("token"), timestamp));
            Assert.False(AuthKey.Matches(k!.Text("key"), k!.Text("token"), timestamp + 1));
            Assert.False(AuthKey.Matches(k!.Text("key")[1..], k!.Text("token"), timestamp));
            Assert.False(AuthKey.Matches("", k!.Text("token"), timestamp));
            Assert.False(AuthKey.Matches(null, k!.Text("token"), timestamp));
            // Compat: hexadecimal digits in capital letters are not the key.
            Assert.False(AuthKey.Matches(k!.Text("key").ToUpperInvariant(), k!.Text("token"), timestamp));
        }
    }

    // Computed by: printf 'frp.NET proof bound to TLS\n\0\0\0\0\x65\x53\xf1\0' | cat - <(printf '%032d' 0) | openssl dgst -sha256 -hmac secret
    private const string BoundProof = "tls:576a22dca95eba79de0b3cb553557dc3e7edd7a80508f6fb4bb3b5a646587f81";

    [Fact]
    public void An_auth_key_that_is_bound_to_a_certificate_is_good_for_no_other()
    {
        const long Time = 1_700_000_000;
        var certificate = Enumerable.Repeat((byte)'0', 32).ToArray();
        var other = certificate.ToArray();
        other[31] ^= 1;
        Assert.Equal(BoundProof, AuthKey.Compute("secret", Time, certificate));
        Assert.True(AuthKey.IsBound(BoundProof));
        Assert.True(AuthKey.Matches(BoundProof, "secret", Time, certificate));
        Assert.False(AuthKey.Matches(BoundProof, "secret", Time, other));
        Assert.False(AuthKey.Matches(BoundProof, "secret", Time + 1, certificate));
        Assert.False(AuthKey.Matches(BoundProof, "Secret", Time, certificate));
        Assert.False(AuthKey.Matches(BoundProof, "secret", Time));
        Assert.False(AuthKey.Matches(AuthKey.Compute("secret", Time), "secret", Time, certificate));
    }

    [Fact]
    public void Stream_keys()
    {
        foreach (var k in Known["stream_keys"]!.AsArray())
            Assert.Equal(k!.Text("key"), Convert.ToHexStringLower(StreamKey.Derive(k!.Text("secret"))));
    }

    [Fact]
    public void V1_frames_in_clear_and_encrypted()
    {
        var key = StreamKey.Derive(Known["encryption"]!.Text("secret"));
        var iv = Known["encryption"]!.Hex("iv");
        foreach (var k in Known["v1_frames"]!.AsArray())
        {
            var frame = k!.Hex("frame");
            var message = V1Codec.Instance.Decode(frame);
            Assert.Equal(k!.Text("type"), MessageTypes.Of(message).Name);
            Assert.Equal(k!.Text("json"), Frames.Json(message));
            Assert.Equal(frame, V1Codec.Instance.Encode(message));

            using var encryptor = new CfbEncryptor(key, iv);
            var encrypted = new byte[frame.Length];
            encryptor.Encrypt(frame, encrypted);
            Assert.Equal(iv, encryptor.Iv.ToArray());
            Assert.Equal(k!.Text("encrypted"), Convert.ToHexStringLower(encrypted));
            using var decryptor = new CfbDecryptor(key, iv);
            decryptor.Decrypt(encrypted);
            Assert.Equal(frame, encrypted);
        }
    }

    [Fact]
    public void V2_magic_and_frame()
    {
        Assert.Equal("46525000020d0a", Convert.ToHexStringLower(WireMagic.V2));
        Assert.Equal(Known.Text("v2_ping"), Convert.ToHexStringLower(V2Codec.Session.Encode(new Ping())));
        Assert.Equal(new Ping(), V2Codec.Session.Decode(Known.Hex("v2_ping")));
    }

    [Fact]
    public void Snappy_framing()
    {
        var output = new byte[SnappyFrameEncoder.GetMaxEncodedLength(5)];
        var length = new SnappyFrameEncoder().Encode("hello"u8, output);
        Assert.Equal(Known.Text("snappy_hello"), Convert.ToHexStringLower(output.AsSpan(0, length)));
    }

    [Fact]
    public async Task V2_key_schedule_and_records()
    {
        foreach (var k in Known["key_schedule"]!.AsArray())
        {
            var (client, server) = Hellos(k!.Text("algorithm"));
            var cipher = k!.Text("algorithm") == "aes-256-gcm" ? ControlCipher.Aes256Gcm : ControlCipher.XChaCha20Poly1305;
            var keys = ControlKeys.Derive(Encoding.UTF8.GetBytes(k!.Text("token")), cipher, client, server);
            Assert.Equal(k!.Text("transcript"), Convert.ToHexStringLower(keys.Transcript.Span));
            Assert.Equal(k!.Text("client_to_server"), Convert.ToHexStringLower(keys.ClientToServer.Span));
            if (k!["server_to_client"] is { } other) Assert.Equal(other.GetValue<string>(), Convert.ToHexStringLower(keys.ServerToClient.Span));

            var wire = k!.Text("nonce") + string.Concat(k!["records"]!.AsArray().Select(r => r!.GetValue<string>()));
            var plain = string.Concat(k!["plain"]!.AsArray().Select(r => r!.GetValue<string>()));
            await using var stream = new AeadStream(PieceStream.Cut(Convert.FromHexString(wire)), keys, isServer: true);
            Assert.Equal(plain, Convert.ToHexStringLower(await stream.ReadAllAsync()));
        }
    }

    // Also what our own hellos look like, byte for byte.
    private static (ClientHello, ServerHello) Hellos(string algorithm)
    {
        var client = new ClientHello
        {
            Bootstrap = { Transport = "tcp", Tls = true, TcpMux = true },
            Capabilities =
            {
                Message = { Codecs = ["json"] },
                Crypto = { Algorithms = ["aes-256-gcm", "xchacha20-poly1305"], ClientRandom = Enumerable.Repeat((byte)0x11, 32).ToArray() },
            },
        };
        var server = new ServerHello
        {
            Selected =
            {
                Message = { Codec = "json" },
                Crypto = { Algorithm = algorithm, ServerRandom = Enumerable.Repeat((byte)0x22, 32).ToArray() },
            },
        };
        return ((ClientHello)V2Codec.Bootstrap.Decode(V2Codec.Bootstrap.Encode(client)),
            (ServerHello)V2Codec.Bootstrap.Decode(V2Codec.Bootstrap.Encode(server)));
    }
}
