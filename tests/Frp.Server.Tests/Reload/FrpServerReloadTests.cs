using System.Text;
using Frp.Config;
using Frp.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Server.Tests;

/// <summary>A reload as a library's call.</summary>
public sealed class FrpServerReloadTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _levels = [];
    private readonly FrpServer _server;
    private readonly int _port = Ports.Next();

    public FrpServerReloadTests() => _server = new FrpServer(Config(), NullLoggerFactory.Instance, _time, program: new ServerProgram { SetLogLevel = _levels.Add });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task It_says_what_it_has_done()
    {
        await _server.StartAsync(TestContext.Current.CancellationToken);
        var result = await _server.ReloadAsync(Config("log.level = 'debug'\nudpPacketSize = 9\nallowPorts = [{ single = 1 }]"), TestContext.Current.CancellationToken);
        Assert.Equal(["allowPorts", "log.level"], result.Applied.Order());
        Assert.Equal(["udpPacketSize"], result.NeedRestart);
        Assert.Equal(["debug"], _levels);
        result = await _server.ReloadAsync(Config("log.level = 'debug'\nallowPorts = [{ single = 1 }]"), TestContext.Current.CancellationToken);
        Assert.Empty(result.Applied.Concat(result.NeedRestart));
        Assert.Equal("", result.RestartNotice);
    }

    [Fact]
    public async Task All_that_is_wrong_is_told_and_nothing_changes()
    {
        await _server.StartAsync(TestContext.Current.CancellationToken);
        var fault = await Assert.ThrowsAsync<ConfigException>(() => _server.ReloadAsync(
            Config("log.level = 'debug'\ntransport.tls.trustedCaFile = 'nowhere'\nauth.tokenSource = { type = 'file', file = { path = 'nobody' } }"), TestContext.Current.CancellationToken));
        Assert.Equal(2, fault.Errors.Count);
        Assert.Empty(_levels);
        var result = await _server.ReloadAsync(Config("log.level = 'debug'"), TestContext.Current.CancellationToken);
        Assert.Equal(["log.level"], result.Applied);
    }

    [Fact]
    public async Task Who_calls_at_once_is_served_in_turn()
    {
        await _server.StartAsync(TestContext.Current.CancellationToken);
        var results = await Task.WhenAll(Enumerable.Range(1, 50).Select(i => _server.ReloadAsync(Config($"userConnTimeout = {100 + i}")))).Soon();
        Assert.All(results, result => Assert.Equal(["userConnTimeout"], result.Applied));
    }

    [Fact]
    public async Task It_does_not_wait_for_ever_and_can_be_given_up()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs a program that waits");
        await _server.StartAsync(TestContext.Current.CancellationToken);
        var config = Config("log.level = 'debug'\nauth.tokenSource = { type = 'exec', exec = { command = 'sleep', args = ['600'] } }");
        var endless = _server.ReloadAsync(config);
        using var gaveUp = new CancellationTokenSource();
        var behind = _server.ReloadAsync(Config("log.level = 'debug'"), gaveUp.Token);
        await gaveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => behind.Soon());
        Assert.False(endless.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(20));
        var fault = await Assert.ThrowsAsync<ConfigException>(() => endless.Soon());
        Assert.Equal("the configuration was not taken over: no token within 20 s", fault.Message);
        Assert.Empty(_levels);
    }

    [Fact]
    public async Task Without_a_file_or_a_start_there_is_nothing_to_reload()
    {
        var fault = await Assert.ThrowsAsync<ConfigException>(() => _server.ReloadAsync(strict: true));
        Assert.Equal("frps has no config file path", fault.Message);
        await Assert.ThrowsAsync<InvalidOperationException>(() => _server.ReloadAsync(Config()));
    }

    private ServerConfig Config(string more = "") =>
        ConfigLoader.LoadServer(Encoding.UTF8.GetBytes($"bindAddr = '127.0.0.1'\nbindPort = {_port}\n{more}"), "frps.toml", new LoadOptions { AllowUnsafe = UnsafeFeatures.TokenSourceExec }).Config;
}
