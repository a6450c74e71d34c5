namespace Frp.Hosting;

/// <summary>Gives memory back after a busy time: while nothing is allocated nothing is collected either, and a program that has served
/// thousands would hold their garbage for as long as nobody comes.</summary>
/// <remarks>It looks twice a minute, and collects once when a busy time is over. Not safe for concurrent use.</remarks>
internal sealed class IdleMemory(Func<long> allocatedBytes, Action collect)
{
    /// <summary>How often it looks.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    // Heartbeats and an operator's requests stay below the first; less than the second is not worth a collection.
    private const long QuietBytes = 1024 * 1024;
    private const long WorthwhileBytes = 16 * 1024 * 1024;

    private long _last = allocatedBytes();
    private long _collectedAt = allocatedBytes();

    /// <summary>Of this process.</summary>
    internal static IdleMemory OfProcess() => new(
        static () => GC.GetTotalAllocatedBytes(precise: false),
        static () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true));

    /// <summary>Looks, and goes on looking until it is cancelled.</summary>
    internal async Task WatchAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken)) Look();
    }

    internal void Look()
    {
        long now = allocatedBytes();
        bool isQuiet = now - _last < QuietBytes;
        _last = now;
        if (!isQuiet || now - _collectedAt < WorthwhileBytes) return;
        _collectedAt = now;
        collect();
    }
}
