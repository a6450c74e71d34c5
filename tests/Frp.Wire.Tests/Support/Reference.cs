using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace Frp.Wire.Tests;

/// <summary>The ciphers and the compression written again, as slowly and as close to their definitions as possible.</summary>
internal static class Reference
{
    internal static byte[] Cfb(byte[] key, byte[] iv, byte[] data, bool encrypt)
    {
        using var aes = Aes.Create();
        aes.Key = key;
        var result = new byte[data.Length];
        var feedback = iv.ToArray();
        for (var at = 0; at < data.Length; at += 16)
        {
            var keystream = aes.EncryptEcb(feedback, PaddingMode.None);
            for (var i = at; i < Math.Min(at + 16, data.Length); i++)
            {
                result[i] = (byte)(data[i] ^ keystream[i - at]);
                feedback[i - at] = encrypt ? result[i] : data[i];
            }
        }
        return result;
    }

    /// <summary>An AEAD control stream with one record per element.</summary>
    internal static byte[] AeadStream(ControlCipher cipher, byte[] key, byte[] nonce, IEnumerable<byte[]> records)
    {
        var stream = new List<byte>(nonce);
        var number = new BigInteger(nonce, isUnsigned: true, isBigEndian: true);
        foreach (var plain in records)
        {
            var length = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(length, plain.Length + 16);
            byte[] associated = [.. nonce, .. length];
            var current = ToBigEndian(number, nonce.Length);
            stream.AddRange(length);
            stream.AddRange(cipher == ControlCipher.Aes256Gcm ? Gcm(key, current, associated, plain) : XChaCha(key, current, associated, plain));
            number = (number + 1) % BigInteger.Pow(2, 8 * nonce.Length);
        }
        return [.. stream];
    }

    /// <summary>All plain bytes of a Snappy stream; throws <see cref="InvalidDataException"/> on anything irregular.</summary>
    internal static (byte[] Plain, List<(byte Type, int PlainLength)> Chunks) Unsnappy(byte[] stream)
    {
        var plain = new List<byte>();
        var chunks = new List<(byte, int)>();
        for (var at = 0; at < stream.Length;)
        {
            var type = stream[at];
            var length = stream[at + 1] | stream[at + 2] << 8 | stream[at + 3] << 16;
            var body = stream.AsSpan(at + 4, length);
            if (type == 0xff)
            {
                if (!body.SequenceEqual("sNaPpY"u8)) throw new InvalidDataException("identifier");
                chunks.Add((type, 0));
            }
            else
            {
                var data = type switch { 0 => UnsnappyBlock(body[4..]), 1 => body[4..].ToArray(), _ => throw new InvalidDataException("type") };
                if (MaskedCrc(data) != BinaryPrimitives.ReadUInt32LittleEndian(body)) throw new InvalidDataException("checksum");
                chunks.Add((type, data.Length));
                plain.AddRange(data);
            }
            at += 4 + length;
        }
        return ([.. plain], chunks);
    }

    internal static uint MaskedCrc(byte[] data)
    {
        var crc = 0xffffffffu;
        foreach (var b in data)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
        }
        crc = ~crc;
        return (crc >> 15 | crc << 17) + 0xa282ead8;
    }

    private static byte[] UnsnappyBlock(ReadOnlySpan<byte> block)
    {
        int at = 0, length = 0, shift = 0;
        do
        {
            length |= (block[at] & 0x7f) << shift;
            shift += 7;
        }
        while (block[at++] >= 0x80);
        var output = new List<byte>();
        while (at < block.Length)
        {
            var tag = block[at++];
            int count, offset;
            switch (tag & 3)
            {
                case 0:
                    count = (tag >> 2) + 1;
                    if (count > 60)
                    {
                        var extra = count - 60;
                        count = 1;
                        for (var i = 0; i < extra; i++) count += block[at++] << (8 * i);
                    }
                    output.AddRange(block.Slice(at, count));
                    at += count;
                    continue;
                case 1:
                    count = (tag >> 2 & 7) + 4;
                    offset = (tag >> 5) << 8 | block[at++];
                    break;
                case 2:
                    count = (tag >> 2) + 1;
                    offset = block[at] | block[at + 1] << 8;
                    at += 2;
                    break;
                default:
                    count = (tag >> 2) + 1;
                    offset = BinaryPrimitives.ReadInt32LittleEndian(block[at..]);
                    at += 4;
                    break;
            }
            for (var i = 0; i < count; i++) output.Add(output[^offset]);
        }
        return output.Count == length ? [.. output] : throw new InvalidDataException("length");
    }

    private static byte[] Gcm(byte[] key, byte[] nonce, byte[] associated, byte[] plain)
    {
        using var gcm = new AesGcm(key, 16);
        var result = new byte[plain.Length + 16];
        gcm.Encrypt(nonce, plain, result.AsSpan(0, plain.Length), result.AsSpan(plain.Length), associated);
        return result;
    }

    // draft-irtf-cfrg-xchacha and RFC 8439, with big integers for Poly1305.
    private static byte[] XChaCha(byte[] key, byte[] nonce, byte[] associated, byte[] plain)
    {
        var state = Rounds(State(key, nonce[..16]));
        var subkey = state[..4].Concat(state[12..]).SelectMany(BitConverter.GetBytes).ToArray();
        byte[] inner = [0, 0, 0, 0, .. nonce[16..]];
        var cipher = new byte[plain.Length];
        for (var i = 0; i < plain.Length; i++) cipher[i] = (byte)(plain[i] ^ Block(subkey, (uint)(i / 64 + 1), inner)[i % 64]);

        var oneTime = Block(subkey, 0, inner);
        var r = new BigInteger(oneTime.AsSpan(0, 16), isUnsigned: true) & BigInteger.Parse("0ffffffc0ffffffc0ffffffc0fffffff", System.Globalization.NumberStyles.HexNumber);
        var s = new BigInteger(oneTime.AsSpan(16, 16), isUnsigned: true);
        byte[] authenticated =
        [
            .. associated, .. new byte[(16 - associated.Length % 16) % 16], .. cipher, .. new byte[(16 - cipher.Length % 16) % 16],
            .. BitConverter.GetBytes((long)associated.Length), .. BitConverter.GetBytes((long)cipher.Length),
        ];
        var sum = BigInteger.Zero;
        foreach (var block in authenticated.Chunk(16))
            sum = (sum + new BigInteger(block, isUnsigned: true) + BigInteger.Pow(2, 8 * block.Length)) * r % (BigInteger.Pow(2, 130) - 5);
        var tag = ToBigEndian((sum + s) % BigInteger.Pow(2, 128), 16);
        Array.Reverse(tag);
        return [.. cipher, .. tag];
    }

    private static uint[] State(byte[] key, byte[] last)
    {
        var state = new uint[16];
        (state[0], state[1], state[2], state[3]) = (0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);
        for (var i = 0; i < 8; i++) state[4 + i] = BitConverter.ToUInt32(key, 4 * i);
        for (var i = 0; i < 4; i++) state[12 + i] = BitConverter.ToUInt32(last, 4 * i);
        return state;
    }

    private static byte[] Block(byte[] key, uint counter, byte[] nonce)
    {
        var state = State(key, [.. BitConverter.GetBytes(counter), .. nonce]);
        return [.. Rounds([.. state]).Zip(state, (a, b) => a + b).SelectMany(BitConverter.GetBytes)];
    }

    private static uint[] Rounds(uint[] x)
    {
        (int, int, int, int)[] quarters = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)];
        for (var round = 0; round < 10; round++)
        {
            foreach (var (a, b, c, d) in quarters)
            {
                x[a] += x[b]; x[d] = BitOperations.RotateLeft(x[d] ^ x[a], 16);
                x[c] += x[d]; x[b] = BitOperations.RotateLeft(x[b] ^ x[c], 12);
                x[a] += x[b]; x[d] = BitOperations.RotateLeft(x[d] ^ x[a], 8);
                x[c] += x[d]; x[b] = BitOperations.RotateLeft(x[b] ^ x[c], 7);
            }
        }
        return x;
    }

    private static byte[] ToBigEndian(BigInteger value, int length)
    {
        var bytes = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. new byte[length - bytes.Length], .. bytes];
    }
}
