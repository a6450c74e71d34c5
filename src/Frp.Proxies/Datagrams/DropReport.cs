using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies;

/// <summary>Why a datagram went no further.</summary>
internal enum DropReason
{
    /// <summary>1024 datagrams wait for the connection.</summary>
    QueueFull,
    /// <summary>Its message would be longer than the framing allows.</summary>
    TooLong,
    /// <summary>It came from the peer without an address that could be meant.</summary>
    NoAddress,
    /// <summary>The system would not send it.</summary>
    Unsendable,
    /// <summary>No socket could be had for its user.</summary>
    NoSocket,
    /// <summary>The secret proxy could not be reached.</summary>
    Unreachable,
}

/// <summary>Counts the datagrams that a proxy or visitor drops: each in the metric, and some lines in the log.</summary>
/// <remarks>
/// Metric: <c>frp.datagrams.dropped</c> of the meter <c>Frp.Proxies</c>, with the tag <c>reason</c>. The log has one line for a first
/// drop, and at most one in ten seconds then, with the number since the last.
/// </remarks>
internal sealed partial class DropReport(ILogger logger, TimeProvider time)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);
    private static readonly Meter Meter = new("Frp.Proxies");
    private static readonly Counter<long> Dropped = Meter.CreateCounter<long>("frp.datagrams.dropped", "{datagram}", "Datagrams that udp and sudp proxies did not pass on.");
    private static readonly string[] Names = ["queue_full", "too_long", "no_address", "unsendable", "no_socket", "unreachable"];
    private static readonly string[] Texts =
    [
        "the queue towards the peer is full",
        "longer than a message may be",
        "the peer gave no usable address",
        "the system refused to send",
        "no local socket to be had",
        "the secret proxy cannot be reached",
    ];

    private readonly Lock _lock = new();
    private long _reported;
    private long _since;

    /// <summary>Counts dropped datagrams.</summary>
    internal void Count(DropReason reason, int count = 1)
    {
        Dropped.Add(count, new KeyValuePair<string, object?>("reason", Names[(int)reason]));
        long sum;
        lock (_lock)
        {
            _since += count;
            long now = time.GetTimestamp();
            if (_reported != 0 && time.GetElapsedTime(_reported, now) < Period) return;
            (_reported, sum, _since) = (now, _since, 0);
        }
        Log.Dropped(logger, sum, Texts[(int)reason]);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "dropped {Count} datagrams, the last because {Reason}")]
        internal static partial void Dropped(ILogger logger, long count, string reason);
    }
}
