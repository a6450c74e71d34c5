using System.Globalization;
using System.Text;
using Frp.Client;
using Frp.Config;
using Frp.Proxies;
using Frp.Server;
using Frp.TestKit;
using Microsoft.Extensions.Logging;

namespace Frp.EndToEnd.Tests;

/// <summary>
/// Reloads of a client that is being used. Server and client are in this process, so that the load is on them. Nothing beside it: other tests
/// start programs, and such a one holds a copy of every listener of this process until it runs, so that a port that is closed stays taken.
/// </summary>
[CollectionDefinition(nameof(ReloadTests), DisableParallelization = true)]
[Collection(nameof(ReloadTests))]
public sealed class ReloadTests : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("frp-reload-");
    private readonly TcpService _echo = TcpService.Echo();
    private readonly Sayings _log = new();
    private readonly int _port = Ports.Next();
    private FrpServer? _server;
    private FrpClient? _client;

    private string File => Path.Combine(_folder.FullName, "frpc.toml");

    public async ValueTask DisposeAsync()
    {
        if (_client is not null) await _client.DisposeAsync().AsTask().Soon();
        if (_server is not null) await _server.DisposeAsync().AsTask().Soon();
        await _echo.DisposeAsync();
        _folder.Delete(recursive: true);
        Assert.Equal(0, _log.Text.Count("fault in"));
    }

    [Fact]
    public async Task Two_hundred_connections_notice_nothing_of_a_hundred_reloads()
    {
        const int ProxyCount = 50, UsersEach = 4, Reloads = 100;
        int first = Ports.NextRange(ProxyCount);
        Proxy[] Wanted(int version) => [.. Enumerable.Range(0, ProxyCount).Select(i =>
            new Proxy(Name(i), _echo.Port, first + i, i % 2 == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"metadatas.version = '{version}'")))];
        await StartAsync(Wanted(0));
        for (int i = 0; i < ProxyCount; i++) await RunningAsync(Name(i));

        var (users, over) = (new List<User>(), new CancellationTokenSource());
        try
        {
            for (int i = 0; i < ProxyCount * UsersEach; i++) users.Add(await User.ConnectAsync(first + i % ProxyCount));
            // Those whose proxy is about to change have to be served before it does; the others may come at any time.
            for (int i = 1; i < users.Count; i += 2) await users[i].EchoAsync();
            var busy = users.Select(async user =>
            {
                long echoed = 0;
                for (; !over.IsCancellationRequested; echoed += 8192) await user.EchoAsync(8192);
                return echoed;
            }).ToList();
            for (int version = 1; version <= Reloads; version++)
            {
                Write(Wanted(version));
                await _client!.ReloadAsync().Soon();
            }
            await over.CancelAsync();
            Assert.All(await Task.WhenAll(busy).Soon(), echoed => Assert.True(echoed > 0)); // each byte has been compared
            // Those whose proxy was changed under them a hundred times are connected as well: closing a proxy cuts nobody.
            foreach (var user in users) await user.EchoAsync();
        }
        finally
        {
            foreach (var user in users) user.Dispose();
            over.Dispose();
        }
        for (int i = 0; i < ProxyCount; i++)
        {
            await RunningAsync(Name(i));
            if (i % 2 == 0) Assert.Equal(1, _log.Text.Count($"[{Name(i)}] start proxy success"));
            await User.EchoOnceAsync(first + i);
        }
        Assert.Equal(Reloads, _log.Text.Count("success reload conf"));
        Assert.DoesNotContain(" error: ", _log.Text.ToString(), StringComparison.Ordinal);
        await Patience.UntilAsync(() => _client!.UserCount == 0, () => $"{_client!.UserCount} users are left");
    }

    [Fact]
    public async Task A_proxy_that_is_wanted_no_more_takes_nobody_in_and_lets_its_users_finish()
    {
        Proxy gone = new("gone", _echo.Port, Ports.Next()), kept = new("kept", _echo.Port, Ports.Next()), late = new("late", _echo.Port, Ports.Next());
        await StartAsync(gone, kept);
        await RunningAsync("gone");
        using var user = await User.ConnectAsync(gone.RemotePort);
        await user.EchoAsync();
        Write(kept, late);
        await _client!.ReloadAsync().Soon();
        await RunningAsync("late");
        await User.EchoOnceAsync(late.RemotePort);
        await Patience.UntilAsync(async () => !await Ports.AnswersAsync(gone.RemotePort), () => "the port is still open");
        await user.EchoAsync(100_000);
        user.CompleteWrites();
        Assert.Empty(await user.ReceiveToEndAsync());
        Assert.Equal(["kept", "late"], _client.Proxies.Select(p => p.Name));
        await Patience.UntilAsync(() => _client.UserCount == 0, () => "the user has not left");
    }

    [Fact]
    public async Task Datagrams_end_with_their_proxy_and_pass_through_its_successor()
    {
        await using var service = new UdpEcho();
        int port = Ports.Next();
        string Udp(int remotePort) => $"[[proxies]]\nname = 'u'\ntype = 'udp'\nlocalPort = {service.Port}\nremotePort = {remotePort}\n";
        await StartAsync(Udp(port));
        await RunningAsync("u");
        await UdpUser.EchoOnceAsync(port);
        int next = Ports.Next();
        Write(Udp(next));
        await _client!.ReloadAsync().Soon();
        await RunningAsync("u");
        await UdpUser.EchoOnceAsync(next);
        await Patience.UntilAsync(() => _client.UserCount == 1, () => $"{_client.UserCount} work connections");
    }

    [Fact]
    public async Task A_reload_without_a_server_counts_when_there_is_one()
    {
        Proxy one = new("one", _echo.Port, Ports.Next()), two = new("two", _echo.Port, Ports.Next());
        Write(one);
        _client = new FrpClient(ClientConfigFile.Open(File, ProxyKinds.Catalog), _log);
        await _client.StartAsync(TestContext.Current.CancellationToken);
        await _log.Text.WaitForAsync("connect to server error");
        Write(two);
        await _client.ReloadAsync().Soon();
        _server = await ServerAsync();
        await RunningAsync("two");
        await User.EchoOnceAsync(two.RemotePort);
        Assert.False(await Ports.AnswersAsync(one.RemotePort));

        // The same between two sessions.
        await _server.DisposeAsync();
        await _log.Text.WaitForAsync("session lost");
        Write(one, two);
        await _client.ReloadAsync().Soon();
        _server = await ServerAsync();
        await RunningAsync("one");
        await RunningAsync("two");
        await User.EchoOnceAsync(one.RemotePort);
        await User.EchoOnceAsync(two.RemotePort);
    }

    [Fact]
    public async Task Reloads_from_everywhere_while_the_client_stops_harm_nobody()
    {
        Proxy[] proxies = [.. Enumerable.Range(0, 4).Select(i => new Proxy(Name(i), _echo.Port, Ports.Next()))];
        await StartAsync(proxies);
        await RunningAsync(Name(0));
        var reloading = Enumerable.Range(0, 8).Select(async i =>
        {
            await Task.Yield();
            for (int n = 0; n < 50; n++)
            {
                try
                {
                    if (i == 0) Write([.. proxies.Take(1 + n % proxies.Length)]);
                    await _client!.ReloadAsync();
                }
                catch (ConfigException)
                {
                    // Read while it was being written.
                }
                catch (IOException e)
                {
                    Assert.Contains("the client is stopping", e.Message, StringComparison.Ordinal);
                    return;
                }
            }
        }).ToList();
        await _log.Text.WaitForAsync("success reload conf", 20);
        await _client!.StopAsync(Patience.Limit).Soon();
        await Task.WhenAll(reloading).Soon();
        await _client.Completion.Soon();
        foreach (var proxy in proxies) await Patience.UntilAsync(async () => !await Ports.AnswersAsync(proxy.RemotePort), () => "a port is still open");
    }

    private static string Name(int i) => string.Create(CultureInfo.InvariantCulture, $"p{i:00}");

    private void Write(params Proxy[] proxies) => Write(string.Concat<Proxy>(proxies));

    private void Write(string proxies) => System.IO.File.WriteAllText(File, $"serverAddr = '127.0.0.1'\nserverPort = {_port}\nloginFailExit = false\n{proxies}");

    private Task StartAsync(params Proxy[] proxies) => StartAsync(string.Concat<Proxy>(proxies));

    private async Task StartAsync(string proxies)
    {
        _server = await ServerAsync();
        Write(proxies);
        _client = new FrpClient(ClientConfigFile.Open(File, ProxyKinds.Catalog), _log);
        await _client.StartAsync(TestContext.Current.CancellationToken);
    }

    private async Task<FrpServer> ServerAsync()
    {
        var server = new FrpServer(ConfigLoader.LoadServer(Encoding.UTF8.GetBytes($"bindAddr = '127.0.0.1'\nbindPort = {_port}"), "server").Config, _log);
        await server.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    private Task RunningAsync(string name) => _client!.WaitUntilRunningAsync(name, CancellationToken.None).Soon();

    /// <summary>A log that keeps what it is told.</summary>
    private sealed class Sayings : ILoggerFactory, ILogger
    {
        internal CapturedText Text { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose() { }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) Text.Append($"{formatter(state, exception)} {exception}\n");
        }
    }
}
