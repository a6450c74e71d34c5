using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Server.Tests;

public sealed class StrangersTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<Visit> _visits = [];
    private readonly Strangers _strangers;

    public StrangersTests() => _strangers = new Strangers(_time, NullLogger.Instance);

    public void Dispose()
    {
        foreach (var visit in _visits) visit.Dispose();
    }

    [Fact]
    public void A_stranger_has_its_time()
    {
        var (waits, accepted) = (Enter("192.0.2.1"), Enter("192.0.2.1"));
        accepted.Accept();
        _time.Advance(Strangers.StrangerTime - TimeSpan.FromMilliseconds(1));
        Assert.False(waits.IsEvicted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(waits.IsEvicted && waits.Stopping.IsCancellationRequested);
        Assert.False(accepted.IsEvicted || accepted.Stopping.IsCancellationRequested);
    }

    [Fact]
    public void An_address_has_its_share_and_one_with_a_session_has_no_limit()
    {
        for (int i = 0; i < Strangers.MaxStrangersPerAddress; i++) Enter("192.0.2.1");
        Assert.Null(TryEnter("192.0.2.1"));
        Enter("192.0.2.2");
        _visits[0].Accept();
        for (int i = 0; i < Strangers.MaxStrangersPerAddress; i++) Enter("192.0.2.1");
        Leave(_visits[0]);
        Assert.Null(TryEnter("192.0.2.1"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Failures_count_for_an_address_when_they_are_known_to_come_from_it(bool isProvenLater)
    {
        bool isVerified = false;
        var visit = Enter("192.0.2.1");
        visit.IsVerified = () => isVerified;
        for (int i = 0; i < 100; i++) visit.Failed();
        Enter("192.0.2.1");
        isVerified = isProvenLater;
        Leave(visit);
        Assert.Equal(isProvenLater, TryEnter("192.0.2.1") is null);
    }

    [Fact]
    public void The_one_that_has_waited_longest_makes_room()
    {
        for (int i = 0; i < Strangers.MaxStrangers; i++) Enter($"10.0.{i / 200}.{i % 200}");
        _visits[0].Accept();
        Enter("192.0.2.1");
        Assert.DoesNotContain(_visits, v => v.IsEvicted);
        var last = Enter("192.0.2.2");
        Assert.Equal([_visits[1]], _visits.Where(v => v.IsEvicted));
        Enter("192.0.2.3");
        Assert.Equal([_visits[1], _visits[2]], _visits.Where(v => v.IsEvicted));
        Assert.False(last.IsEvicted);
        Assert.Equal(Strangers.MaxStrangers, _strangers.Count);
        _visits[1].Accept(); // too late
        Assert.False(_visits[1].IsAccepted);
    }

    [Fact]
    public void Logins_that_fail_keep_an_address_out_for_a_while()
    {
        Fail("192.0.2.1", 30);
        Leave(Enter("192.0.2.1"));
        Fail("192.0.2.1", 1);
        Assert.Null(TryEnter("192.0.2.1"));
        Leave(Enter("192.0.2.2"));
        _time.Advance(TimeSpan.FromSeconds(1));
        Leave(Enter("192.0.2.1"));

        Fail("192.0.2.1", 1);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(TryEnter("192.0.2.1"));
        _time.Advance(TimeSpan.FromSeconds(1));

        // Up to a minute, and no more.
        var patient = Enter("192.0.2.1");
        for (int i = 0; i < 100; i++) patient.Failed();
        Leave(patient);
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.Null(TryEnter("192.0.2.1"));
        _time.Advance(TimeSpan.FromSeconds(1));
        Leave(Enter("192.0.2.1"));
    }

    [Fact]
    public void A_client_that_tries_every_five_seconds_with_the_wrong_token_is_never_kept_out()
    {
        for (int i = 0; i < 1000; i++)
        {
            Fail("192.0.2.1", 1);
            _time.Advance(TimeSpan.FromSeconds(5));
        }
        Enter("192.0.2.1");
    }

    [Fact]
    public void Who_holds_a_session_shields_the_others_behind_its_address()
    {
        Enter("192.0.2.1").Accept();
        Fail("192.0.2.1", 100);
        Enter("192.0.2.1");
    }

    [Fact]
    public void Addresses_are_forgotten()
    {
        Fail("192.0.2.1", 31);
        _time.Advance(TimeSpan.FromMinutes(10));
        _strangers.Sweep();
        Fail("192.0.2.1", 30);
        Enter("192.0.2.1"); // none of the old failures counts
    }

    [Theory]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
    [InlineData("2001:db8:1:2:f::", "2001:db8:1:2::")]
    public void Addresses_are_counted_by_who_has_them(string address, string key) =>
        Assert.Equal(IPAddress.Parse(key), Strangers.KeyOf(new IPEndPoint(IPAddress.Parse(address), 1)));

    private void Fail(string address, int times)
    {
        for (int i = 0; i < times; i++)
        {
            var visit = Enter(address);
            visit.Failed();
            Leave(visit);
        }
    }

    private void Leave(Visit visit)
    {
        _visits.Remove(visit);
        visit.Dispose();
    }

    private Visit Enter(string address)
    {
        var visit = TryEnter(address);
        Assert.NotNull(visit);
        return visit;
    }

    private Visit? TryEnter(string address)
    {
        var visit = _strangers.TryEnter(new IPEndPoint(IPAddress.Parse(address), 1), CancellationToken.None);
        if (visit is not null) _visits.Add(visit);
        return visit;
    }
}
