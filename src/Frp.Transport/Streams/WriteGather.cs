using System.Buffers;

namespace Frp.Transport;

/// <summary>Bytes on their way down that wait for company, so that they leave in one system call.</summary>
/// <remarks>
/// <para><b>Ownership.</b> The buffer is rented with the first byte and returned with the flush: an idle connection holds none.</para>
/// <para><b>Concurrency.</b> One caller at a time.</para>
/// </remarks>
internal struct WriteGather
{
    /// <summary>What is gathered before it leaves unasked.</summary>
    // Measured: sixteen TLS records in one send; more gained nothing, and this is what a stalled peer can pin.
    internal const int Limit = 256 * 1024;

    // A buffer grows in few steps, each a bucket of the shared pool, so that small messages pin little.
    private const int SmallSize = 4 * 1024;
    private const int MediumSize = 32 * 1024;

    private byte[]? _buffer;
    private int _count;

    /// <summary>Bytes gathered.</summary>
    internal readonly int Count => _count;

    /// <summary>What may be appended before a flush is due.</summary>
    internal readonly int Room => Limit - _count;

    /// <summary>Room for exactly <paramref name="byteCount"/> bytes, at most <see cref="Room"/>; they count as gathered.</summary>
    internal Span<byte> Append(int byteCount)
    {
        var needed = _count + byteCount;
        if (_buffer is null || needed > _buffer.Length) Grow(needed);
        var room = _buffer.AsSpan(_count, byteCount);
        _count = needed;
        return room;
    }

    /// <summary>Hands the gathered bytes over: the caller writes them and returns the array to the shared pool.</summary>
    internal ArraySegment<byte> Take()
    {
        if (_buffer is null) return default;
        var taken = new ArraySegment<byte>(_buffer, 0, _count);
        _buffer = null;
        _count = 0;
        return taken;
    }

    private void Grow(int needed)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(needed, Limit);
        var size = needed <= SmallSize ? SmallSize : needed <= MediumSize ? MediumSize : needed <= Limit / 2 ? Limit / 2 : Limit;
        var grown = ArrayPool<byte>.Shared.Rent(size);
        if (_buffer is not null)
        {
            _buffer.AsSpan(0, _count).CopyTo(grown);
            ArrayPool<byte>.Shared.Return(_buffer);
        }
        _buffer = grown;
    }
}
