using System.Security.Cryptography;
using Frp.TestKit;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Proxies.Tests;

/// <summary>Both client halves of xtcp in this process, with a broker that is played by hand.</summary>
public sealed class XtcpTests : IAsyncDisposable
{
    private const string Sid = "sid";

    private readonly StunServer _stun = new();
    private readonly TcpService _echo = TcpService.Echo();
    private readonly List<IAsyncDisposable> _rest = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly FakeTimeProvider _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var rest in _rest) await rest.DisposeAsync();
        await _stun.DisposeAsync();
        await _echo.DisposeAsync();
        _stop.Dispose();
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task Visitor_and_proxy_meet_and_users_share_the_tunnel(bool layers, bool proxySends)
    {
        var (_, visiting, visitor) = NewVisitor(TimeProvider.System, c => (c.Transport.UseEncryption, c.Transport.UseCompression) = (layers, layers));
        var (proxying, _, proxy) = NewProxy(c => (c.Transport.UseEncryption, c.Transport.UseCompression) = (layers, layers));
        var first = await ServeAsync(visitor);
        var (serving, _) = await MeetAsync(visiting, proxying, proxy, proxySends);
        await EchoAsync(first, 300_000);
        Assert.Equal(new NatHoleReport { Sid = Sid, Success = true }, await proxying.ReportAsync());
        for (int i = 0; i < 5; i++)
        {
            await using var next = await ServeAsync(visitor);
            await EchoAsync(next, 1000);
        }
        Assert.Equal((2, 1), (visiting.Count, proxying.Count));
        Assert.False(serving.IsCompleted);

        // Withdrawn: nobody comes in any more, and the work is over when the last one has left.
        proxy.Withdraw();
        await EchoAsync(first, 10_000);
        Assert.False(serving.IsCompleted);
        await first.DisposeAsync();
        await serving.Soon();
    }

    [Fact]
    public async Task A_request_proves_the_secret_and_names_addresses()
    {
        var (_, broker, visitor) = NewVisitor(TimeProvider.System, c => c.NatTraversal = null);
        await ServeAsync(visitor);
        var (question, answer) = await broker.AdmitAsync();
        Assert.Equal(("direct", "kcp", 17, AuthKey.Compute("key", 17)), (question.ProxyName, question.Protocol, question.Timestamp, question.SignKey));
        Assert.Equal(2, question.MappedAddrs.Count);
        string port = question.MappedAddrs[0].Split(':')[1];
        Assert.Equal(NatDiscovery.OwnAddresses().Select(a => $"{a}:{port}"), question.AssistedAddrs);
        answer.SetException(new PeerRefusedException("no"));
    }

    [Fact]
    public async Task Attempts_begin_ten_seconds_apart_for_all_who_wait()
    {
        var (host, broker, visitor) = NewVisitor(_clock);
        broker.Refusal = new PeerRefusedException("no such proxy");
        await using var first = await ServeAsync(visitor);
        await host.Log.Text.WaitForAsync("no tunnel: no such proxy"); // and the user waits for the next attempt, as long as there can be one
        await using var second = await ServeAsync(visitor);
        await host.Log.Text.WaitForAsync("get a new xtcp user connection", 2);
        Assert.Equal(1, broker.Count);
        // Each waits for the time of the next attempt; with the second, neither can be helped within his 20 seconds.
        while (broker.Count < 2)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await host.Log.Text.WaitForAsync("open tunnel error: no such proxy", 2);
        await EndAsync(first);
        await EndAsync(second);
        Assert.Equal(2, broker.Count);
    }

    [Fact]
    public async Task Who_cannot_be_helped_in_time_goes_elsewhere_at_once()
    {
        var (host, broker, visitor) = NewVisitor(_clock, c => c.FallbackTo = "other");
        (host.Other, broker.Refusal) = ("other", new PeerRefusedException("no such proxy"));
        visitor.Serve((await NewUserAsync()).Theirs);
        var (name, user) = await host.HandedOver.Task.Soon(); // the clock stands still
        Assert.Equal("other", name);
        visitor.Serve(user);
        await host.Log.Text.WaitForAsync("fallbackTo: a user came back by visitor [other]");
    }

    [Fact]
    public async Task A_visitor_that_is_not_there_is_no_help()
    {
        var (host, broker, visitor) = NewVisitor(_clock, c => c.FallbackTo = "nobody");
        broker.Refusal = new IOException("there is no session with the server");
        await using var user = await ServeAsync(visitor);
        await EndAsync(user);
        await host.Log.Text.WaitForAsync("fallbackTo: there is no visitor [nobody] that takes streams");
    }

    [Fact]
    public async Task An_attempt_goes_on_without_the_user_who_has_gone_elsewhere()
    {
        var (host, broker, visitor) = NewVisitor(TimeProvider.System, c => (c.FallbackTo, c.FallbackTimeoutMs) = ("other", 1));
        host.Other = "other";
        visitor.Serve((await NewUserAsync()).Theirs);
        await using var gone = (await host.HandedOver.Task.Soon()).User;
        var (proxying, _, proxy) = NewProxy();
        await MeetAsync(broker, proxying, proxy, proxySends: true);
        await host.Log.Text.WaitForAsync("the tunnel is open: [kcp]");
        await EchoAsync(await ServeAsync(visitor), 1000);
    }

    [Fact]
    public async Task A_tunnel_that_is_kept_open_is_tried_for_so_often_an_hour()
    {
        var (_, broker, visitor) = NewVisitor(_clock, c => (c.KeepTunnelOpen, c.MinRetryIntervalSeconds, c.MaxRetriesAnHour) = (true, 60, 3));
        broker.Refusal = new PeerRefusedException("no such proxy");
        var running = visitor.RunAsync(_stop.Token);
        var begin = _clock.GetUtcNow();
        while (broker.Count < 3)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.True(_clock.GetUtcNow() - begin >= TimeSpan.FromMinutes(2));
        begin = _clock.GetUtcNow();
        while (broker.Count < 4)
        {
            _clock.Advance(TimeSpan.FromSeconds(30));
            await Task.Yield();
        }
        Assert.True(_clock.GetUtcNow() - begin >= TimeSpan.FromMinutes(57));
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.Soon());
    }

    [Fact]
    public async Task A_door_that_closes_ends_attempts_and_lets_users_finish()
    {
        var (host, broker, visitor) = NewVisitor(TimeProvider.System);
        using var door = new CancellationTokenSource();
        var running = visitor.RunAsync(door.Token);
        await host.Opened.Task.Soon();
        await using var user = await ServeAsync(visitor);
        var (proxying, _, proxy) = NewProxy();
        await MeetAsync(broker, proxying, proxy, proxySends: false);
        await EchoAsync(user, 1000);
        await door.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.Soon());
        await EchoAsync(user, 1000);
        await user.DisposeAsync();
        await host.Users.WaitForIdleAsync(Token).Soon(); // the tunnel, too
    }

    [Fact]
    public async Task A_protocol_that_is_not_served_is_reported_as_a_failure()
    {
        var (broker, host, proxy) = NewProxy();
        var serving = await BringSidAsync(proxy);
        var (question, answer) = await broker.AskedAsync<NatHoleClient>();
        Assert.Equal((Sid, "direct", 2, 0), (question.Sid, question.ProxyName, question.MappedAddrs.Count, question.AssistedAddrs.Count));
        answer.SetResult(new NatHoleResp { Sid = Sid, Protocol = "quic", CandidateAddrs = ["127.0.0.1:9"] });
        Assert.Equal(new NatHoleReport { Sid = Sid }, await broker.ReportAsync());
        await serving.Soon();
        await host.Log.Text.WaitForAsync("no tunnel for a visitor: the visitor wants a tunnel of protocol [quic], which this release of the client does not support yet");
    }

    [Fact]
    public async Task A_peer_that_does_not_come_is_reported_as_a_failure()
    {
        var (broker, host, proxy) = NewProxy();
        var serving = await BringSidAsync(proxy);
        var (_, answer) = await broker.AskedAsync<NatHoleClient>();
        answer.SetResult(new NatHoleResp { Sid = Sid, Protocol = "kcp", CandidateAddrs = ["127.0.0.1:9"], DetectBehavior = new DetectBehavior { Role = "sender", ReadTimeoutMs = 1 } });
        Assert.Equal(new NatHoleReport { Sid = Sid }, await broker.ReportAsync());
        await serving.Soon();
        await host.Log.Text.WaitForAsync("no tunnel for a visitor: no packet of the peer within 0.001 s");
    }

    [Fact]
    public async Task A_proxy_that_is_withdrawn_gives_its_attempts_up()
    {
        var (broker, _, proxy) = NewProxy();
        var serving = await BringSidAsync(proxy);
        await broker.AskedAsync<NatHoleClient>();
        proxy.Withdraw();
        proxy.Withdraw();
        await serving.Soon();
    }

    [Fact]
    public async Task What_is_no_attempt_is_none()
    {
        var (broker, host, proxy) = NewProxy();
        var (server, work) = await Connections.PairAsync();
        var serving = proxy.ServeAsync(work, new StartWorkConn(), RelayEnd.CloseBoth, Token);
        await using (var messages = new MessageStream(server.Stream, V1Codec.Instance)) await messages.WriteAsync(new Ping(), Token);
        await serving.Soon();
        await host.Log.Text.WaitForAsync("no tunnel for a visitor: Ping where NatHoleSid was expected");
        Assert.Equal(0, broker.Count);
    }

    private static async Task<Task> BringSidAsync(XtcpClientProxy proxy)
    {
        var (server, work) = await Connections.PairAsync();
        var serving = proxy.ServeAsync(work, new StartWorkConn(), RelayEnd.CloseBoth, Token);
        await using (var messages = new MessageStream(server.Stream, V1Codec.Instance)) await messages.WriteAsync(new NatHoleSid { Sid = Sid }, Token);
        await server.DisposeAsync();
        return serving;
    }

    /// <summary>Brings the two sides together, as a broker does.</summary>
    private static async Task<(Task Serving, NatHoleVisitor Question)> MeetAsync(PlayedBroker visiting, PlayedBroker proxying, XtcpClientProxy proxy, bool proxySends)
    {
        var (asked, toVisitor) = await visiting.AdmitAsync();
        var serving = await BringSidAsync(proxy);
        var (told, toProxy) = await proxying.AskedAsync<NatHoleClient>();
        toVisitor.SetResult(Answer(told.MappedAddrs, proxySends ? "receiver" : "sender"));
        toProxy.SetResult(Answer(asked.MappedAddrs, proxySends ? "sender" : "receiver"));
        return (serving, asked);

        static NatHoleResp Answer(List<string> peer, string role) => new()
        {
            TransactionId = "t",
            Sid = Sid,
            Protocol = "kcp",
            CandidateAddrs = peer,
            DetectBehavior = new DetectBehavior { Role = role, ReadTimeoutMs = (int)TimeSpan.FromSeconds(45).TotalMilliseconds },
        };
    }

    private (PlayedClient Host, PlayedBroker Broker, XtcpVisitor Visitor) NewVisitor(TimeProvider time, Action<XtcpVisitorConfig>? more = null)
    {
        var config = new XtcpVisitorConfig { Name = "door", ServerName = "direct", SecretKey = "key", BindPort = -1, NatTraversal = new NatTraversalConfig { DisableAssistedAddrs = true } };
        more?.Invoke(config);
        config.Complete();
        var broker = new PlayedBroker(_stun.Port);
        var host = new PlayedClient(broker, time);
        _rest.Add(host);
        return (host, broker, new XtcpVisitor(config, host, new VisitorTunnel(config, host, PeerTunnels.Find("kcp")!)));
    }

    private (PlayedBroker Broker, PlayedClient Host, XtcpClientProxy Proxy) NewProxy(Action<XtcpProxyConfig>? more = null)
    {
        var config = new XtcpProxyConfig { Name = "direct", SecretKey = "key", LocalPort = _echo.Port, NatTraversal = new NatTraversalConfig { DisableAssistedAddrs = true } };
        more?.Invoke(config);
        config.Complete();
        var broker = new PlayedBroker(_stun.Port);
        var host = new PlayedClient(broker, TimeProvider.System) { ServicePort = _echo.Port };
        var proxy = Assert.IsType<XtcpClientProxy>(XtcpProxy.Kind.CreateClient(config, host));
        Assert.True(proxy.TakesRawWork);
        _rest.Add(host);
        _rest.Add(proxy);
        return (broker, host, proxy);
    }

    private static async Task<(Connection Mine, Connection Theirs)> NewUserAsync() => await Connections.PairAsync();

    private static async Task<Connection> ServeAsync(XtcpVisitor visitor)
    {
        var (mine, theirs) = await NewUserAsync();
        visitor.Serve(theirs);
        return mine;
    }

    private static async Task EchoAsync(Connection user, int length)
    {
        byte[] data = RandomNumberGenerator.GetBytes(length), back = new byte[length];
        var sending = user.Stream.WriteAsync(data, Token).AsTask();
        await user.Stream.ReadExactlyAsync(back, Token).Soon();
        await sending.Soon();
        Assert.Equal(data, back);
    }

    private static async Task EndAsync(Connection user)
    {
        try
        {
            Assert.Equal(0, await user.Stream.ReadAsync(new byte[1], Token).Soon());
        }
        catch (IOException)
        {
            // A reset is an end too.
        }
    }
}
