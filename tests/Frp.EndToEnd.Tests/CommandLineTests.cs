using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Flags, files, exit codes and what goes to which stream.</summary>
public sealed class CommandLineTests : TunnelTest
{
    [Theory]
    [InlineData("frps", "-v")]
    [InlineData("frps", "--version")]
    [InlineData("frpc", "-v")]
    [InlineData("frpc", "--version")]
    public async Task The_version_is_a_bare_line(string program, string flag)
    {
        var run = Work.Run(program, flag);
        Assert.Equal(0, await run.WaitForExitAsync());
        Assert.Matches(@"^\d+\.\d+\.\d+\n$", run.Output.ToString());
        Assert.Empty(run.Errors.ToString());
    }

    [Theory]
    [InlineData("frps", "--nonsense", "Error: unknown flag: --nonsense\n")]
    [InlineData("frpc", "--nonsense", "Error: unknown flag: --nonsense\n")]
    [InlineData("frps", "-y", "Error: unknown shorthand flag: 'y' in -y\n")]
    [InlineData("frps", "--bind-port=x", "Error: invalid argument \"x\" for \"-p, --bind-port\" flag: ")]
    [InlineData("frpc", "-c", "Error: flag needs an argument: 'c' in -c\n")]
    [InlineData("frpc", "nonsense", "Error: unknown command \"nonsense\" for \"frpc\"\n")]
    public async Task A_usage_error_goes_to_standard_error(string program, string argument, string text)
    {
        var run = Work.Run(program, argument);
        Assert.Equal(1, await run.WaitForExitAsync());
        Assert.StartsWith(text, run.Errors.ToString(), StringComparison.Ordinal);
        Assert.Equal(run.Errors.ToString(), run.Output.ToString());
    }

    [Fact]
    public async Task The_nat_is_discovered_with_a_stun_server()
    {
        await using var server = new StunServer();
        var run = Work.Run("frpc", "nathole", "discover", "--nat_hole_stun_server", $"127.0.0.1:{server.Port}", "-l", "127.0.0.1:0");
        Assert.Equal(0, await run.WaitForExitAsync());
        Assert.Matches(
            $@"^STUN server: 127\.0\.0\.1:{server.Port}\nYour NAT type is: EasyNAT\nBehavior is: BehaviorNoChange\nExternal address is: \[(127\.0\.0\.1:\d+) \1\]\nLocal address is: \1\nPublic Network: false\n$",
            run.Output.ToString());
    }

    [Fact]
    public async Task A_nat_is_not_told_from_one_address()
    {
        await using var server = new StunServer { TellsOther = false };
        var run = Work.Run("frpc", "nathole", "discover", "--nat_hole_stun_server", $"127.0.0.1:{server.Port}");
        Assert.Equal(1, await run.WaitForExitAsync());
        Assert.Matches(@"^discover error: can not get enough addresses, need 2, got: \[127\.0\.0\.1:\d+\]\n$", run.Output.ToString());
    }

    [Fact]
    public async Task A_topic_that_is_unknown_is_no_failure_and_told_on_standard_error()
    {
        var run = Work.Run("frpc", "help", "nonsense");
        Assert.Equal(0, await run.WaitForExitAsync());
        Assert.StartsWith("Unknown help topic [`nonsense`]\nUsage:\n", run.Errors.ToString(), StringComparison.Ordinal);
        Assert.Equal(run.Errors.ToString(), run.Output.ToString());
    }

    [Theory]
    [InlineData("frps", "bindPort = 7000\n")]
    [InlineData("frpc", "  serverPort = 7000\n\t[[proxies]]\n\tname = \"a\"\n\ttype = \"tcp\"\n\tlocalPort = 22\n\tremotePort = 6000\n")]
    public async Task A_good_file_is_verified(string program, string content)
    {
        string file = Work.Write(content);
        var run = Work.Run(program, "verify", "-c", file);
        Assert.Equal(0, await run.WaitForExitAsync());
        Assert.Equal($"{program}: the configuration file {file} syntax is ok\n", run.Output.ToString());
        Assert.Empty(run.Errors.ToString());
    }

    [Theory]
    [InlineData("frps", "bindPort = 70000\n", "bindPort")]
    [InlineData("frps", "bindPrt = 7000\n", "bindPrt")]
    [InlineData("frpc", "transport.protocol = \"pigeon\"\n", "invalid transport.protocol")]
    [InlineData("frpc", "serverPort = \n", "line")]
    public async Task A_bad_file_is_not(string program, string content, string mentioned)
    {
        var run = Work.Run(program, "verify", "-c", Work.Write(content));
        Assert.Equal(1, await run.WaitForExitAsync());
        Assert.Contains(mentioned, run.Output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("syntax is ok", run.Output.ToString(), StringComparison.Ordinal);
        Assert.Empty(run.Errors.ToString());
    }

    [Theory]
    [InlineData("frps")]
    [InlineData("frpc")]
    public async Task A_file_that_is_not_there_is_said_to_be_missing(string program)
    {
        string file = Path.Combine(Work.Folder, "nowhere");
        var run = Work.Run(program, "-c", file);
        Assert.Equal(1, await run.WaitForExitAsync());
        Assert.Contains($"open {file}: no such file or directory", run.Output.ToString(), StringComparison.Ordinal);
        Assert.Empty(run.Errors.ToString());
    }

    [Fact]
    public async Task A_client_without_a_file_looks_for_the_default_one()
    {
        var run = Work.Run("frpc");
        Assert.Equal(1, await run.WaitForExitAsync());
        Assert.Contains("open ./frpc.ini: no such file or directory", run.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_port_that_is_taken_ends_the_server()
    {
        await using var service = TcpService.Echo();
        var run = Work.Run("frps", "-c", Work.Write($"bindAddr = \"127.0.0.1\"\nbindPort = {service.Port}\n"));
        Assert.Equal(1, await run.WaitForExitAsync());
        Assert.Contains("create server listener error", run.Output.ToString(), StringComparison.Ordinal);
        Assert.Empty(run.Errors.ToString());
    }

    [Theory]
    [InlineData("--bind_addr", "--token")]
    [InlineData("--bind-addr", "-t")]
    public async Task A_server_runs_by_flags_alone(string bindFlag, string tokenFlag)
    {
        int port = Ports.Next();
        await using var echo = TcpService.Echo();
        var server = Work.Run("frps", "-p", $"{port}", tokenFlag, "flagged", bindFlag, "127.0.0.1");
        await server.WaitForTextAsync("frps uses command line arguments for config");
        await server.WaitForTextAsync($"frps tcp listen on 127.0.0.1:{port}");
        await server.WaitForTextAsync(Started);
        var proxy = new Proxy("flags", echo.Port, Ports.Next());
        await ClientAsync(port, ["auth.token = \"flagged\""], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        var stranger = Work.Run("frpc", "-c", Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {port}\n"));
        Assert.Equal(1, await stranger.WaitForExitAsync());
    }

    [Fact]
    public async Task The_programs_need_no_environment()
    {
        if (ProductPrograms.AreSelfContained) Assert.Empty(ProductPrograms.Environment);
        else Assert.Equal("DOTNET_ROOT", Assert.Single(ProductPrograms.Environment).Key);
        int port = Ports.Next();
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("bare", echo.Port, Ports.Next());
        var server = await ServerAsync(port);
        var client = await ClientAsync(port, [], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        Assert.Empty(server.Errors.ToString());
        Assert.Empty(client.Errors.ToString());
    }

    [Fact]
    public async Task The_log_can_go_to_a_file()
    {
        int port = Ports.Next();
        string log = Path.Combine(Work.Folder, "logs", "deep", "frps.log");
        var server = Work.Run("frps", "-c", Work.Write($"bindAddr = \"127.0.0.1\"\nbindPort = {port}\nlog.to = \"{log}\"\nlog.level = \"trace\"\n"));
        await Patience.UntilAsync(() => File.Exists(log) && File.ReadAllText(log).Contains(Started, StringComparison.Ordinal), () => $"nothing in the log; the console has: {server.Output}");
        Assert.Empty(server.Output.ToString());
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(log));
        var lines = File.ReadAllLines(log);
        Assert.All(lines, line => Assert.Matches(@"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \[[TDIWE]\] \[[^\]]+\] ", line));
        Assert.DoesNotContain('\u001b', string.Concat(lines));

        // A new start appends.
        await server.KillAsync();
        Work.Run("frps", "-c", Work.Write($"bindAddr = \"127.0.0.1\"\nbindPort = {port}\nlog.to = \"{log}\"\n"));
        await Patience.UntilAsync(() => File.ReadAllText(log).Split(Started).Length == 3, () => "the second start is not in the log");
    }

    [Fact]
    public async Task Lines_of_the_console_carry_their_colour_around_them()
    {
        int port = Ports.Next();
        var server = await ServerAsync(port);
        await server.WaitForTextAsync(Started + "\n\u001b[0m");
        Assert.StartsWith("\u001b[1;34m", server.Output.ToString(), StringComparison.Ordinal);
        var plain = Work.Run("frps", "-c", Work.Write($"bindAddr = \"127.0.0.1\"\nbindPort = {Ports.Next()}\nlog.disablePrintColor = true\n"));
        await plain.WaitForTextAsync(Started);
        Assert.DoesNotContain('\u001b', plain.Output.ToString());
    }
}
