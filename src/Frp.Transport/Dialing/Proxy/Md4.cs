using System.Buffers.Binary;
using System.Numerics;

namespace Frp.Transport;

/// <summary>The MD4 digest, which nothing but NTLM's password hash is allowed to want.</summary>
/// <remarks><b>Source.</b> RFC 1320.</remarks>
internal static class Md4
{
    internal const int Size = 16;

    internal static byte[] Hash(ReadOnlySpan<byte> data)
    {
        // data, 0x80, zeros, u64le bit count: a multiple of 64 bytes.
        var padded = new byte[(data.Length + 9 + 63) / 64 * 64];
        data.CopyTo(padded);
        padded[data.Length] = 0x80;
        BinaryPrimitives.WriteInt64LittleEndian(padded.AsSpan(padded.Length - 8), data.Length * 8L);

        uint a = 0x67452301, b = 0xEFCDAB89, c = 0x98BADCFE, d = 0x10325476;
        Span<uint> x = stackalloc uint[16];
        for (var block = 0; block < padded.Length; block += 64)
        {
            for (var i = 0; i < 16; i++) x[i] = BinaryPrimitives.ReadUInt32LittleEndian(padded.AsSpan(block + (4 * i)));
            var (a0, b0, c0, d0) = (a, b, c, d);
            for (var i = 0; i < 16; i++)
            {
                Turn(ref a, ref b, ref c, ref d, (b & c) | (~b & d), x[i], 0, (i & 3) switch { 0 => 3, 1 => 7, 2 => 11, _ => 19 });
            }
            for (var i = 0; i < 16; i++)
            {
                var k = ((i & 3) * 4) + (i >> 2);
                Turn(ref a, ref b, ref c, ref d, (b & c) | (b & d) | (c & d), x[k], 0x5A827999, (i & 3) switch { 0 => 3, 1 => 5, 2 => 9, _ => 13 });
            }
            ReadOnlySpan<byte> order = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15];
            for (var i = 0; i < 16; i++)
            {
                Turn(ref a, ref b, ref c, ref d, b ^ c ^ d, x[order[i]], 0x6ED9EBA1, (i & 3) switch { 0 => 3, 1 => 9, 2 => 11, _ => 15 });
            }
            (a, b, c, d) = (a + a0, b + b0, c + c0, d + d0);
        }

        var digest = new byte[Size];
        BinaryPrimitives.WriteUInt32LittleEndian(digest, a);
        BinaryPrimitives.WriteUInt32LittleEndian(digest.AsSpan(4), b);
        BinaryPrimitives.WriteUInt32LittleEndian(digest.AsSpan(8), c);
        BinaryPrimitives.WriteUInt32LittleEndian(digest.AsSpan(12), d);
        return digest;
    }

    // One operation, and the four words move round for the next.
    private static void Turn(ref uint a, ref uint b, ref uint c, ref uint d, uint mixed, uint word, uint constant, int shift)
    {
        var next = BitOperations.RotateLeft(a + mixed + word + constant, shift);
        (a, b, c, d) = (d, next, b, c);
    }
}
