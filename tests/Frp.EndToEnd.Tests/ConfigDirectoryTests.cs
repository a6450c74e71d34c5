using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Many clients in one process, each from a file of a directory.</summary>
public sealed class ConfigDirectoryTests : TunnelTest
{
    private readonly int _port = Ports.Next();

    [Fact]
    public async Task Clients_that_fail_say_so_and_the_others_serve_until_the_stop()
    {
        await using var echo = TcpService.Echo();
        Proxy one = new("one", echo.Port, Ports.Next()), two = new("two", echo.Port, Ports.Next());
        int adminOne = Ports.Next(), adminTwo = Ports.Next();
        await ServerAsync(_port);
        string first = Write("a.toml", $"{To(_port)}webServer.port = {adminOne}\n{one}");
        string second = Write("deep/er/b", $"{To(_port)}webServer.port = {adminTwo}\nlog.disablePrintColor = true\n{two}");
        string invalid = Write("deep/c.toml", "nonsense = 1\nserverPort = 99999999\n");
        string unreachable = Write("d", To(Ports.Next()));
        string taken = Write("e", $"{To(_port)}webServer.port = {echo.Port}\n");
        var client = Work.Run("frpc", "--config_dir", Folder);
        await client.WaitForTextAsync(one.Started);
        await client.WaitForTextAsync(two.Started);
        foreach (string failing in new[] { invalid, unreachable, taken }) await client.WaitForTextAsync($"frpc service error for config file [{failing}]\n");
        await User.EchoOnceAsync(one.RemotePort);
        await User.EchoOnceAsync(two.RemotePort);
        await client.WaitForTextAsync($"[{invalid}]\n{invalid}:1: ");
        await client.WaitForTextAsync($"start frpc service for config file [{second}] with aggregated configuration");
        await client.WaitForTextAsync("With loginFailExit enabled");

        // Each has its own admin API.
        foreach (var (file, mine, other) in new[] { (first, one, two), (second, two, one) })
        {
            var status = Work.Run("frpc", "status", "-c", file);
            Assert.Equal(0, await status.WaitForExitAsync());
            Assert.Contains($"\n{mine.Name}   running ", status.Output.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain($"\n{other.Name} ", status.Output.ToString(), StringComparison.Ordinal);
        }

        // One may be stopped alone.
        var stop = Work.Run("frpc", "stop", "-c", first);
        Assert.Equal(0, await stop.WaitForExitAsync());
        await client.WaitForTextAsync($"frpc service for config file [{first}] stopped");
        await User.EchoOnceAsync(two.RemotePort);
        client.Terminate();
        Assert.Equal(0, await client.WaitForExitAsync());
        Assert.Contains($"frpc service for config file [{second}] stopped", client.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_all_have_failed_the_program_ends_without_complaint()
    {
        string file = Write("f", To(Ports.Next()));
        var client = Work.Run("frpc", "--config-dir=" + Folder);
        Assert.Equal(0, await client.WaitForExitAsync());
        Assert.Contains($"frpc service error for config file [{file}]", client.Output.ToString(), StringComparison.Ordinal);
        Assert.Empty(client.Errors.ToString());
    }

    [Fact]
    public async Task A_directory_that_is_not_there_is_said_to_be_missing()
    {
        var client = Work.Run("frpc", "--config_dir", Folder);
        Assert.Equal(0, await client.WaitForExitAsync());
        Assert.Equal($"open {Folder}: no such directory\n", client.Output.ToString());
    }

    private string Folder => Path.Combine(Work.Folder, "conf");

    private static string To(int port) => $"serverAddr = \"127.0.0.1\"\nserverPort = {port}\n";

    private string Write(string name, string content)
    {
        string path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        return path;
    }
}
