using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Frp.TestKit;

/// <summary>Messages of a client, written by hand, for servers without multiplexing: what no client of ours would say.</summary>
/// <remarks>Layout: <c>type(1) length(8, big-endian, signed) JSON</c>. Source: wire specification, framing v1.</remarks>
#pragma warning disable CA5351 // The protocol's proof of the token is an MD5.
public static class RawClient
{
    /// <summary>A login.</summary>
    /// <param name="token">The token that it proves.</param>
    /// <param name="runId">The session that it wants to be; empty for a new one.</param>
    /// <param name="hostname">What it calls its machine.</param>
    /// <param name="proof">What it shows in place of the token's proof.</param>
    /// <param name="time">Unix seconds by its clock; now by default.</param>
    public static byte[] Login(string token, string runId = "", string hostname = "by-hand", string? proof = null, long? time = null)
    {
        long now = time ?? TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        return Message('o', $$"""{"version":"0.70.1","hostname":{{Quote(hostname)}},"os":"linux","arch":"amd64","privilege_key":"{{proof ?? ProofOf(token, now)}}","timestamp":{{now}},"run_id":"{{runId}}","pool_count":0}""");
    }

    /// <summary>The proof of a secret: of the token in logins, of the secret key in visitors.</summary>
    public static string ProofOf(string secret, long timestamp) =>
        Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(secret + timestamp.ToString(CultureInfo.InvariantCulture))));

    /// <summary>Any message.</summary>
    public static byte[] Message(char type, string json) => [.. Head(type, Encoding.UTF8.GetByteCount(json)), .. Encoding.UTF8.GetBytes(json)];

    /// <summary>The head of a message, whatever may follow.</summary>
    public static byte[] Head(char type, long length)
    {
        var head = new byte[9];
        head[0] = (byte)type;
        BinaryPrimitives.WriteInt64BigEndian(head.AsSpan(1), length);
        return head;
    }

    /// <summary>A frame head of the multiplexer.</summary>
    /// <remarks>Layout: <c>version(1) type(1) flags(2) stream(4) length(4)</c>, big-endian.</remarks>
    public static byte[] MuxHead(byte type, ushort flags, uint stream, uint length, byte version = 0)
    {
        var head = new byte[12];
        (head[0], head[1]) = (version, type);
        BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(2), flags);
        BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(4), stream);
        BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(8), length);
        return head;
    }

    /// <summary>The next frame head of the multiplexer: its flags and its stream. Whatever payload follows stays.</summary>
    public static async Task<(ushort Flags, uint Stream)> ReceiveMuxHeadAsync(User user)
    {
        var head = await user.ReceiveAsync(12);
        return (BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(2)), BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(4)));
    }

    /// <summary>Bytes as the first ones of a stream that is opened with them.</summary>
    public static byte[] InStream(byte[] bytes)
    {
        const byte Data = 0, WindowUpdate = 1;
        const ushort Syn = 1;
        return [.. MuxHead(WindowUpdate, Syn, 1, 0), .. MuxHead(Data, 0, 1, (uint)bytes.Length), .. bytes];
    }

    /// <summary>The answer to a message that was sent in the clear.</summary>
    public static async Task<(char Type, JsonElement Body)> ReceiveAnswerAsync(User user)
    {
        var head = await user.ReceiveAsync(9);
        var body = await user.ReceiveAsync(checked((int)BinaryPrimitives.ReadInt64BigEndian(head.AsSpan(1))));
        return ((char)head[0], JsonDocument.Parse(body).RootElement);
    }

    private static string Quote(string text) => '"' + JsonEncodedText.Encode(text).ToString() + '"';
}
