using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Frp.Transport;

/// <summary>Masking keys: unpredictable, as RFC 6455 section 5.3 wants them, and drawn in batches.</summary>
/// <remarks><b>Concurrency.</b> One caller at a time.</remarks>
internal sealed class MaskKeys
{
    private readonly uint[] _keys = new uint[32];
    private int _left;

    internal uint Next()
    {
        if (_left == 0)
        {
            RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(_keys.AsSpan()));
            _left = _keys.Length;
        }
        return _keys[--_left];
    }
}
