using System.Net;
using Frp.Proxies;

namespace Frp.Server;

/// <summary>A way that was chosen, and where its success is to be noted.</summary>
internal sealed record TraversalChoice(TraversalMove Move, TraversalRecords.Pair Pair);

/// <summary>What has worked between which sides: a way counts less whenever it is tried, and more when it was reported to have worked.</summary>
/// <remarks><b>Concurrency.</b> All members may be called from any thread. <b>Bound.</b> <see cref="MostPairs"/>; the one that was not used for longest goes.</remarks>
/// <param name="reserve">How long an unused record is kept.</param>
/// <param name="time">The clock.</param>
internal sealed class TraversalRecords(TimeSpan reserve, TimeProvider time)
{
    internal const int MostPairs = 4096;

    private const int Reward = 2;
    private const int HighestScore = 10;
    private static readonly TimeSpan SweepPeriod = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<Pair, Record> _records = [];
    private long _sweptAt = time.GetTimestamp();

    /// <summary>Two sides, as far as experience with them is worth something.</summary>
    internal sealed record Pair(IPAddress Visitor, NatBehavior VisitorBehavior, bool VisitorIsRegular, IPAddress Proxy, NatBehavior ProxyBehavior, bool ProxyIsRegular);

    /// <summary>Pairs that are remembered.</summary>
    internal int Count
    {
        get { lock (_lock) return _records.Count; }
    }

    /// <summary>The way to try next.</summary>
    internal TraversalChoice Choose(NatProfile proxy, NatProfile visitor)
    {
        var pair = new Pair(visitor.Address, visitor.Behavior, visitor.IsRegular, proxy.Address, proxy.Behavior, proxy.IsRegular);
        lock (_lock)
        {
            Sweep();
            if (!_records.TryGetValue(pair, out var record))
            {
                if (_records.Count >= MostPairs) _records.Remove(_records.MinBy(r => r.Value.UsedAt).Key);
                _records[pair] = record = new Record([.. TraversalMoves.Rank(proxy, visitor).Select(r => new Entry(r.Move, r.Score))]);
            }
            record.UsedAt = time.GetTimestamp();
            var best = record.Entries.MaxBy(e => e.Score)!; // the first of equals
            best.Score--;
            return new TraversalChoice(best.Move, pair);
        }
    }

    /// <summary>Notes that a choice has worked.</summary>
    internal void Succeeded(TraversalChoice choice)
    {
        lock (_lock)
        {
            if (!_records.TryGetValue(choice.Pair, out var record)) return; // forgotten meanwhile
            record.UsedAt = time.GetTimestamp();
            var entry = record.Entries.Find(e => ReferenceEquals(e.Move, choice.Move));
            if (entry is not null) entry.Score = Math.Min(entry.Score + Reward, HighestScore);
        }
    }

    private void Sweep()
    {
        if (time.GetElapsedTime(_sweptAt) < SweepPeriod) return;
        _sweptAt = time.GetTimestamp();
        foreach (var (pair, record) in _records)
        {
            if (time.GetElapsedTime(record.UsedAt) >= reserve) _records.Remove(pair);
        }
    }

    private sealed class Record(List<Entry> entries)
    {
        internal List<Entry> Entries => entries;
        internal long UsedAt { get; set; }
    }

    private sealed class Entry(TraversalMove move, int score)
    {
        internal TraversalMove Move => move;
        internal int Score { get; set; } = score;
    }
}
