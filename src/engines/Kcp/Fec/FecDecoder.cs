using System.Buffers;
using System.Buffers.Binary;

namespace Kcp;

/// <summary>Computes datagrams that were lost from those that were not.</summary>
/// <remarks>
/// <para><b>Alignment.</b> A group is ten data datagrams and three of parity with numbers in a row. It begins at a multiple of 13, until a sender of the
/// reference leaves out parity without leaving out its numbers: then groups begin somewhere else from there on. Computed with a wrong beginning, garbage
/// comes out that looks like a segment of this very conversation, since parity keeps what all shards have in common. So where a group begins is believed
/// only while it cannot have changed: after a pause it has to be seen again, where data and parity meet.</para>
/// <para><b>Bounds.</b> The three latest groups, as the reference keeps them; of a group that is complete, nothing.</para>
/// <para><b>Concurrency.</b> None. <b>Source.</b> Wire reference 4.4.4.</para>
/// </remarks>
internal sealed class FecDecoder
{
    private const int GroupCount = 3;
    // The reference leaves out parity behind a pause of 500 ms between two data datagrams. The network makes pauses shorter and longer.
    private const int SuspiciousPause = 250;
    private const int LongestShard = FecHeader.SizeField + DatagramPacker.MaxLength;

    private readonly FecGroup[] _groups = [new(), new(), new()];
    private readonly byte[]?[] _results = new byte[]?[ParityCode.ParityShards];
    private int _resultCount;
    private int _resultLength;
    private uint _phase; // groups begin at numbers that are this, modulo 13
    private bool _isSure;
    private (uint Number, ushort Type) _last;
    private bool _hasLast;
    private long _lastAt;

    /// <summary>Takes note of a datagram.</summary>
    /// <param name="datagram">With its header; data or parity.</param>
    /// <param name="now">The time in ms.</param>
    /// <returns>How many datagrams were found: see <see cref="Result"/>.</returns>
    internal int Add(ReadOnlySpan<byte> datagram, long now)
    {
        ReturnResults();
        uint number = FecHeader.NumberOf(datagram);
        ushort type = FecHeader.TypeOf(datagram);
        var shard = datagram[FecHeader.Size..];
        if (number >= FecHeader.Modulus || shard.Length > LongestShard) return 0;
        Align(number, type, now);
        int position = (int)((number % ParityCode.Shards + ParityCode.Shards - _phase) % ParityCode.Shards);
        if (type == FecHeader.Parity != position >= ParityCode.DataShards)
        {
            _isSure = false;
            return 0;
        }
        if (GroupOf(unchecked(number - (uint)position)) is not { } group || !group.Add(position, shard)) return 0;
        if (_isSure && group.CanReconstruct) _resultCount = group.Reconstruct(_results, out _resultLength);
        return _resultCount;
    }

    /// <summary>A datagram that was found: its segments. Valid until the next call. Empty when it cannot have been one.</summary>
    internal ReadOnlySpan<byte> Result(int index)
    {
        byte[] shard = _results[index]!;
        int size = BinaryPrimitives.ReadUInt16LittleEndian(shard);
        return size < FecHeader.SizeField || size > _resultLength ? default : shard.AsSpan(FecHeader.SizeField, size - FecHeader.SizeField);
    }

    /// <summary>Gives all buffers back.</summary>
    internal void Clear()
    {
        ReturnResults();
        foreach (var group in _groups) group.Clear();
    }

    // Two datagrams in a row, of which one is data and the other parity, tell where a group begins.
    private void Align(uint number, ushort type, long now)
    {
        if (_hasLast && now - _lastAt >= SuspiciousPause) _isSure = false;
        uint? begin = null;
        if (_hasLast && _last.Type != type && number == Next(_last.Number))
            begin = type == FecHeader.Parity ? number % ParityCode.Shards + ParityCode.ParityShards : number % ParityCode.Shards;
        (_last, _hasLast, _lastAt) = ((number, type), true, now);
        if (begin is not { } found) return;
        found %= ParityCode.Shards;
        if (found != _phase)
        {
            _phase = found;
            foreach (var group in _groups) group.Clear(); // put together wrong
        }
        _isSure = true;
    }

    private static uint Next(uint number) => number == FecHeader.Modulus - 1 ? 0 : number + 1;

    // The group's place, which an older one has to leave. Null for what is older than the ones that are kept.
    private FecGroup? GroupOf(uint begin)
    {
        FecGroup? oldest = null;
        foreach (var group in _groups)
        {
            if (group.IsUsed && group.Begin == begin) return group;
            if (oldest is null || (oldest.IsUsed && (!group.IsUsed || SegmentHeader.Distance(group.Begin, oldest.Begin) > 0))) oldest = group;
        }
        // Far away is not late but another beginning: the peer's numbers have come round, or they are made up.
        if (oldest!.IsUsed && SegmentHeader.Distance(begin, oldest.Begin) is > 0 and < GroupCount * ParityCode.Shards) return null;
        oldest.Start(begin);
        return oldest;
    }

    private void ReturnResults()
    {
        for (int i = 0; i < _resultCount; i++)
        {
            ArrayPool<byte>.Shared.Return(_results[i]!);
            _results[i] = null;
        }
        _resultCount = 0;
    }
}
