namespace Kcp;

/// <summary>Payload segments that have arrived and are to be acknowledged.</summary>
/// <remarks>When there are too many, further ones are forgotten: their sender repeats them. Concurrency: none.</remarks>
internal struct PendingAcks
{
    private const int Limit = 1024;

    private (uint Number, uint Timestamp)[]? _list;

    internal int Count { get; private set; }

    internal void Add(uint number, uint timestamp)
    {
        if (Count == Limit) return;
        _list ??= new (uint, uint)[8];
        if (Count == _list.Length) Array.Resize(ref _list, Count * 2);
        _list[Count++] = (number, timestamp);
    }

    internal readonly ReadOnlySpan<(uint Number, uint Timestamp)> Span => _list.AsSpan(0, Count);

    internal void Clear() => Count = 0;
}
