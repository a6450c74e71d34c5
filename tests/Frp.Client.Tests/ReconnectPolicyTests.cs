using Microsoft.Extensions.Time.Testing;

namespace Frp.Client.Tests;

public sealed class ReconnectPolicyTests
{
    private readonly FakeTimeProvider _time = new();
    private double _random;

    private ReconnectPolicy NewPolicy() => new(_time, () => _random);

    private static double[] Seconds(int count, Func<TimeSpan> next) => [.. Enumerable.Range(0, count).Select(_ => Math.Round(next().TotalSeconds, 3))];

    [Fact]
    public void Failed_first_logins_wait_2_4_8_and_then_10_seconds() =>
        Assert.Equal([2, 4, 8, 10, 10], Seconds(5, NewPolicy().AfterFailure));

    [Fact]
    public void Failed_later_logins_wait_up_to_20_seconds()
    {
        var policy = NewPolicy();
        policy.Succeeded();
        Assert.Equal([2, 4, 8, 16, 20, 20], Seconds(6, policy.AfterFailure));
    }

    [Fact]
    public void A_success_starts_the_doubling_anew()
    {
        var policy = NewPolicy();
        policy.AfterFailure();
        policy.AfterFailure();
        policy.Succeeded();
        Assert.Equal(2, policy.AfterFailure().TotalSeconds);
    }

    [Fact]
    public void Jitter_adds_up_to_a_tenth()
    {
        _random = 1;
        Assert.Equal(2.2, NewPolicy().AfterFailure().TotalSeconds, 6);
    }

    [Fact]
    public void A_lost_session_is_followed_by_a_login_at_once_then_by_quick_ones_then_by_slower_ones()
    {
        var policy = NewPolicy();
        policy.Succeeded();
        Assert.Equal([0, 0.2, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 20, 20], Seconds(11, policy.AfterLoss));
    }

    [Fact]
    public void After_a_minute_a_new_burst_of_quick_logins_is_allowed()
    {
        var policy = NewPolicy();
        policy.Succeeded();
        for (int i = 0; i < 6; i++) policy.AfterLoss();
        _time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal([0, 0.2, 0.2, 0.4], Seconds(4, policy.AfterLoss));
    }
}
