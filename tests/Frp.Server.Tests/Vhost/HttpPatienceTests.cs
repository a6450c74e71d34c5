using System.Text;
using Frp.TestKit;
using Frp.Web;

namespace Frp.Server.Tests;

/// <summary>How long the HTTP front waits for whom.</summary>
public sealed class HttpPatienceTests : HttpFrontTest
{
    private const string Get = "GET / HTTP/1.1\r\nHost: site.test\r\n\r\n";
    private const string Upgrade = "GET / HTTP/1.1\r\nHost: site.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    private const string Upgraded = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    private const string Events = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

    private readonly SemaphoreSlim _asked = new(0);
    private readonly SemaphoreSlim _next = new(0);
    private readonly HttpLimits _times = new();

    /// <summary>A user who has ended his direction and is not sent anything: whether he is there or not, nobody can tell.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_user_who_has_ended_and_is_not_answered_is_given_up(bool stays)
    {
        await using var service = Service("");
        Config.VhostHttpTimeoutSeconds = 3600;
        await StartAsync("site.test", service.Port);
        using var user = await SendAsync(Get);
        await _asked.WaitAsync().Soon();
        if (stays) user.CompleteWrites();
        else user.Dispose();
        await UntilAsync(() => service.OpenCount == 0, "the connection to the service is still open");
        if (!stays) return;
        Assert.Equal(504, (await HttpAnswer.ReceiveAsync(user.Socket)).Status);
        Assert.Empty(await user.ReceiveToEndAsync());
    }

    [Fact]
    public async Task A_user_who_has_ended_stays_as_long_as_something_comes()
    {
        await using var service = Service(Events);
        await StartAsync("site.test", service.Port);
        using var user = await SendAsync(Get);
        await HttpService.ReceiveHeadAsync(user.Socket).Soon();
        user.CompleteWrites();
        for (int i = 0; i < 20; i++)
        {
            Time.Advance(_times.HalfClosed * 0.9);
            _next.Release();
            Assert.Equal("1\r\nx\r\n", Encoding.ASCII.GetString(await user.ReceiveAsync(6)));
        }
        // And no longer.
        await UntilAsync(() => service.OpenCount == 0, "the connection to the service is still open");
        await user.WaitForEndAsync();
    }

    [Fact]
    public async Task A_user_who_leaves_while_events_come_is_noticed_by_the_next_of_them()
    {
        await using var service = Service(Events);
        await StartAsync("site.test", service.Port);
        using (var user = await SendAsync(Get)) await HttpService.ReceiveHeadAsync(user.Socket).Soon();
        await Patience.UntilAsync(() =>
        {
            _next.Release();
            return service.OpenCount == 0;
        }, () => "the connection to the service is still open");
    }

    [Fact]
    public async Task Those_who_ask_for_nothing_make_room_and_those_who_are_served_do_not()
    {
        await using var service = Service(Events);
        await StartAsync("site.test", service.Port, new HttpLimits { MaxIdle = 3 });
        using var served = await SendAsync(Get);
        await HttpService.ReceiveHeadAsync(served.Socket).Soon();
        using var slow = await SendAsync("GET / HTTP/1.1\r\nHost: ");
        using var done = await SendAsync("GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n");
        Assert.Equal(404, (await HttpAnswer.ReceiveAsync(done.Socket)).Status);
        var others = new List<User>();
        await Patience.UntilAsync(async () =>
        {
            others.Add(await SendAsync("GET / HTTP/1.1\r\nHost: "));
            return slow.HasEnded && done.HasEnded;
        }, () => "nobody makes room");
        // The newest has its place still, and the answer to the first goes on.
        await others[^1].SendAsync("site.test\r\n\r\n");
        await HttpService.ReceiveHeadAsync(others[^1].Socket).Soon();
        _next.Release();
        Assert.Equal("1\r\nx\r\n", Encoding.ASCII.GetString(await served.ReceiveAsync(6)));
        others.ForEach(user => user.Dispose());
    }

    // The HTTP parser's clock is the system's, so its times are short here; all others go by the test's clock.
    [Theory]
    [InlineData(Upgrade, Upgraded)]
    [InlineData(Get, Events)]
    public async Task Silence_ends_no_stream_that_has_begun(string request, string begin)
    {
        var second = TimeSpan.FromSeconds(1);
        await using var service = Service(begin);
        Config.VhostHttpTimeoutSeconds = 1;
        await StartAsync("site.test", service.Port, new HttpLimits { Head = second, KeepAlive = second, IdleWork = second });
        using var user = await SendAsync(request);
        await HttpService.ReceiveHeadAsync(user.Socket).Soon();
        // Who comes later and waits between requests is sent away: the parser's times have passed.
        using var waiting = await SendAsync("OPTIONS * HTTP/1.1\r\nHost: site.test\r\n\r\n");
        Assert.Equal(200, (await HttpAnswer.ReceiveAsync(waiting.Socket)).Status);
        Assert.Empty(await waiting.ReceiveToEndAsync());
        for (int i = 0; i < 10 * 60; i++) Time.Advance(second);
        _next.Release();
        Assert.Equal("1\r\nx\r\n", Encoding.ASCII.GetString(await user.ReceiveAsync(6)));
        Assert.Equal(1, service.OpenCount);
    }

    /// <summary>Lets time pass until something has happened.</summary>
    private Task UntilAsync(Func<bool> happened, string what) => Patience.UntilAsync(() =>
    {
        Time.Advance(TimeSpan.FromSeconds(1));
        return happened();
    }, () => what);

    /// <summary>A service that begins an answer and then sends a chunk of one byte whenever it is told to.</summary>
    private HttpService Service(string begin) => HttpService.Start(async (_, socket) =>
    {
        if (begin.Length > 0) await HttpService.SendAsync(socket, begin);
        _asked.Release();
        var end = socket.ReceiveToEndAsync();
        while (true)
        {
            var next = _next.WaitAsync(Patience.Limit);
            if (await Task.WhenAny(next, end) == end) return false;
            await HttpService.SendAsync(socket, "1\r\nx\r\n");
        }
    });
}
