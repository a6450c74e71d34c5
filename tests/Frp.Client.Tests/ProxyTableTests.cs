using System.Text;
using Frp.Config;
using Frp.Proxies;
using Frp.TestKit;
using Frp.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Client.Tests;

/// <summary>What the server is told when the table of proxies changes, with sessions that are played by hand.</summary>
public sealed class ProxyTableTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Wakening _wakening = new();
    private readonly Sayings _log = new();
    private ProxyTable? _table;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_table is not null) await _table.DisposeAsync().AsTask().Soon();
        _stop.Dispose();
    }

    [Fact]
    public void What_stays_the_same_is_the_same_object_and_nobody_is_told()
    {
        var table = Table("a:1 b:2");
        Begin(table);
        var (a, b) = (table.FindByName("a"), table.FindByName("b"));
        for (int i = 0; i < 100; i++) table.Apply(Proxies("b:2 a:1"));
        Assert.Same(a, table.FindByName("a"));
        Assert.Same(b, table.FindByName("b"));
        Assert.Equal("", Due(table));
        Assert.Equal(ProxyPhase.Running, a!.Status.Phase);
        Assert.Equal((1, 0), (_log.Text.Count("proxy added"), _log.Text.Count("proxy removed")));
    }

    [Theory]
    [InlineData("", "enabled = true")]
    [InlineData("enabled = true", "")]
    [InlineData("", "localIP = '127.0.0.1'\nlocalPort = 0\nmetadatas = {}\nloadBalancer.group = ''\ntransport.bandwidthLimitMode = 'client'\ntransport.useCompression = false")]
    [InlineData("transport.bandwidthLimit = '1MB'", "transport.bandwidthLimit = '1024KB'")]
    [InlineData("transport.bandwidthLimit = '0KB'", "")]
    [InlineData("healthCheck.type = 'http'\nhealthCheck.path = '/'\nlocalPort = 1", "healthCheck.type = 'http'\nhealthCheck.path = '/'\nlocalPort = 1\nhealthCheck.maxFailed = 1\nhealthCheck.timeoutSeconds = 3")]
    public void What_has_the_same_effect_is_the_same_however_it_is_written(string one, string other)
    {
        var table = Table("a:1", one);
        Begin(table);
        var proxy = table.FindByName("a");
        table.Apply(Proxies("a:1", other));
        Assert.Same(proxy, table.FindByName("a"));
        Assert.Equal("", Due(table));
    }

    [Fact]
    public async Task The_end_of_a_proxy_is_told_before_its_successor_is_registered()
    {
        var table = Table("a:1 b:2 c:3");
        Begin(table);
        var woken = _wakening.NextAsync(CancellationToken.None);
        var old = table.FindByName("b")!;
        table.Apply(Proxies("a:1 b:20 d:4"));
        await woken.Soon();
        Assert.Equal("-b -c +b +d", Due(table));
        Assert.Equal("", Due(table));
        Assert.Equal(ProxyPhase.Closed, old.Status.Phase);
        Assert.Null(table.FindByName("c"));
        Answer(table, "b");
        Assert.Equal(ProxyPhase.Running, table.FindByName("b")!.Status.Phase);
        Assert.Equal(ProxyPhase.Closed, old.Status.Phase);
        Assert.Contains("[run-1] proxy removed: [b c]\n[run-1] proxy added: [b d]\n", _log.Text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_answer_to_a_registration_that_is_gone_is_not_its_successors()
    {
        var table = Table("a:1");
        table.OnSession("run-1");
        Assert.Equal("+a", Due(table));
        table.Apply(Proxies("a:2"));
        Assert.Equal("-a +a", Due(table));
        Answer(table, "a", "port already used");
        Assert.Equal(ProxyPhase.WaitStart, table.FindByName("a")!.Status.Phase);
        Answer(table, "a");
        Assert.Equal(ProxyPhase.Running, table.FindByName("a")!.Status.Phase);
    }

    [Fact]
    public void Nor_is_it_when_the_name_was_away_for_a_while()
    {
        var table = Table("a:1");
        table.OnSession("run-1");
        Assert.Equal("+a", Due(table));
        table.Apply([]);
        Assert.Equal("-a", Due(table));
        table.Apply(Proxies("a:2"));
        table.Apply([]);
        table.Apply(Proxies("a:3"));
        Assert.Equal("+a", Due(table));
        Answer(table, "a", "port already used");
        Answer(table, "a");
        Assert.Equal((ProxyPhase.Running, ""), (table.FindByName("a")!.Status.Phase, table.FindByName("a")!.Status.Error));
    }

    [Fact]
    public void An_answer_that_comes_while_the_name_is_away_is_done_with()
    {
        var table = Table("a:1");
        table.OnSession("run-1");
        Due(table);
        table.Apply([]);
        Due(table);
        Answer(table, "a");
        Answer(table, "nobody");
        table.Apply(Proxies("a:2"));
        Due(table);
        Answer(table, "a");
        Assert.Equal(ProxyPhase.Running, table.FindByName("a")!.Status.Phase);
    }

    [Fact]
    public void A_refused_proxy_that_is_changed_is_tried_at_once()
    {
        var table = Table("a:1");
        table.OnSession("run-1");
        Due(table);
        Answer(table, "a", "port already used");
        Assert.Equal("", Due(table));
        table.Apply(Proxies("a:2"));
        Assert.Equal("-a +a", Due(table));
        table.Apply(Proxies("a:2"));
        Assert.Equal("", Due(table));
        _time.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal("+a", Due(table));
    }

    [Fact]
    public void Changes_between_sessions_are_for_the_next_one()
    {
        var table = Table("a:1 b:2");
        table.Apply(Proxies("a:1 b:3"));
        Assert.Equal("proxy removed: [b]\n", _log.Text.ToString());
        Assert.False(table.HasSession);
        table.OnSession("run-1");
        Assert.Equal("+a +b", Due(table));
        table.OnSessionLost();
        table.Apply(Proxies("b:3 c:4"));
        Assert.False(table.HasSession);
        table.OnSession("run-2");
        Assert.True(table.HasSession);
        Assert.Equal("+b +c", Due(table));
        Assert.Contains("[run-2] proxy added: [b c]", _log.Text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_lost_session_was_not_told_does_not_reach_the_next_one()
    {
        var table = Table("a:1 b:2");
        table.OnSession("run-1");
        Due(table);
        table.Apply(Proxies("a:9"));
        table.OnSessionLost();
        table.OnSession("run-2");
        Assert.Equal("+a", Due(table));
        Answer(table, "a");
        Assert.Equal(ProxyPhase.Running, table.FindByName("a")!.Status.Phase);
    }

    [Fact]
    public void Stopping_takes_everything_away_and_lets_nothing_in()
    {
        var table = Table("a:1 b:2");
        Begin(table);
        table.Apply(Proxies("a:1"));
        Assert.Equal("-b -a", Shown(table.Withdraw()));
        Assert.Equal("", Shown(table.Withdraw()));
        Assert.Throws<IOException>(() => table.Apply(Proxies("a:1 c:3")));
        Assert.Null(table.FindByName("c"));
        Assert.Equal("", Due(table));
        table.OnSession("run-2");
        Assert.Equal(("", ProxyPhase.Closed), (Due(table), table.FindByName("a")!.Status.Phase));
    }

    [Fact]
    public async Task Whoever_waits_for_a_proxy_that_is_closed_is_told()
    {
        var table = Table("a:1");
        var waiting = table.FindByName("a")!.WaitUntilRunningAsync(CancellationToken.None);
        table.Apply([]);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Soon());
    }

    [Fact]
    public async Task The_service_of_a_closed_proxy_is_watched_no_more()
    {
        var asked = new SemaphoreSlim(0);
        await using var service = TcpService.Start(socket =>
        {
            asked.Release();
            return socket.ReceiveToEndAsync();
        });
        string check = $"healthCheck.type = 'tcp'\nlocalPort = {service.Port}";
        var table = Table("a:1", check);
        table.OnSession("run-1");
        Assert.Equal("", Due(table));
        table.WatchHealth();
        await asked.WaitAsync(Patience.Limit, TestContext.Current.CancellationToken);
        await _log.Text.WaitForAsync("[a] health check success");
        Assert.Equal("+a", Due(table));
        // Its successor is watched from the beginning, and waits for its first success.
        table.Apply(Proxies("a:2", check));
        Assert.Equal("-a", Due(table).Replace(" +a", "", StringComparison.Ordinal));
        await _log.Text.WaitForAsync("[a] health check success", 2);
        Due(table);
        table.Apply([]);
        await Patience.UntilAsync(() => service.OpenCount == 0, () => "a check is still connected");
        Assert.Equal("-a", Due(table));
    }

    private ProxyTable Table(string proxies, string more = "")
    {
        var client = Load(proxies, more);
        return _table = new ProxyTable(client, _log, _time, _wakening, _stop.Token);
    }

    private static List<ProxyConfig> Proxies(string proxies, string more = "") => Load(proxies, more).Proxies;

    private static ClientConfig Load(string proxies, string more) => ConfigLoader.LoadClient(
        Encoding.UTF8.GetBytes(string.Concat(proxies.Split(' ').Select(p => p.Split(':')).Select(p => $"[[proxies]]\nname = '{p[0]}'\ntype = 'tcp'\nremotePort = {p[1]}\n{more}\n"))),
        "client", ProxyKinds.Catalog).Config;

    private static void Begin(ProxyTable table)
    {
        table.OnSession("run-1");
        foreach (var message in table.Due().ToList()) Answer(table, ((NewProxy)message).ProxyName);
    }

    private static void Answer(ProxyTable table, string name, string error = "") => table.OnAnswer(new NewProxyResp { ProxyName = name, RemoteAddr = ":1", Error = error });

    private static string Due(ProxyTable table) => Shown(table.Due());

    private static string Shown(IEnumerable<Message> messages) => string.Join(' ', messages.Select(m => m is CloseProxy end ? $"-{end.ProxyName}" : $"+{((NewProxy)m).ProxyName}"));

    private sealed class Sayings : ILogger
    {
        internal CapturedText Text { get; } = new();

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Text.Append($"{formatter(state, exception)}\n");
    }
}
