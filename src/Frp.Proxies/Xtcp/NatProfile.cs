using System.Net;

namespace Frp.Proxies;

/// <summary>What stays the same when a host behind a NAT talks to several peers from one socket.</summary>
public enum NatBehavior
{
    /// <summary>Address and port.</summary>
    NoChange,
    /// <summary>The port.</summary>
    IpChanged,
    /// <summary>The address.</summary>
    PortChanged,
    /// <summary>Neither.</summary>
    BothChanged,
}

/// <summary>What one side's addresses, as STUN servers saw them, tell about the NAT in front of it (wire specification §17.3).</summary>
public sealed record NatProfile
{
    /// <summary>More than this is refused. Honest peers name two mapped addresses and at most ten of their own.</summary>
    public const int MostAddresses = 32;

    private const int MostRegularDifference = 5;

    /// <summary>The addresses as the peer shall try them: those of STUN servers.</summary>
    public required IReadOnlyList<string> Mapped { get; init; }

    /// <summary>The addresses as the peer shall try them: those of the host's own interfaces.</summary>
    public required IReadOnlyList<string> Assisted { get; init; }

    /// <summary>The address that the first STUN server saw.</summary>
    public required IPAddress Address { get; init; }

    /// <summary>The port that the last STUN server saw.</summary>
    public required int LastPort { get; init; }

    /// <summary>What the NAT keeps.</summary>
    public required NatBehavior Behavior { get; init; }

    /// <summary>Between the lowest and the highest port, where only ports change; else 0.</summary>
    public required int PortsDifference { get; init; }

    /// <summary>The host has one of its public addresses itself.</summary>
    public required bool IsPublic { get; init; }

    /// <summary>Whether every peer sees the same.</summary>
    public bool IsEasy => Behavior == NatBehavior.NoChange;

    /// <summary>Whether a port can be guessed.</summary>
    public bool IsRegular => PortsDifference is >= 1 and <= MostRegularDifference;

    /// <summary>Judges a side.</summary>
    /// <param name="side">What the side is called in refusals; empty for the own one.</param>
    /// <param name="mapped">As the side says it: <c>ip:port</c>.</param>
    /// <param name="assisted">As the side says it.</param>
    /// <exception cref="PeerRefusedException">Too few addresses, too many, or something that is none.</exception>
    public static NatProfile Of(string side, IReadOnlyList<string> mapped, IReadOnlyList<string> assisted)
    {
        ArgumentNullException.ThrowIfNull(side);
        ArgumentNullException.ThrowIfNull(mapped);
        ArgumentNullException.ThrowIfNull(assisted);
        if (mapped.Count < 2) throw Refusal(side, "not enough addresses");
        if (mapped.Count + assisted.Count > MostAddresses) throw Refusal(side, "too many addresses");
        IPEndPoint[] seen = [.. mapped.Select(a => Parse(side, a))];
        IPEndPoint[] own = [.. assisted.Select(a => Parse(side, a))];
        bool ipChanged = seen.Any(e => !e.Address.Equals(seen[0].Address));
        bool portChanged = seen.Any(e => e.Port != seen[0].Port);
        return new NatProfile
        {
            Mapped = Distinct(seen),
            Assisted = Distinct(own),
            Address = seen[0].Address,
            LastPort = seen[^1].Port,
            Behavior = (ipChanged, portChanged) switch
            {
                (false, false) => NatBehavior.NoChange,
                (true, false) => NatBehavior.IpChanged,
                (false, true) => NatBehavior.PortChanged,
                _ => NatBehavior.BothChanged,
            },
            PortsDifference = portChanged && !ipChanged ? seen.Max(e => e.Port) - seen.Min(e => e.Port) : 0,
            IsPublic = seen.Any(e => own.Any(o => o.Address.Equals(e.Address))),
        };
    }

    // The other side will send datagrams there: nothing goes on that is not an address and a port.
    private static IPEndPoint Parse(string side, string text) =>
        IPEndPoint.TryParse(text, out var endPoint) && endPoint.Port != 0 ? endPoint : throw Refusal(side, $"[{text}] is no address with a port");

    private static List<string> Distinct(IPEndPoint[] all) => [.. all.Where((e, i) => i == 0 || !e.Equals(all[i - 1])).Select(e => e.ToString())];

    private static PeerRefusedException Refusal(string side, string cause) => new($"classify {(side.Length > 0 ? side + " " : "")}nat feature error: {cause}");
}
