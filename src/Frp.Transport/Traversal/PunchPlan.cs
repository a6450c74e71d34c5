using System.Net;
using System.Net.Sockets;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>What this side does to open a way to its peer, as the broker has told it, within what a client lets itself be told.</summary>
/// <remarks>
/// The instructions name strangers to whom datagrams are sent. So nothing is believed that goes beyond what the broker's table can say (wire
/// specification §17.5): what is more is cut to that. Docs/COMPAT.md, "instructions of a broker".
/// </remarks>
public sealed record PunchPlan
{
    // Honest clients have one or two mapped addresses, and ten of their own at most.
    internal const int MostCandidates = 8;
    internal const int MostAssisted = 10;
    internal const int MostGuessedPorts = 21; // ten on either side of one
    internal const int MostRandomPorts = 1000;
    internal const int MostListeners = 256;
    internal const int MostTtl = 255;
    internal static readonly TimeSpan MostDelay = TimeSpan.FromSeconds(10);
    internal static readonly TimeSpan MostWait = TimeSpan.FromSeconds(45); // the longest delay, five seconds, and thirty for random ports
    internal static readonly TimeSpan DefaultWait = TimeSpan.FromSeconds(5);

    private PunchPlan()
    {
    }

    /// <summary>Ties packets to the question that was answered.</summary>
    public required string TransactionId { get; init; }
    /// <summary>The attempt.</summary>
    public required string Sid { get; init; }
    /// <summary>Whether this side's packets are meant to arrive; else they open its own NAT, and it answers.</summary>
    public required bool IsSender { get; init; }
    /// <summary>TTL of a receiver's first packets; 0 for the system's.</summary>
    public required int Ttl { get; init; }
    /// <summary>What a sender waits before its first packet.</summary>
    public required TimeSpan Delay { get; init; }
    /// <summary>How long the peer's packets are waited for.</summary>
    public required TimeSpan Wait { get; init; }
    /// <summary>The peer as STUN servers see it.</summary>
    public required IReadOnlyList<IPEndPoint> Candidates { get; init; }
    /// <summary>The peer's own addresses.</summary>
    public required IReadOnlyList<IPEndPoint> Assisted { get; init; }
    /// <summary>Ports of the candidates' addresses that are tried as well.</summary>
    public required IReadOnlyList<int> GuessedPorts { get; init; }
    /// <summary>How many ports by chance are tried.</summary>
    public required int RandomPorts { get; init; }
    /// <summary>How many further sockets a receiver listens on.</summary>
    public required int Listeners { get; init; }

    /// <summary>The candidates' addresses, each once.</summary>
    public IEnumerable<IPAddress> CandidateAddresses => Candidates.Select(c => c.Address).Distinct();

    /// <summary>Reads the broker's answer.</summary>
    /// <exception cref="IOException">It names no address of the peer.</exception>
    public static PunchPlan Of(NatHoleResp answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        var behavior = answer.DetectBehavior;
        var candidates = Parse(answer.CandidateAddrs, MostCandidates);
        var assisted = Parse(answer.AssistedAddrs, MostAssisted);
        if (candidates.Count + assisted.Count == 0) throw new IOException("the server names no address of the peer");
        return new PunchPlan
        {
            TransactionId = answer.TransactionId,
            Sid = answer.Sid,
            IsSender = behavior.Role == "sender",
            Ttl = Math.Clamp(behavior.Ttl, 0, MostTtl),
            Delay = Within(behavior.SendDelayMs, TimeSpan.Zero, MostDelay),
            Wait = Within(behavior.ReadTimeoutMs, DefaultWait, MostWait),
            Candidates = candidates,
            Assisted = assisted,
            GuessedPorts = [.. behavior.CandidatePorts.SelectMany(Ports).Distinct().Take(MostGuessedPorts)],
            RandomPorts = Math.Clamp(behavior.SendRandomPorts, 0, MostRandomPorts),
            Listeners = Math.Clamp(behavior.ListenRandomPorts, 0, MostListeners),
        };
    }

    private static TimeSpan Within(int milliseconds, TimeSpan unset, TimeSpan most)
    {
        if (milliseconds <= 0) return unset;
        var asked = TimeSpan.FromMilliseconds(milliseconds);
        return asked < most ? asked : most;
    }

    private static List<IPEndPoint> Parse(List<string> addresses, int most) =>
    [
        .. addresses.Select(a => IPEndPoint.TryParse(a, out var endPoint) ? endPoint : null)
            .OfType<IPEndPoint>()
            .Where(e => e.AddressFamily == AddressFamily.InterNetwork && e.Port != 0)
            .Distinct()
            .Take(most),
    ];

    private static IEnumerable<int> Ports(PortRange range)
    {
        int from = Math.Max(range.From, 1), to = Math.Min(range.To, ushort.MaxValue);
        return to < from ? [] : Enumerable.Range(from, Math.Min(to - from + 1, MostGuessedPorts));
    }
}
