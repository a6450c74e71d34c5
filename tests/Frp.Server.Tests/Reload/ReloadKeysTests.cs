using System.Text;
using Frp.Config;

namespace Frp.Server.Tests;

public sealed class ReloadKeysTests
{
    public static TheoryData<string> Keys() => new(ModelKeys.OfServer);

    [Theory]
    [MemberData(nameof(Keys))]
    public void Every_key_is_said_to_be_reloadable_or_not(string key) =>
        Assert.True(ReloadKeys.Named.Any(name => IsAt(key, name)), $"{key} is in none of the lists of ReloadKeys");

    [Fact]
    public void Every_name_is_a_key_or_has_keys() =>
        Assert.All(ReloadKeys.Named, name => Assert.Contains(ModelKeys.OfServer, key => IsAt(key, name)));

    [Fact]
    public void The_documentation_names_what_is_applied_and_nothing_else()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Frp.slnx"))) folder = folder.Parent;
        var rows = File.ReadAllLines(Path.Combine(folder.FullName, "docs", "server-reload.md"))
            .SkipWhile(line => !line.StartsWith("| keys |", StringComparison.Ordinal)).Skip(2).TakeWhile(line => line.StartsWith('|'));
        var documented = rows.SelectMany(row => row.Split('|')[1].Split('`').Where((_, i) => i % 2 == 1));
        Assert.Equal(ReloadKeys.Named.Where(name => ReloadKeys.EffectOf(name) == ReloadEffect.Applied).Order(), documented.Order());
    }

    [Theory]
    [InlineData("auth.token = 'b'", "auth.token", "")]
    [InlineData("auth.tokenSource = { type = 'file', file = { path = 'x' } }", "auth.tokenSource", "")]
    [InlineData("bindPort = 7001\nallowPorts = [{ single = 1 }]", "allowPorts", "bindPort")]
    [InlineData("webServer.tls = { certFile = 'c', keyFile = 'k' }", "", "webServer.tls")]
    [InlineData("version = 'x'\ntransport.tls.serverName = 'y'", "", "")]
    [InlineData("transport.heartbeatTimeout = 5", "transport.heartbeatTimeout", "")]
    [InlineData("transport.tcpMux = false", "", "transport.tcpMux, transport.heartbeatTimeout")] // 90 s would end the sessions that run: their clients send no heartbeats
    [InlineData("log = { to = 'x', level = 'debug' }", "log.level", "log.to")]
    public void A_change_is_sorted(string file, string applied, string needRestart)
    {
        var running = ConfigLoader.LoadServer(""u8, "frps.toml").Config;
        var next = ConfigLoader.LoadServer(Encoding.UTF8.GetBytes(file), "frps.toml").Config;
        var sorted = ReloadKeys.Sort(ModelKeys.Differences(running, next));
        Assert.Equal(applied, string.Join(", ", sorted.Applied));
        Assert.Equal(needRestart, string.Join(", ", sorted.NeedRestart));
    }

    private static bool IsAt(string key, string name) => key == name || key.StartsWith(name + ".", StringComparison.Ordinal);
}
