using System.Globalization;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>SIGHUP, with a controlling terminal and without.</summary>
public sealed class ReloadSignalTests : TunnelTest
{
    private const int CodeOfHangUp = 128 + 1;
    private const string DefaultSignal = "--default-signal=HUP";

    private readonly int _port = Ports.Next();

    [Fact]
    public async Task Without_a_terminal_the_client_reads_its_file_again()
    {
        await using var echo = TcpService.Echo();
        Proxy first = new("first", echo.Port, Ports.Next()), second = new("second", echo.Port, Ports.Next());
        await ServerAsync(_port);
        string file = Work.Write(To + first);
        var client = Detached("frpc", "-c", file);
        await client.WaitForTextAsync(first.Started);
        using var user = await User.ConnectAsync(first.RemotePort);
        await user.EchoAsync();

        File.WriteAllText(file, To + first + second);
        client.HangUp();
        await client.WaitForTextAsync(second.Started);
        await client.WaitForTextAsync("success reload conf");

        File.WriteAllText(file, To + "nonsense = 1\n");
        client.HangUp();
        await client.WaitForTextAsync("reload conf failed: ");
        await client.WaitForTextAsync($"{file}:3: ");
        await user.EchoAsync();
        await User.EchoOnceAsync(second.RemotePort);
        Assert.Equal(1, client.Output.Count(first.Started));
        client.Terminate();
        user.Dispose();
        Assert.Equal(0, await client.WaitForExitAsync());
    }

    [Fact]
    public async Task Every_client_of_a_directory_reloads()
    {
        await using var echo = TcpService.Echo();
        await ServerAsync(_port);
        string folder = Path.Combine(Work.Folder, "conf");
        Directory.CreateDirectory(folder);
        Proxy Of(string name) => new(name, echo.Port, Ports.Next());
        string[] files = [.. new[] { "a", "b" }.Select(name => Path.Combine(folder, name))];
        foreach (string file in files) File.WriteAllText(file, To + Of(Path.GetFileName(file)));
        var client = Detached("frpc", "--config_dir", folder);
        await client.WaitForTextAsync("start proxy success", 2);
        foreach (string file in files) File.AppendAllText(file, Of(Path.GetFileName(file) + "2").ToString());
        client.HangUp();
        await client.WaitForTextAsync("[a2] start proxy success");
        await client.WaitForTextAsync("[b2] start proxy success");
    }

    [Fact]
    public async Task A_client_without_a_file_has_nothing_to_read_and_goes_on()
    {
        await using var echo = TcpService.Echo();
        int remote = Ports.Next();
        await ServerAsync(_port);
        var client = Detached("frpc", "tcp", "-s", "127.0.0.1", "-P", $"{_port}", "-n", "quick", "-l", $"{echo.Port}", "-r", $"{remote}");
        await client.WaitForTextAsync("[quick] start proxy success");
        client.HangUp();
        await client.WaitForTextAsync("reload conf failed: ");
        await User.EchoOnceAsync(remote);
    }

    [Fact]
    public async Task Without_a_terminal_the_server_reads_its_file_again()
    {
        string common = $"bindAddr = \"127.0.0.1\"\nbindPort = {_port}\n";
        string file = Work.Write(common);
        var server = Detached("frps", "-c", file);
        await server.WaitForTextAsync(Started);
        File.WriteAllText(file, common + "auth.token = \"new\"\n");
        server.HangUp();
        await server.WaitForTextAsync("auth.token");
        File.WriteAllText(file, common + "nonsense = 1\n");
        server.HangUp();
        await server.WaitForTextAsync("reload conf failed: ");
        await server.WaitForTextAsync($"{file}:3: ");
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("after", echo.Port, Ports.Next());
        await ClientAsync(_port, ["auth.token = \"new\""], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        server.Terminate();
        Assert.Equal(0, await server.WaitForExitAsync());
    }

    [Theory]
    [InlineData("frpc", "try to connect to server...")]
    [InlineData("frps", Started)]
    public async Task With_a_terminal_it_ends_the_program(string program, string ready)
    {
        string file = Work.Write(program == "frpc" ? $"{To}loginFailExit = false\n" : $"bindAddr = \"127.0.0.1\"\nbindPort = {_port}\n");
        // The shell's own process becomes the program, and ends as it ends.
        string command = $"echo $$; exec '{Need("env")}' {DefaultSignal} '{ProductPrograms.PathOf(program)}' -c '{file}'";
        var terminal = Work.RunAround(Need("script"), "-qec", command, "/dev/null");
        await terminal.WaitForTextAsync(ready);
        RunningProgram.HangUp(int.Parse(terminal.Output.ToString().Split('\n')[0].Trim(), CultureInfo.InvariantCulture));
        Assert.Equal(CodeOfHangUp, await terminal.WaitForExitAsync());
    }

    private string To => $"serverAddr = \"127.0.0.1\"\nserverPort = {_port}\n";

    // Without a terminal, and with the signal's ordinary meaning: who starts the tests may ignore it, and that would be inherited.
    private RunningProgram Detached(string program, params string[] arguments) =>
        Work.RunAround(Need("setsid"), [Need("env"), DefaultSignal, ProductPrograms.PathOf(program), .. arguments]);

    private static string Need(string name)
    {
        string? path = ForeignPrograms.Find(name);
        Assert.SkipWhen(path is null, $"{name} is not installed");
        return path!;
    }
}
