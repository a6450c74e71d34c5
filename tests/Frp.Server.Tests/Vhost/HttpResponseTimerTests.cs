using Frp.Web;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Server.Tests.Vhost;

public sealed class HttpResponseTimerTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void The_answer_counts_and_neither_the_body_nor_the_connection()
    {
        using var timer = new ResponseTimer(() => Limit, _time);
        timer.Begin(hasBody: true);
        _time.Advance(Limit * 2);
        timer.Connecting();
        timer.BodySent();
        _time.Advance(Limit * 2);
        Assert.False(timer.HasPassed);
        timer.Connected();
        _time.Advance(Limit - TimeSpan.FromSeconds(1));
        Assert.False(timer.HasPassed);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(timer.HasPassed);
    }

    [Fact]
    public void An_answer_ends_it_and_the_next_request_begins_anew()
    {
        using var timer = new ResponseTimer(() => Limit, _time);
        timer.Begin(hasBody: false);
        timer.End();
        timer.BodySent();
        timer.Connected();
        _time.Advance(Limit * 2);
        Assert.False(timer.HasPassed);
        timer.Begin(hasBody: false);
        _time.Advance(Limit);
        Assert.True(timer.Token.IsCancellationRequested);
        timer.End();
        timer.Begin(hasBody: false);
        Assert.False(timer.HasPassed);
    }
}
