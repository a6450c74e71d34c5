using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>A tcp proxy with a plug-in, and curl as its user.</summary>
public abstract class ClientPluginTest : TunnelTest
{
    private protected int ServerPort { get; } = Ports.Next();

    private protected int UserPort { get; } = Ports.Next();

    /// <summary>Starts both programs.</summary>
    /// <param name="type">The plug-in.</param>
    /// <param name="options">Its lines.</param>
    /// <param name="more">Lines of the proxy.</param>
    private protected async Task<RunningProgram> StartAsync(string type, string[] options, string more = "")
    {
        await ServerAsync(ServerPort);
        return await ClientAsync(ServerPort, [], WithPlugin(type, options, more));
    }

    private protected Proxy WithPlugin(string type, string[] options, string more = "") =>
        new("p", 1, UserPort, $"{more}\n[proxies.plugin]\ntype = \"{type}\"\n{string.Join('\n', options)}");

    private protected async Task<(int Code, string Output)> CurlAsync(params string[] arguments)
    {
        string? curl = ForeignPrograms.Find("curl");
        Assert.SkipWhen(curl is null, "curl is not installed");
        var run = Work.RunForeign(curl!, ["-sS", "--noproxy", "nobody.test", "--max-time", "60", .. arguments]);
        return (await run.WaitForExitAsync(), run.Output.ToString());
    }
}
