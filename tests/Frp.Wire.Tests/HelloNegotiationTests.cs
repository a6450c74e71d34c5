using System.Text;

namespace Frp.Wire.Tests;

public sealed class HelloNegotiationTests
{
    [Fact]
    public void Both_ends_come_to_the_same_keys_over_the_wire()
    {
        var sent = HelloNegotiation.CreateClientHello(new HelloBootstrap { Transport = "tcp", TcpMux = true });
        var received = (ClientHello)V2Codec.Bootstrap.Decode(V2Codec.Bootstrap.Encode(sent));
        Assert.True(HelloNegotiation.TryAnswer(received, out var answer, out var serverCipher));
        var answered = (ServerHello)V2Codec.Bootstrap.Decode(V2Codec.Bootstrap.Encode(answer));
        Assert.True(HelloNegotiation.TryAccept(sent, answered, out var clientCipher, out var problem), problem);
        Assert.Equal(serverCipher, clientCipher);
        Assert.Equal(HelloNegotiation.Supported[0], clientCipher);
        var client = ControlKeys.Derive("t"u8, clientCipher, sent, answered);
        var server = ControlKeys.Derive("t"u8, serverCipher, received, answer);
        Assert.Equal(client.ClientToServer.ToArray(), server.ClientToServer.ToArray());
        Assert.Equal(client.ServerToClient.ToArray(), server.ServerToClient.ToArray());
        Assert.NotEqual(client.ServerToClient.ToArray(), client.ClientToServer.ToArray());
        Assert.NotEqual(ControlKeys.Derive("u"u8, clientCipher, sent, answered).ClientToServer.ToArray(), client.ClientToServer.ToArray());
    }

    [Fact]
    public void Randoms_are_fresh()
    {
        var a = HelloNegotiation.CreateClientHello(new HelloBootstrap());
        var b = HelloNegotiation.CreateClientHello(new HelloBootstrap());
        Assert.NotEqual(a.Capabilities.Crypto.ClientRandom.ToArray(), b.Capabilities.Crypto.ClientRandom.ToArray());
        Assert.Equal(32, a.Capabilities.Crypto.ClientRandom.Length);
        HelloNegotiation.TryAnswer(a, out var x, out _);
        HelloNegotiation.TryAnswer(a, out var y, out _);
        Assert.NotEqual(x.Selected.Crypto.ServerRandom.ToArray(), y.Selected.Crypto.ServerRandom.ToArray());
    }

    [Theory]
    [InlineData("gob", 32, "aes-256-gcm", "unsupported message codec")]
    [InlineData("json", 31, "aes-256-gcm", "invalid crypto client random length 31, want 32")]
    [InlineData("json", 0, "aes-256-gcm", "invalid crypto client random length 0, want 32")]
    [InlineData("json", 32, "rot13", "no supported crypto algorithm")]
    [InlineData("json", 32, "AES-256-GCM", "no supported crypto algorithm")]
    public void The_server_refuses_in_the_reference_s_words(string codec, int random, string cipher, string text)
    {
        var hello = Hello(codec, random, cipher);
        Assert.False(HelloNegotiation.TryAnswer(hello, out var answer, out _));
        Assert.Equal($"{{\"selected\":{{\"message\":{{\"codec\":\"json\"}},\"crypto\":{{}}}},\"error\":\"{text}\"}}", Encoding.UTF8.GetString(answer.Payload.Span));
        Assert.False(HelloNegotiation.TryAccept(hello, answer, out _, out var problem));
        Assert.Contains(text, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void The_server_takes_the_first_cipher_it_knows()
    {
        Assert.True(HelloNegotiation.TryAnswer(Hello("json", 32, "later", "aes-256-gcm", "xchacha20-poly1305"), out var answer, out var cipher));
        Assert.Equal(ControlCipher.Aes256Gcm, cipher);
        Assert.Equal("aes-256-gcm", answer.Selected.Crypto.Algorithm);
        if (HelloNegotiation.Supported.Count < 2) return;
        Assert.True(HelloNegotiation.TryAnswer(Hello("json", 32, "xchacha20-poly1305", "aes-256-gcm"), out _, out cipher));
        Assert.Equal(ControlCipher.XChaCha20Poly1305, cipher);
    }

    [Fact]
    public void The_client_accepts_only_what_it_offered()
    {
        var hello = Hello("json", 32, "aes-256-gcm");
        static ServerHello Answer(string codec, string cipher, int random, string error = "") => new()
        {
            Selected = { Message = { Codec = codec }, Crypto = { Algorithm = cipher, ServerRandom = new byte[random] } },
            Error = error,
        };
        Assert.True(HelloNegotiation.TryAccept(hello, Answer("json", "aes-256-gcm", 32), out _, out _));
        foreach (var bad in new[]
        {
            Answer("gob", "aes-256-gcm", 32), Answer("", "aes-256-gcm", 32), Answer("json", "xchacha20-poly1305", 32),
            Answer("json", "rot13", 32), Answer("json", "", 32), Answer("json", "aes-256-gcm", 31), Answer("json", "aes-256-gcm", 32, "\u001bno"),
        })
        {
            Assert.False(HelloNegotiation.TryAccept(hello, bad, out _, out var problem));
            Assert.DoesNotContain(problem, char.IsControl);
        }
    }

    private static ClientHello Hello(string codec, int random, params string[] ciphers)
    {
        var hello = new ClientHello
        {
            Capabilities = { Message = { Codecs = ["x", codec] }, Crypto = { Algorithms = [.. ciphers], ClientRandom = new byte[random] } },
        };
        return (ClientHello)V2Codec.Bootstrap.Decode(V2Codec.Bootstrap.Encode(hello));
    }
}
