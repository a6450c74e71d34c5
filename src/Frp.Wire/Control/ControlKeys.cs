using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Frp.Wire;

/// <summary>The keys of a v2 control connection, bound to the token and to every byte of the two hellos.</summary>
/// <remarks>
/// <code>
/// transcript = SHA-256( "frp wire v2 crypto transcript"
///                       00 "client hello" 00 length(8, big-endian) ClientHello JSON
///                       00 "server hello" 00 length(8, big-endian) ServerHello JSON )
/// key        = HKDF-SHA256( ikm = token, salt = transcript, length = 32,
///                           info = "frp wire v2 control aead " cipher " " direction )
/// direction  = "client-to-server" | "server-to-client"
/// </code>
/// Source: RFC 5869, docs/wire/framing-v2.md.
/// </remarks>
public sealed class ControlKeys
{
    private ControlKeys(ControlCipher cipher, byte[] transcript, byte[] clientToServer, byte[] serverToClient)
    {
        Cipher = cipher;
        Transcript = transcript;
        ClientToServer = clientToServer;
        ServerToClient = serverToClient;
    }

    /// <summary>The cipher of both directions.</summary>
    public ControlCipher Cipher { get; }
    /// <summary>Hash over both hellos.</summary>
    public ReadOnlyMemory<byte> Transcript { get; }
    /// <summary>Key for what the client sends.</summary>
    public ReadOnlyMemory<byte> ClientToServer { get; }
    /// <summary>Key for what the server sends.</summary>
    public ReadOnlyMemory<byte> ServerToClient { get; }

    /// <summary>Derives the keys.</summary>
    /// <param name="token">UTF-8 bytes of the token; may be empty.</param>
    /// <param name="cipher">What was negotiated.</param>
    /// <param name="client">The client's hello with its exact payload.</param>
    /// <param name="server">The server's hello with its exact payload.</param>
    public static ControlKeys Derive(ReadOnlySpan<byte> token, ControlCipher cipher, ClientHello client, ServerHello server)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(server);
        return Derive(token, cipher, client.Payload.Span, server.Payload.Span);
    }

    internal static ControlKeys Derive(ReadOnlySpan<byte> token, ControlCipher cipher, ReadOnlySpan<byte> client, ReadOnlySpan<byte> server)
    {
        if (client.IsEmpty || server.IsEmpty) throw new ArgumentException("a hello without its payload has no transcript", nameof(client));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("frp wire v2 crypto transcript"u8);
        Append(hash, "\0client hello\0"u8, client);
        Append(hash, "\0server hello\0"u8, server);
        var transcript = hash.GetHashAndReset();
        return new ControlKeys(cipher, transcript,
            DeriveKey(token, transcript, cipher, "client-to-server"), DeriveKey(token, transcript, cipher, "server-to-client"));
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> label, ReadOnlySpan<byte> payload)
    {
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(length, payload.Length);
        hash.AppendData(label);
        hash.AppendData(length);
        hash.AppendData(payload);
    }

    private static byte[] DeriveKey(ReadOnlySpan<byte> token, byte[] transcript, ControlCipher cipher, string direction)
    {
        var key = new byte[32];
        var info = Encoding.UTF8.GetBytes($"frp wire v2 control aead {HelloNegotiation.NameOf(cipher)} {direction}");
        HKDF.DeriveKey(HashAlgorithmName.SHA256, token, key, transcript, info);
        return key;
    }
}
