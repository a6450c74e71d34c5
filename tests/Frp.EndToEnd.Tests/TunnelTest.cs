using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>A tcp proxy as a client's configuration has it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="LocalPort">The local service.</param>
/// <param name="RemotePort">The port for users.</param>
/// <param name="More">Further lines.</param>
internal sealed record Proxy(string Name, int LocalPort, int RemotePort, string More = "")
{
    internal const string Encrypted = "transport.useEncryption = true";
    internal const string Compressed = "transport.useCompression = true";

    internal string Started => $"[{Name}] start proxy success";

    public override string ToString() => $"\n[[proxies]]\nname = \"{Name}\"\ntype = \"tcp\"\nlocalPort = {LocalPort}\nremotePort = {RemotePort}\n{More}\n";
}

/// <summary>Servers and clients as programs on loopback. What they said is attached to the test's result.</summary>
public abstract class TunnelTest : IAsyncDisposable
{
    protected const string Clear = "transport.tls.enable = false";
    protected const string NoMux = "transport.tcpMux = false";
    protected const string Started = "frps started successfully";

    private protected Workspace Work { get; } = new();

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var program in Work.Programs)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"--- {program.Name} ({(program.IsRunning ? "running" : "ended")}):\n{Tail(program.Output.ToString())}");
        }
        await Work.DisposeAsync();
    }

    /// <summary>Starts a server on a port of loopback and waits until it serves.</summary>
    private protected async Task<RunningProgram> ServerAsync(int port, params string[] lines)
    {
        string file = Work.Write($"bindAddr = \"127.0.0.1\"\nbindPort = {port}\n{string.Join('\n', lines)}\n");
        var server = Work.Run("frps", "-c", file);
        await server.WaitForTextAsync(Started);
        return server;
    }

    /// <summary>Starts a client and does not wait for anything.</summary>
    private protected RunningProgram StartClient(int serverPort, string[] lines, params Proxy[] proxies)
    {
        string file = Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {serverPort}\nloginFailExit = false\n{string.Join('\n', lines)}\n{string.Concat<Proxy>(proxies)}");
        return Work.Run("frpc", "-c", file);
    }

    /// <summary>Starts a client and waits until its proxies run.</summary>
    private protected async Task<RunningProgram> ClientAsync(int serverPort, string[] lines, params Proxy[] proxies)
    {
        var client = StartClient(serverPort, lines, proxies);
        foreach (var proxy in proxies) await client.WaitForTextAsync(proxy.Started);
        return client;
    }

    /// <summary>Waits until nobody listens on a port any more.</summary>
    private protected static Task UntilClosedAsync(int port) => Patience.UntilAsync(async () => !await Ports.AnswersAsync(port), () => $"port {port} is still open");

    /// <summary>Waits until a tunnel to an echo service works.</summary>
    private protected static Task UntilWorkingAsync(int port) => Patience.UntilAsync(() => User.CanEchoAsync(port), () => $"no echo through port {port}");

    private static string Tail(string text) => text.Length <= 8000 ? text : "...\n" + text[^8000..];
}
