using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using Frp.Config;
using Frp.Proxies;
using Frp.TestKit;
using Frp.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Client.Tests;

public sealed class HealthTests : IAsyncDisposable
{
    private readonly SleeperTime _time = new();
    private readonly Channel<bool> _changes = Channel.CreateUnbounded<bool>();
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    [Fact]
    public async Task A_service_is_up_after_one_success_and_down_after_so_many_failures_in_a_row()
    {
        int port = Ports.Next();
        Start(Config(port, check => (check.Type, check.MaxFailed) = ("tcp", 2)));
        await NextAttemptAsync();
        await NextAttemptAsync();
        Assert.False(_changes.Reader.TryRead(out _)); // it has never been up: nothing has changed
        await using (TcpService.Echo(port))
        {
            await NextAttemptAsync();
            Assert.True(await ChangeAsync());
        }
        await NextAttemptAsync();
        Assert.False(_changes.Reader.TryRead(out _));
        // A success in between begins the count anew.
        await using (TcpService.Echo(port)) await NextAttemptAsync();
        await NextAttemptAsync();
        Assert.False(_changes.Reader.TryRead(out _));
        await NextAttemptAsync();
        Assert.False(await ChangeAsync());
        await NextAttemptAsync();
        Assert.False(_changes.Reader.TryRead(out _));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true)]
    [InlineData("HTTP/1.0 204 No Content\r\n\r\n", true)]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 299 Strange\r\n\r\n", true)]
    [InlineData("HTTP/1.1 304 Not Modified\r\n\r\n", false)]
    [InlineData("HTTP/1.1 302 Found\r\n\r\n", false)]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\n\r\n", false)]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", false)] // for ever
    [InlineData("HTTP/1.1 404 Not Found\r\n\r\n", false)]
    [InlineData("HTTP/1.1 503 Service Unavailable\r\n\r\n", false)]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n\r\n", false)]
    [InlineData("HTTP/1.1 20", false)]
    [InlineData("", false)]
    public async Task Only_statuses_from_200_to_299_count_as_success(string answer, bool healthy)
    {
        await using var service = TcpService.Start(async socket =>
        {
            await ReadHeadAsync(socket);
            await socket.SendAllAsync(Encoding.ASCII.GetBytes(answer));
        });
        Start(Config(service.Port, check => (check.Type, check.Path) = ("http", "/")));
        await _time.Sleeps.ReadAsync(TestContext.Current.CancellationToken).Soon();
        Assert.Equal(healthy, _changes.Reader.TryRead(out bool up) && up);
    }

    [Fact]
    public async Task The_request_has_the_path_the_headers_and_follows_redirects()
    {
        var requests = Channel.CreateUnbounded<string>();
        await using var service = TcpService.Start(async socket =>
        {
            string head = await ReadHeadAsync(socket);
            requests.Writer.TryWrite(head);
            await socket.SendAllAsync(Encoding.ASCII.GetBytes(head.StartsWith("GET /health?a=b%20c ", StringComparison.Ordinal) ? "HTTP/1.1 307 Temporary Redirect\r\nLocation: other\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\n"));
        });
        Start(Config(service.Port, check =>
        {
            (check.Type, check.Path) = ("http", "health?a=b c");
            check.HttpHeaders = [new NameValueConfig { Name = "host", Value = "health.test" }, new NameValueConfig { Name = "X-Probe", Value = "yes" }];
        }));
        Assert.True(await ChangeAsync());
        Assert.Equal("GET /health?a=b%20c HTTP/1.1\r\nHost: health.test\r\nConnection: close\r\nX-Probe: yes\r\n\r\n", await requests.Reader.ReadAsync(TestContext.Current.CancellationToken));
        Assert.Equal("GET /other HTTP/1.1\r\nHost: health.test\r\nConnection: close\r\nX-Probe: yes\r\n\r\n", await requests.Reader.ReadAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_service_that_does_not_answer_in_time_is_down()
    {
        var asked = Channel.CreateUnbounded<bool>();
        bool answers = true;
        await using var service = TcpService.Start(async socket =>
        {
            await ReadHeadAsync(socket);
            asked.Writer.TryWrite(true);
            if (Volatile.Read(ref answers)) await socket.SendAllAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray());
            else await socket.ReceiveToEndAsync();
        });
        Start(Config(service.Port, check => (check.Type, check.Path) = ("http", "/")));
        Assert.True(await ChangeAsync());
        Assert.True(await asked.Reader.ReadAsync(TestContext.Current.CancellationToken).Soon());
        Volatile.Write(ref answers, false);
        await _time.Sleeps.ReadAsync(TestContext.Current.CancellationToken).Soon();
        _time.Advance(TimeSpan.FromSeconds(10));
        await asked.Reader.ReadAsync(TestContext.Current.CancellationToken).Soon();
        _time.Advance(TimeSpan.FromSeconds(2.9));
        Assert.False(_changes.Reader.TryRead(out _));
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.False(await ChangeAsync());
        // Our end, too: the service sees that it is not asked any more.
        await Patience.UntilAsync(() => service.OpenCount == 0, () => "the check is still connected");
    }

    [Fact]
    public async Task A_proxy_is_registered_while_its_service_is_up_and_over_sessions()
    {
        int port = Ports.Next(), wakes = 0;
        var config = Config(port, check => check.Type = "tcp");
        var proxy = new ManagedProxy(config, new ClientConfig(), NullLogger.Instance, _time, () => _changes.Writer.TryWrite(++wakes > 0));
        _running = proxy.WatchHealthAsync(_stop.Token);
        proxy.Reset("run1");
        Assert.Null(proxy.Due());
        await using (TcpService.Echo(port))
        {
            await NextAttemptAsync();
            Assert.True(await ChangeAsync());
            Assert.IsType<NewProxy>(proxy.Due());
            Assert.Null(proxy.Due());
            proxy.Accept(new NewProxyResp { ProxyName = "p", RemoteAddr = ":1" });
            Assert.Equal(ProxyPhase.Running, proxy.Status.Phase);
            await _time.Sleeps.ReadAsync(TestContext.Current.CancellationToken).Soon();
        }
        _time.Advance(TimeSpan.FromSeconds(10));
        await ChangeAsync();
        Assert.Equal((ProxyPhase.CheckFailed, ""), (proxy.Status.Phase, proxy.Status.RemoteAddress));
        Assert.False(proxy.IsRunning);
        Assert.Equal(new CloseProxy { ProxyName = "p" }, proxy.Due());
        Assert.Null(proxy.Due());
        // Nothing is registered in a new session while the service is down.
        proxy.OnSessionLost();
        proxy.Reset("run2");
        Assert.Equal(ProxyPhase.CheckFailed, proxy.Status.Phase);
        Assert.Null(proxy.Due());
        await using (TcpService.Echo(port))
        {
            await NextAttemptAsync();
            await ChangeAsync();
            Assert.IsType<NewProxy>(proxy.Due());
            await _time.Sleeps.ReadAsync(TestContext.Current.CancellationToken).Soon();
        }
        // Down before the server has answered, and up again: the answer to the first registration does not count.
        _time.Advance(TimeSpan.FromSeconds(10));
        await ChangeAsync();
        await using (TcpService.Echo(port))
        {
            await NextAttemptAsync();
            await ChangeAsync();
            Assert.IsType<CloseProxy>(proxy.Due());
            Assert.IsType<NewProxy>(proxy.Due());
            proxy.Accept(new NewProxyResp { ProxyName = "p", RemoteAddr = ":1" });
            Assert.Equal(ProxyPhase.WaitStart, proxy.Status.Phase);
            proxy.Accept(new NewProxyResp { ProxyName = "p", Error = "port already used" });
            Assert.Equal(ProxyPhase.StartError, proxy.Status.Phase);
        }
    }

    [Fact]
    public void Without_a_type_or_a_port_there_is_no_check()
    {
        Assert.Null(HealthMonitor.For(Config(1, _ => { }), _time, () => NullLogger.Instance, _ => { }));
        Assert.Null(HealthMonitor.For(Config(0, check => check.Type = "tcp"), _time, () => NullLogger.Instance, _ => { }));
    }

    private static TcpProxyConfig Config(int port, Action<HealthCheckConfig> check)
    {
        var config = new TcpProxyConfig { Name = "p", Type = "tcp", LocalPort = port };
        check(config.HealthCheck);
        config.Complete();
        return config;
    }

    private void Start(ProxyConfig config)
    {
        var monitor = HealthMonitor.For(config, _time, () => NullLogger.Instance, up => _changes.Writer.TryWrite(up))!;
        _running = monitor.RunAsync(_stop.Token);
    }

    /// <summary>Waits until an attempt is over, and lets the pause behind it pass; the next attempt runs to its end.</summary>
    private async Task NextAttemptAsync()
    {
        await _time.Sleeps.ReadAsync(TestContext.Current.CancellationToken).Soon();
        _time.Advance(TimeSpan.FromSeconds(10));
        bool next = await _time.Sleeps.WaitToReadAsync(TestContext.Current.CancellationToken).Soon();
        Assert.True(next);
    }

    private Task<bool> ChangeAsync() => _changes.Reader.ReadAsync(TestContext.Current.CancellationToken).Soon();

    private static async Task<string> ReadHeadAsync(Socket socket)
    {
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal)) head.Append(Encoding.ASCII.GetString(await socket.ReceiveExactlyAsync(1)));
        return head.ToString();
    }

    /// <summary>Tells when somebody begins to sleep for the pause between two attempts.</summary>
    private sealed class SleeperTime : FakeTimeProvider
    {
        private readonly Channel<bool> _sleeps = Channel.CreateUnbounded<bool>();

        internal ChannelReader<bool> Sleeps => _sleeps.Reader;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            if (dueTime == TimeSpan.FromSeconds(10)) _sleeps.Writer.TryWrite(true);
            return timer;
        }
    }
}
