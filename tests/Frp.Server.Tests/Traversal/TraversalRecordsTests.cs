using Frp.Proxies;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Server.Tests;

public sealed class TraversalRecordsTests
{
    private const string Easy = "203.0.113.1:2000 203.0.113.1:2000";
    private const string Regular = "203.0.113.1:2000 203.0.113.1:2002";
    private const string Hard = "203.0.113.1:2000 203.0.113.2:3000";

    private readonly FakeTimeProvider _time = new();
    private readonly TraversalRecords _records;

    public TraversalRecordsTests() => _records = new TraversalRecords(TimeSpan.FromHours(10), _time);

    private static NatProfile Profile(string mapped, bool isPublic = false) => NatProfileTests.Of(mapped, isPublic ? mapped.Split(' ')[0] : "");

    private TraversalMove Choose(NatProfile proxy, NatProfile visitor) => _records.Choose(proxy, visitor).Move;

    /// <summary>A move in the words of the specification's table: who is the proxy, and what it and the visitor do.</summary>
    private static string Describe(TraversalMove move, NatProfile proxy)
    {
        var (one, other) = move.PartsOf(proxy);
        return $"{move.Mode}: {Describe(one)} | {Describe(other)}";
    }

    private static string Describe(TraversalPart part) =>
        (part.Sends ? "S" : "R") + (part.RandomPorts > 0 ? $" rnd{part.RandomPorts}" : "") + (part.RandomListeners > 0 ? $" lsn{part.RandomListeners}" : "")
        + (part.Delay > 0 ? $" d{part.Delay}" : "") + (part.Ttl > 0 ? $" t{part.Ttl}" : "") + (part.Range > 0 ? $" rng{part.Range}" : "");

    // Source: wire specification §17.4, §17.5.
    [Theory]
    [InlineData(Easy, Easy, "0: S | R t7", "0: R t7 | S", "0: S | R t4", "0: R t4 | S", "0: S | R", "0: R | S", "0: S d5000 | R", "0: S d10000 | R", "0: R | S d5000", "0: R | S d10000", "0: S | R t7")]
    [InlineData(Regular, Easy, "1: S | R t7 rng10", "1: S d2000 | R t7 rng10", "1: S | R t4 rng10", "1: S d2000 | R t4 rng10", "1: S | R rng10", "1: S d2000 | R rng10", "2: R lsn256 t7 | S rnd1000 d3000")]
    [InlineData(Easy, Regular, "1: R t7 rng10 | S", "1: R t7 rng10 | S d2000", "1: R t4 rng10 | S", "1: R t4 rng10 | S d2000", "1: R rng10 | S", "1: R rng10 | S d2000", "2: S rnd1000 d3000 | R lsn256 t7")]
    [InlineData(Easy, Hard, "2: S rnd1000 d3000 | R lsn256 t7", "2: S rnd1000 d3000 | R lsn256 t4", "2: S rnd1000 d3000 | R lsn256", "1: R t7 rng10 | S")]
    [InlineData(Hard, Easy, "2: R lsn256 t7 | S rnd1000 d3000", "2: R lsn256 t4 | S rnd1000 d3000", "2: R lsn256 | S rnd1000 d3000", "1: S | R t7 rng10")]
    [InlineData(Regular, Regular, "3: S rng10 | R t7 rng10", "3: S rng10 | R t4 rng10", "3: S rng10 | R rng10", "3: R t7 rng10 | S rng10", "3: R t4 rng10 | S rng10", "3: R rng10 | S rng10", "4: S rnd1000 d3000 | R lsn256 t7 rng2")]
    [InlineData(Regular, Hard, "4: S rnd1000 d3000 | R lsn256 t7 rng2", "4: S rnd1000 d3000 | R lsn256 t4 rng2", "4: S rnd1000 d3000 | R lsn256 rng2", "4: S rnd1000 d3000 | R lsn256 t7 rng2")]
    [InlineData(Hard, Regular, "4: R lsn256 t7 rng2 | S rnd1000 d3000")]
    [InlineData(Hard, Hard, "0: S | R t7", "0: R t7 | S")]
    public void Ways_are_tried_in_the_order_of_the_table(string proxy, string visitor, params string[] expected)
    {
        var (one, other) = (Profile(proxy), Profile(visitor));
        Assert.Equal(expected, expected.Select(_ => Describe(Choose(one, other), one)));
    }

    [Theory]
    [InlineData(true, true, "0: R t7 | S")]
    [InlineData(true, false, "0: R t7 | S")]
    [InlineData(false, true, "0: S | R t7")]
    public void Who_is_public_receives_first(bool proxyIsPublic, bool visitorIsPublic, string expected)
    {
        var (one, other) = (Profile(Easy, proxyIsPublic), Profile(Easy, visitorIsPublic));
        Assert.Equal(expected, Describe(Choose(one, other), one));
    }

    [Fact]
    public void What_has_worked_is_tried_again_first_and_up_to_a_bound()
    {
        var (one, other) = (Profile(Easy), Profile(Easy));
        _records.Choose(one, other);
        var second = _records.Choose(one, other);
        _records.Succeeded(second);
        for (int i = 0; i < 20; i++)
        {
            var again = _records.Choose(one, other);
            Assert.Same(second.Move, again.Move);
            _records.Succeeded(again);
        }
        // Ten points are lost by ten failures, and at none it is still the first of equals.
        int failures = Enumerable.Range(0, 30).TakeWhile(_ => ReferenceEquals(Choose(one, other), second.Move)).Count();
        Assert.Equal(11, failures);
    }

    [Fact]
    public void Other_sides_are_other_records()
    {
        var easy = Profile(Easy);
        Assert.Equal("0: S | R t7", Describe(Choose(easy, easy), easy));
        var elsewhere = Profile("198.51.100.9:1 198.51.100.9:1");
        Assert.Equal("0: S | R t7", Describe(Choose(easy, elsewhere), easy));
        Assert.Equal("0: S | R t7", Describe(Choose(elsewhere, easy), elsewhere));
        Assert.Equal(3, _records.Count);
    }

    [Fact]
    public void Records_that_are_not_used_are_forgotten()
    {
        var (one, other) = (Profile(Easy), Profile(Hard));
        Choose(one, one);
        _time.Advance(TimeSpan.FromHours(9));
        Choose(one, other);
        _time.Advance(TimeSpan.FromHours(2));
        Choose(other, one);
        Assert.Equal(2, _records.Count);
    }

    [Fact]
    public void Records_have_a_bound_and_the_oldest_goes()
    {
        var proxy = Profile(Easy);
        for (int i = 0; i <= TraversalRecords.MostPairs; i++)
        {
            Choose(proxy, Profile($"10.1.{i / 250}.{i % 250}:5 10.1.{i / 250}.{i % 250}:5"));
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }
        Assert.Equal(TraversalRecords.MostPairs, _records.Count);
        Assert.Equal("0: R t7 | S", Describe(Choose(proxy, Profile("10.1.0.1:5 10.1.0.1:5")), proxy)); // known still
        Assert.Equal("0: S | R t7", Describe(Choose(proxy, Profile("10.1.0.0:5 10.1.0.0:5")), proxy)); // was the first
    }

    [Theory]
    [InlineData(Regular, 10, 1995, 2009)] // around 2002 by the difference and five
    [InlineData(Hard, 10, 2995, 3005)]
    [InlineData("203.0.113.1:3 203.0.113.2:4", 10, 1, 9)]
    [InlineData("203.0.113.1:3 203.0.113.2:65534", 10, 65529, 65535)]
    [InlineData(Regular, 2, 2000, 2004)]
    public void Ports_are_looked_for_around_the_last_one(string peer, int range, int from, int to)
    {
        var move = new TraversalMove(1, new TraversalPart(Sends: true) { Delay = 2000 }, new TraversalPart(Sends: false, Ttl: 4) { Range = range });
        var behavior = move.Instruct(move.Other, Profile(peer));
        Assert.Equal((from, to), (behavior.CandidatePorts[0].From, behavior.CandidatePorts[0].To));
        Assert.Equal(("receiver", 1, 4, 0, 7000), (behavior.Role, behavior.Mode, behavior.Ttl, behavior.SendDelayMs, behavior.ReadTimeoutMs));
        var other = move.Instruct(move.One, Profile(peer));
        Assert.Equal(("sender", 0, 2000, 5000, 0), (other.Role, other.Ttl, other.SendDelayMs, other.ReadTimeoutMs, other.CandidatePorts.Count));
    }
}
