using System.Text;
using Frp.TestKit;

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
    private readonly HttpTimes _times = new();

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
