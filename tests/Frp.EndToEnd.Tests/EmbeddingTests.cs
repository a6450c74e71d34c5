using System.Net;
using System.Text;
using Frp.Client;
using Frp.Config;
using Frp.Proxies;
using Frp.Server;
using Frp.TestKit;
using Microsoft.Extensions.Logging;

namespace Frp.EndToEnd.Tests;

/// <summary>Server and client as libraries: several of each in one process, with nothing global between them.</summary>
public sealed class EmbeddingTests
{
    [Fact]
    public async Task Servers_and_clients_share_a_process()
    {
        await using var echo = TcpService.Echo();
        var logs = Enumerable.Range(0, 5).Select(_ => new Loggers()).ToArray();
        int[] ports = [Ports.Next(), Ports.Next(), Ports.Next()];
        await using var first = Server(logs[0]);
        await using var second = Server(logs[1]);
        await first.StartAsync(TestContext.Current.CancellationToken);
        await second.StartAsync(TestContext.Current.CancellationToken);
        await using var one = Client(first, echo, "one", ports[0], logs[2]);
        await using var two = Client(first, echo, "two", ports[1], logs[3]);
        await using var three = Client(second, echo, "three", ports[2], logs[4]);
        foreach (var (client, name) in new[] { (one, "one"), (two, "two"), (three, "three") })
        {
            await client.StartAsync(TestContext.Current.CancellationToken);
            using var patience = new CancellationTokenSource(Patience.Limit);
            await client.WaitUntilRunningAsync(name, patience.Token);
            Assert.Equal(ProxyPhase.Running, Assert.Single(client.Proxies).Phase);
        }
        foreach (int port in ports) await User.EchoOnceAsync(port, 100_000);
        Assert.Equal((2, 1), (first.SessionCount, second.SessionCount));

        // Each has its own log.
        Assert.Equal(2, logs[0].Text.Count("] type [tcp] success"));
        Assert.Equal(1, logs[1].Text.Count("new proxy [three] type [tcp] success"));
        foreach (var log in logs[2..]) Assert.Equal(1, log.Text.Count("start proxy success"));

        // One server stops; the other one's tunnel does not notice.
        using var user = await User.ConnectAsync(ports[2]);
        await first.StopAsync(TimeSpan.Zero).Soon();
        Assert.Equal(0, first.SessionCount);
        await user.EchoAsync();
        Assert.False(await Ports.AnswersAsync(ports[0]));

        // Clients stop, in whatever state they are, and everything is back.
        user.CompleteWrites();
        await user.ReceiveToEndAsync();
        foreach (var client in new[] { one, two, three })
        {
            await client.StopAsync(Patience.Limit).Soon();
            await client.Completion.Soon();
            Assert.Equal(0, client.UserCount);
        }
        await UntilClosedAsync(ports[2]);
        await second.StopAsync(Patience.Limit).Soon();
        Assert.Equal((0, 0, 0), (second.SessionCount, second.UserCount, second.CarrierCount));
        Assert.All(logs, log => Assert.Equal(0, log.Text.Count("fault in")));
    }

    [Fact]
    public async Task A_server_that_cannot_start_leaves_nothing_behind()
    {
        int port = Ports.Next();
        var config = ConfigLoader.LoadServer(Encoding.UTF8.GetBytes($"bindAddr = '127.0.0.1'\nbindPort = {port}"), "server").Config;
        await using (var service = TcpService.Echo(port))
        {
            await using var server = new FrpServer(config, new Loggers());
            await Assert.ThrowsAsync<IOException>(() => server.StartAsync(TestContext.Current.CancellationToken));
        }
        await Ports.UntilFreeAsync(port);
        await using var again = new FrpServer(config, new Loggers());
        await again.StartAsync(TestContext.Current.CancellationToken);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, port), again.LocalEndPoint);
    }

    [Fact]
    public async Task A_first_login_that_fails_is_an_exception_for_its_owner()
    {
        var config = ConfigLoader.LoadClient(Encoding.UTF8.GetBytes($"serverAddr = '127.0.0.1'\nserverPort = {Ports.Next()}"), "client", ProxyKinds.Catalog).Config;
        await using var client = new FrpClient(config, new Loggers());
        await client.StartAsync(TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<LoginFailedException>(() => client.Completion.Soon());
    }

    [Fact]
    public async Task The_program_around_a_server_takes_part_in_what_it_does()
    {
        await using var echo = TcpService.Echo();
        var (hook, logs, port) = (new Bouncer { Port = Ports.Next() }, new Loggers(), Ports.Next());
        await using var server = Server(logs, hook);
        await server.StartAsync(TestContext.Current.CancellationToken);
        await using var client = Client(server, echo, "moved", port, logs);
        await client.StartAsync(TestContext.Current.CancellationToken);
        using var patience = new CancellationTokenSource(Patience.Limit);
        await client.WaitUntilRunningAsync("moved", patience.Token);
        await User.EchoOnceAsync(hook.Port);

        hook.LetsUsersIn = false;
        using (var refused = await User.ConnectAsync(hook.Port)) Assert.Empty(await refused.ReceiveToEndAsync());
        await logs.Text.WaitForAsync("was rejected: closed for today");
        hook.Fails = true;
        using (var refused = await User.ConnectAsync(hook.Port)) Assert.Empty(await refused.ReceiveToEndAsync());
        await logs.Text.WaitForAsync("fault in plugin [bouncer], asked about NewUserConn");
        await logs.Text.WaitForAsync("was rejected: send NewUserConn request to plugin error");

        await client.StopAsync(TimeSpan.Zero).Soon();
        Assert.Equal("moved", await hook.Closed.Task.Soon());
        Assert.Equal([ServerOperations.Login, ServerOperations.NewProxy, ServerOperations.NewUserConn, ServerOperations.CloseProxy], hook.Heard.Distinct());
    }

    [Theory]
    [InlineData(-1)] // with these the reference ends at the first user
    [InlineData(-11)] // and with these at the login
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    public async Task A_pool_that_cannot_be_does_no_harm(int poolCount)
    {
        await using var echo = TcpService.Echo();
        var (logs, port) = (new Loggers(), Ports.Next());
        await using var server = Server(logs, new Pools { Count = poolCount });
        await server.StartAsync(TestContext.Current.CancellationToken);
        await using var client = Client(server, echo, "pooled", port, logs);
        await client.StartAsync(TestContext.Current.CancellationToken);
        using var patience = new CancellationTokenSource(Patience.Limit);
        await client.WaitUntilRunningAsync("pooled", patience.Token);
        for (int i = 0; i < 3; i++) await User.EchoOnceAsync(port);
        Assert.Equal(1, server.SessionCount);
        Assert.Equal(0, logs.Text.Count("fault in"));
    }

    private static FrpServer Server(ILoggerFactory loggers, params IServerHook[] hooks) =>
        new(ConfigLoader.LoadServer(Encoding.UTF8.GetBytes($"bindAddr = '127.0.0.1'\nbindPort = {Ports.Next()}"), "server").Config, loggers, program: new ServerProgram { Hooks = hooks });

    private static FrpClient Client(FrpServer server, TcpService service, string name, int remotePort, ILoggerFactory loggers) => new(
        ConfigLoader.LoadClient(
            Encoding.UTF8.GetBytes($"serverAddr = '127.0.0.1'\nserverPort = {server.LocalEndPoint!.Port}\n{new Proxy(name, service.Port, remotePort)}"), "client", ProxyKinds.Catalog).Config,
        loggers);

    private static async Task UntilClosedAsync(int port) => await Patience.UntilAsync(async () => !await Ports.AnswersAsync(port), () => $"port {port} is still open");

    /// <summary>A hook that gives every proxy the same port, and stands at the door.</summary>
    private sealed class Bouncer : IServerHook
    {
        internal required int Port { get; init; }

        internal bool LetsUsersIn { get; set; } = true;

        internal bool Fails { get; set; }

        internal System.Collections.Concurrent.ConcurrentQueue<ServerOperations> Heard { get; } = [];

        internal TaskCompletionSource<string> Closed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Name => "bouncer";

        public ServerOperations Operations => ServerOperations.Login | ServerOperations.NewProxy | ServerOperations.NewUserConn | ServerOperations.CloseProxy;

        public ValueTask OnEventAsync(ServerEvent serverEvent, CancellationToken cancellationToken)
        {
            Heard.Enqueue(serverEvent.Operation);
            switch (serverEvent)
            {
                case NewProxyEvent proxy:
                    proxy.Proxy = proxy.Proxy with { RemotePort = Port };
                    break;
                case NewUserConnEvent when Fails: throw new InvalidOperationException("the bouncer has fallen over");
                case NewUserConnEvent when !LetsUsersIn: throw new PeerRefusedException("closed for today");
                case CloseProxyEvent closed:
                    Closed.TrySetResult(closed.ProxyName);
                    break;
            }
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Makes clients ask for so many work connections in stock, whatever they have asked for.</summary>
    private sealed class Pools : IServerHook
    {
        internal required int Count { get; init; }

        public string Name => "pools";

        public ServerOperations Operations => ServerOperations.Login;

        public ValueTask OnEventAsync(ServerEvent serverEvent, CancellationToken cancellationToken)
        {
            ((LoginEvent)serverEvent).Login.PoolCount = Count;
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Loggers that keep what they are told.</summary>
    private sealed class Loggers : ILoggerFactory, ILogger
    {
        internal CapturedText Text { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose() { }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Text.Append($"{logLevel} {formatter(state, exception)} {exception}\n");
    }
}
