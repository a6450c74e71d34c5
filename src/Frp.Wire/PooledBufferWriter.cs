using System.Buffers;

namespace Frp.Wire;

/// <summary>Output that is gathered in rented memory for one write.</summary>
internal sealed class PooledBufferWriter : IBufferWriter<byte>
{
    private const int InitialLength = 512;

    private byte[] _array = [];

    internal int Length { get; private set; }

    internal ReadOnlyMemory<byte> Written => _array.AsMemory(0, Length);

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_array.Length - Length));
        Length += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _array.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _array.AsSpan(Length);
    }

    /// <summary>Forgets what was written and gives the memory back.</summary>
    internal void Release()
    {
        var array = _array;
        _array = [];
        Length = 0;
        if (array.Length > 0) ArrayPool<byte>.Shared.Return(array);
    }

    private void Reserve(int count)
    {
        count = Math.Max(count, 1);
        if (_array.Length - Length >= count) return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Length + count, Math.Max(_array.Length * 2, InitialLength)));
        Written.Span.CopyTo(larger);
        if (_array.Length > 0) ArrayPool<byte>.Shared.Return(_array);
        _array = larger;
    }
}
