using Frp.Proxies;
using Frp.Wire;

namespace Frp.Server;

/// <summary>What one side does to get a hole into its NAT.</summary>
/// <param name="Sends">Sender, or receiver, which opens its own NAT by packets that need not arrive.</param>
/// <param name="Ttl">Of those packets: enough to leave the own NAT, too little to reach the other one, which might take offence. 0 for the system's.</param>
internal sealed record TraversalPart(bool Sends, int Ttl = 0)
{
    /// <summary>Milliseconds before the first packet.</summary>
    internal int Delay { get; init; }

    /// <summary>How far around the peer's last port its next one is looked for; 0 for nowhere.</summary>
    internal int Range { get; init; }

    /// <summary>Random ports to send to.</summary>
    internal int RandomPorts { get; init; }

    /// <summary>Random ports to listen on.</summary>
    internal int RandomListeners { get; init; }
}

/// <summary>A way to try: what either side does.</summary>
/// <param name="Mode">Of which family it is, 0 to 4.</param>
/// <param name="One">The part of the proxy's side, unless <see cref="PartsOf"/> swaps them.</param>
/// <param name="Other">The visitor's.</param>
internal sealed record TraversalMove(int Mode, TraversalPart One, TraversalPart Other)
{
    private const int ReadTime = 5_000;
    private const int RandomReadTime = 30_000;
    private const int SpareRange = 5;

    /// <summary>Who does what.</summary>
    internal (TraversalPart Proxy, TraversalPart Visitor) PartsOf(NatProfile proxy)
    {
        bool swapped = Mode switch
        {
            1 => proxy.IsEasy,
            2 => !proxy.IsEasy,
            4 => !proxy.IsRegular,
            _ => false,
        };
        return swapped ? (Other, One) : (One, Other);
    }

    /// <summary>How long both sides together may take, in milliseconds.</summary>
    internal int Time => Math.Max(One.Delay, Other.Delay) + ReadTime + (One.RandomListeners > 0 || Other.RandomListeners > 0 ? RandomReadTime : 0);

    /// <summary>The instructions for one side.</summary>
    internal DetectBehavior Instruct(TraversalPart part, NatProfile peer) => new()
    {
        Role = part.Sends ? "sender" : "receiver",
        Mode = Mode,
        Ttl = part.Ttl,
        SendDelayMs = part.Delay,
        ReadTimeoutMs = Time - part.Delay,
        SendRandomPorts = part.RandomPorts,
        ListenRandomPorts = part.RandomListeners,
        CandidatePorts = part.Range > 0 ? [Around(peer, part.Range)] : [],
    };

    private static PortRange Around(NatProfile peer, int range)
    {
        int spread = peer.PortsDifference + SpareRange;
        return new PortRange
        {
            From = Math.Max(Math.Max(peer.LastPort - spread, peer.LastPort - range), 1),
            To = Math.Min(Math.Min(peer.LastPort + spread, peer.LastPort + range), ushort.MaxValue),
        };
    }
}

/// <summary>All ways, and in which order two sides try them (wire specification §17.4, §17.5).</summary>
internal static class TraversalMoves
{
    private static readonly TraversalPart Send = new(Sends: true);
    private static readonly TraversalPart Receive = new(Sends: false);
    private static readonly TraversalPart ReceiveFar = Receive with { Ttl = 7 };
    private static readonly TraversalPart ReceiveNear = Receive with { Ttl = 4 };
    private static readonly TraversalPart Spray = Send with { RandomPorts = 1000, Delay = 3000 };
    private static readonly TraversalPart Net = Receive with { RandomListeners = 256 };

    private static readonly int[] Ttls = [7, 4, 0];

    private static readonly TraversalMove[][] Modes =
    [
        [
            .. From(0, (Send, ReceiveFar), (ReceiveFar, Send), (Send, ReceiveNear), (ReceiveNear, Send), (Send, Receive), (Receive, Send)),
            .. From(0, (After(5000), Receive), (After(10_000), Receive), (Receive, After(5000)), (Receive, After(10_000))),
        ],
        [.. Guessing(1, Send, After(2000))],
        [.. Ttls.Select(ttl => new TraversalMove(2, Spray, Net with { Ttl = ttl }))],
        [
            .. Ttls.Select(ttl => new TraversalMove(3, Send with { Range = 10 }, Receive with { Ttl = ttl, Range = 10 })),
            .. Ttls.Select(ttl => new TraversalMove(3, Receive with { Ttl = ttl, Range = 10 }, Send with { Range = 10 })),
        ],
        [.. Ttls.Select(ttl => new TraversalMove(4, Spray, Net with { Ttl = ttl, Range = 2 }))],
    ];

    /// <summary>The ways for two sides, and what each counts before anything is known: the highest is tried first, of equals the first.</summary>
    internal static IEnumerable<(TraversalMove Move, int Score)> Rank(NatProfile proxy, NatProfile visitor)
    {
        int easy = (proxy.IsEasy ? 1 : 0) + (visitor.IsEasy ? 1 : 0);
        int regular = (proxy.IsRegular ? 1 : 0) + (visitor.IsRegular ? 1 : 0);
        return (easy, regular) switch
        {
            (2, _) => Of(0),
            (1, 1) => Of(1, 2, 0),
            (1, _) => Of(2, 1, 0),
            (_, 2) => Scored(0, 3, 4),
            (_, 1) => Scored(0, 4),
            _ => Scored(1, 0, 1, 3),
        };

        IEnumerable<(TraversalMove, int)> Of(params int[] modes) => modes.SelectMany(m => Modes[m]).Select(m => (m, m.Mode == 0 ? PublicScore(m) : 0));

        // Whoever has a public address receives: he can be reached.
        int PublicScore(TraversalMove move) => (proxy.IsPublic, visitor.IsPublic) switch
        {
            (true, _) => move.One.Sends ? 0 : 1,
            (_, true) => move.One.Sends ? 1 : 0,
            _ => 0,
        };
    }

    private static IEnumerable<(TraversalMove, int)> Scored(int score, params int[] modes) => modes.SelectMany(m => Modes[m]).Select(m => (m, score));

    private static TraversalPart After(int milliseconds) => Send with { Delay = milliseconds };

    private static IEnumerable<TraversalMove> From(int mode, params (TraversalPart One, TraversalPart Other)[] parts) => parts.Select(p => new TraversalMove(mode, p.One, p.Other));

    private static IEnumerable<TraversalMove> Guessing(int mode, params TraversalPart[] senders) =>
        Ttls.SelectMany(ttl => senders.Select(sender => new TraversalMove(mode, sender, Receive with { Ttl = ttl, Range = 10 })));
}
