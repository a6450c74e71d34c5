using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>A server with an HTTP virtual host, clients with http proxies, and users who speak HTTP byte by byte.</summary>
public abstract class HttpTest : TunnelTest
{
    private protected int VhostPort { get; } = Ports.Next();

    /// <summary>An http proxy as a client's configuration has it.</summary>
    private protected static string Web(string name, int localPort, string domain, params string[] more) =>
        $"[[proxies]]\nname = \"{name}\"\ntype = \"http\"\nlocalPort = {localPort}\ncustomDomains = [\"{domain}\"]\n{string.Join('\n', more)}\n";

    /// <summary>Starts a server, and a client whose proxies run when this returns.</summary>
    private protected async Task<(RunningProgram Server, RunningProgram Client)> StartAsync(string[] proxies, params string[] serverLines)
    {
        int port = Ports.Next();
        var server = await ServerAsync(port, [$"vhostHTTPPort = {VhostPort}", .. serverLines]);
        var client = StartClient(port, proxies);
        await client.WaitForTextAsync("start proxy success", proxies.Length);
        return (server, client);
    }

    /// <summary>One request on a connection of its own, as it is, and its answer.</summary>
    private protected async Task<HttpAnswer> AskAsync(string request)
    {
        using var user = await User.ConnectAsync(VhostPort);
        await user.SendAsync(request);
        return await HttpAnswer.ReceiveAsync(user.Socket, request.StartsWith("HEAD", StringComparison.Ordinal));
    }

    private protected Task<HttpAnswer> GetAsync(string host, string path = "/", string headers = "") => AskAsync($"GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n");

    /// <summary>Runs curl and returns what it printed.</summary>
    private protected async Task<string> CurlAsync(params string[] arguments)
    {
        string? curl = ForeignPrograms.Find("curl");
        Assert.SkipWhen(curl is null, "curl is not installed");
        var run = Work.RunForeign(curl!, ["-sS", "--max-time", "60", .. arguments]);
        int code = await run.WaitForExitAsync();
        Assert.True(code == 0, $"curl ended with {code}: {run.Output}");
        return run.Output.ToString();
    }
}
