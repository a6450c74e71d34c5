using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;
using Arm = System.Runtime.Intrinsics.Arm;
using X86 = System.Runtime.Intrinsics.X86;

namespace Frp.Wire;

/// <summary>What the two ends of a v2 control connection agree on before the login, as pure functions of the two hellos.</summary>
/// <remarks>Source: docs/wire/framing-v2.md.</remarks>
public static class HelloNegotiation
{
    /// <summary>Length of either side's random contribution.</summary>
    public const int RandomLength = 32;

    private const string JsonCodec = "json";

    /// <summary>The ciphers that this machine can do, the faster one first.</summary>
    public static IReadOnlyList<ControlCipher> Supported { get; } = ListSupported();

    /// <summary>The client's opening.</summary>
    /// <param name="bootstrap">How the client reached the server.</param>
    /// <param name="random">32 bytes; fresh ones when left out.</param>
    public static ClientHello CreateClientHello(HelloBootstrap bootstrap, ReadOnlySpan<byte> random = default)
    {
        var hello = new ClientHello
        {
            Bootstrap = bootstrap,
            Capabilities = new HelloCapabilities
            {
                Message = new HelloCodecs { Codecs = [JsonCodec] },
                Crypto = new HelloCiphers { Algorithms = [.. Supported.Select(NameOf)], ClientRandom = RandomOr(random) },
            },
        };
        hello.Payload = JsonSerializer.SerializeToUtf8Bytes(hello, MessageTypes.Of(hello).Json);
        return hello;
    }

    /// <summary>The server's answer: a selection, or a refusal whose text is the protocol's and after which the server closes.</summary>
    /// <param name="hello">The client's opening as read.</param>
    /// <param name="answer">What to send in either case.</param>
    /// <param name="cipher">What was selected.</param>
    /// <param name="random">32 bytes; fresh ones when left out.</param>
    /// <returns>Whether the answer is a selection.</returns>
    public static bool TryAnswer(ClientHello hello, out ServerHello answer, out ControlCipher cipher, ReadOnlySpan<byte> random = default)
    {
        ArgumentNullException.ThrowIfNull(hello);
        var refusal = Select(hello.Capabilities, out cipher);
        answer = new ServerHello { Selected = new HelloSelection { Message = new HelloCodec { Codec = JsonCodec } } };
        if (refusal is not null) answer.Error = refusal;
        else answer.Selected.Crypto = new HelloCipher { Algorithm = NameOf(cipher), ServerRandom = RandomOr(random) };
        answer.Payload = JsonSerializer.SerializeToUtf8Bytes(answer, MessageTypes.Of(answer).Json);
        return refusal is null;
    }

    /// <summary>The client's check of the answer: what was selected, or why the client cannot go on, in words for the operator.</summary>
    public static bool TryAccept(ClientHello sent, ServerHello answer, out ControlCipher cipher, [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(sent);
        ArgumentNullException.ThrowIfNull(answer);
        cipher = default;
        var selected = answer.Selected;
        problem =
            answer.Error.Length > 0 ? $"the server refused the hello: {PeerText.Escape(answer.Error, 200)}" :
            selected.Message.Codec != JsonCodec ? $"the server selected the unknown message codec \"{PeerText.Escape(selected.Message.Codec, 40)}\"" :
            !TryParse(selected.Crypto.Algorithm, out cipher) || !sent.Capabilities.Crypto.Algorithms.Contains(selected.Crypto.Algorithm)
                ? $"the server selected the cipher \"{PeerText.Escape(selected.Crypto.Algorithm, 40)}\", which was not offered" :
            selected.Crypto.ServerRandom.Length != RandomLength ? $"the server's random has {selected.Crypto.ServerRandom.Length} bytes, want {RandomLength}" :
            null;
        return problem is null;
    }

    /// <summary>The cipher's name on the wire.</summary>
    public static string NameOf(ControlCipher cipher) => cipher switch
    {
        ControlCipher.Aes256Gcm => "aes-256-gcm",
        ControlCipher.XChaCha20Poly1305 => "xchacha20-poly1305",
        _ => throw new ArgumentOutOfRangeException(nameof(cipher)),
    };

    private static string? Select(HelloCapabilities capabilities, out ControlCipher cipher)
    {
        cipher = default;
        if (!capabilities.Message.Codecs.Contains(JsonCodec)) return "unsupported message codec";
        var random = capabilities.Crypto.ClientRandom.Length;
        if (random != RandomLength) return $"invalid crypto client random length {random}, want {RandomLength}";
        foreach (var name in capabilities.Crypto.Algorithms)
        {
            if (TryParse(name, out cipher) && Supported.Contains(cipher)) return null;
        }
        return "no supported crypto algorithm";
    }

    private static bool TryParse(string name, out ControlCipher cipher)
    {
        foreach (var candidate in Enum.GetValues<ControlCipher>())
        {
            if (NameOf(candidate) != name) continue;
            cipher = candidate;
            return true;
        }
        cipher = default;
        return false;
    }

    private static byte[] RandomOr(ReadOnlySpan<byte> random)
    {
        if (random.IsEmpty) return RandomNumberGenerator.GetBytes(RandomLength);
        ArgumentOutOfRangeException.ThrowIfNotEqual(random.Length, RandomLength);
        return random.ToArray();
    }

    private static ControlCipher[] ListSupported()
    {
        var hardware = (X86.Aes.IsSupported && X86.Pclmulqdq.IsSupported) || Arm.Aes.IsSupported;
        ControlCipher[] order = hardware
            ? [ControlCipher.Aes256Gcm, ControlCipher.XChaCha20Poly1305]
            : [ControlCipher.XChaCha20Poly1305, ControlCipher.Aes256Gcm];
        return [.. order.Where(c => c == ControlCipher.Aes256Gcm ? AesGcm.IsSupported : ChaCha20Poly1305.IsSupported)];
    }
}

/// <summary>A cipher of the v2 control connection.</summary>
public enum ControlCipher
{
    /// <summary>AES-256-GCM, 12-byte nonce.</summary>
    Aes256Gcm,
    /// <summary>XChaCha20-Poly1305, 24-byte nonce.</summary>
    XChaCha20Poly1305,
}
