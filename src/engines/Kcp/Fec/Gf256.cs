using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Kcp;

/// <summary>The field of 256 elements with the polynomial 0x11D and the generator 2: sums are exclusive-or, products by table.</summary>
internal static class Gf256
{
    private const int Polynomial = 0x11D;

    private static readonly byte[] Exp = new byte[512];
    private static readonly byte[] Log = new byte[256];
    // For each factor the products of the 16 low and the 16 high half bytes: a product is the sum of two look-ups, 16 at a time.
    private static readonly byte[] Halves = new byte[256 * 32];

    static Gf256()
    {
        for (int i = 0, x = 1; i < 255; i++)
        {
            Exp[i] = Exp[i + 255] = (byte)x;
            Log[x] = (byte)i;
            x <<= 1;
            if (x > 0xff) x ^= Polynomial;
        }
        for (int factor = 0; factor < 256; factor++)
        {
            for (int half = 0; half < 16; half++)
            {
                Halves[factor * 32 + half] = Multiply((byte)factor, (byte)half);
                Halves[factor * 32 + 16 + half] = Multiply((byte)factor, (byte)(half << 4));
            }
        }
    }

    internal static byte Multiply(byte a, byte b) => a == 0 || b == 0 ? (byte)0 : Exp[Log[a] + Log[b]];

    /// <summary>One divided by an element, which is not zero.</summary>
    internal static byte Invert(byte a) => Exp[255 - Log[a]];

    internal static byte Power(byte a, int exponent)
    {
        byte result = 1;
        for (int i = 0; i < exponent; i++) result = Multiply(result, a);
        return result;
    }

    /// <summary>Adds the product of each byte and a factor to the byte at the same place.</summary>
    internal static void AddProduct(ReadOnlySpan<byte> source, byte factor, Span<byte> destination)
    {
        ref byte table = ref Halves[factor * 32];
        var low = Vector128.LoadUnsafe(ref table);
        var high = Vector128.LoadUnsafe(ref table, 16);
        var mask = Vector128.Create((byte)0x0f);
        destination = destination[..source.Length];
        int i = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            ref byte from = ref MemoryMarshal.GetReference(source);
            ref byte to = ref MemoryMarshal.GetReference(destination);
            for (; i <= source.Length - Vector128<byte>.Count; i += Vector128<byte>.Count)
            {
                var x = Vector128.LoadUnsafe(ref from, (nuint)i);
                var product = Vector128.Shuffle(low, x & mask) ^ Vector128.Shuffle(high, Vector128.ShiftRightLogical(x, 4) & mask);
                (product ^ Vector128.LoadUnsafe(ref to, (nuint)i)).StoreUnsafe(ref to, (nuint)i);
            }
        }
        for (; i < source.Length; i++) destination[i] ^= Multiply(factor, source[i]);
    }
}
