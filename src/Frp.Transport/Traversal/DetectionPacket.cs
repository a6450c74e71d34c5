using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>What two clients send each other to open their NATs.</summary>
/// <remarks>
/// Layout: random initialisation vector (16), then a <see cref="NatHoleSid"/> in v1 framing whatever the session speaks, in AES-128-CFB under the key that
/// comes of the proxy's secret. Nothing authenticates it but that it makes sense. Source: wire specification §17.6.
/// </remarks>
internal static class DetectionPacket
{
    /// <summary>Longest packet that is looked at, in bytes.</summary>
    internal const int MaxLength = 1024;

    private const int MostFiller = 20;

    /// <summary>A packet for the peer, with filler by chance.</summary>
    internal static NatHoleSid Question(string transactionId, string sid) =>
        new() { TransactionId = transactionId, Sid = sid, Nonce = new string('0', RandomNumberGenerator.GetInt32(MostFiller)) };

    /// <summary>Makes the datagram of a packet.</summary>
    /// <param name="packet">What it says.</param>
    /// <param name="key">See <see cref="StreamKey"/>.</param>
    internal static byte[] Seal(NatHoleSid packet, byte[] key)
    {
        var frame = new ArrayBufferWriter<byte>(256);
        V1Codec.Instance.Write(frame, packet);
        using var cipher = new CfbEncryptor(key);
        var datagram = new byte[CfbEncryptor.BlockLength + frame.WrittenCount];
        cipher.Iv.CopyTo(datagram);
        cipher.Encrypt(frame.WrittenSpan, datagram.AsSpan(CfbEncryptor.BlockLength));
        return datagram;
    }

    /// <summary>Reads a datagram. What is behind the packet is ignored, as the reference does.</summary>
    /// <param name="datagram">Whatever somebody has sent.</param>
    /// <param name="key">See <see cref="StreamKey"/>.</param>
    /// <param name="packet">What it says.</param>
    /// <returns>False when it is no packet under this key.</returns>
    internal static bool TryOpen(ReadOnlySpan<byte> datagram, byte[] key, [NotNullWhen(true)] out NatHoleSid? packet)
    {
        packet = null;
        int header = V1Codec.Instance.HeaderLength;
        if (datagram.Length < CfbEncryptor.BlockLength + header || datagram.Length > MaxLength) return false;
        Span<byte> frame = stackalloc byte[MaxLength];
        frame = frame[..(datagram.Length - CfbEncryptor.BlockLength)];
        datagram[CfbEncryptor.BlockLength..].CopyTo(frame);
        using (var cipher = new CfbDecryptor(key, datagram[..CfbEncryptor.BlockLength])) cipher.Decrypt(frame);
        if (MessageTypes.FromV1(frame[0]) is not { } type || type.Name != nameof(NatHoleSid)) return false;
        try
        {
            int length = V1Codec.Instance.GetFrameLength(frame[..header]);
            if (length > frame.Length) return false;
            packet = V1Codec.Instance.Decode(frame[..length]) as NatHoleSid;
            return packet is not null;
        }
        catch (ProtocolViolationException)
        {
            return false; // whoever knows the key and writes no message, or chance
        }
    }
}
