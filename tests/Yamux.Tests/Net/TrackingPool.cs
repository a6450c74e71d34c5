using System.Buffers;
using System.Collections.Concurrent;

namespace Yamux.Tests.Net;

/// <summary>Counts what is rented, refuses what it did not rent, and spoils what comes back so that a late use is seen.</summary>
internal sealed class TrackingPool : ArrayPool<byte>
{
    private readonly ConcurrentDictionary<byte[], bool> _out = new(ReferenceEqualityComparer.Instance as IEqualityComparer<byte[]>);
    private int _misuse;

    public int Outstanding => _out.Count;

    public long OutstandingBytes => _out.Keys.Sum(static a => (long)a.Length);

    public int Misuse => Volatile.Read(ref _misuse);

    public override byte[] Rent(int minimumLength)
    {
        byte[] array = new byte[minimumLength];
        _out[array] = true;
        return array;
    }

    public override void Return(byte[] array, bool clearArray = false)
    {
        if (!_out.TryRemove(array, out _)) Interlocked.Increment(ref _misuse);
        Array.Fill(array, (byte)0xDD);
    }
}
