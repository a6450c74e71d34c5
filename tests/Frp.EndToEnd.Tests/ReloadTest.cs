using System.Net;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>A server whose file is written anew while it runs.</summary>
public abstract class ReloadTest : TunnelTest
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = Patience.Limit };

    private protected static string Single(params int[] ports) => $"allowPorts = [{string.Join(", ", ports.Select(p => $"{{ single = {p} }}"))}]";

    /// <summary>Starts a server with a web server, and waits until it serves.</summary>
    private protected async Task<ReloadingServer> StartAsync(params string[] lines)
    {
        var (port, webPort) = (Ports.Next(), Ports.Next());
        string file = Work.Write(ReloadingServer.Text(port, webPort, lines));
        var server = new ReloadingServer(Work.Run("frps", "-c", file), port, webPort, file);
        await server.Program.WaitForTextAsync(Started);
        return server;
    }

    private protected static Task<HttpResponseMessage> GetAsync(int port, string path) => Http.GetAsync(new Uri($"http://127.0.0.1:{port}{path}"));

    /// <summary>A server, where it is, and the file that it has read.</summary>
    private protected sealed record ReloadingServer(RunningProgram Program, int Port, int WebPort, string File)
    {
        internal static string Text(int port, int webPort, string[] lines) =>
            $"bindAddr = \"127.0.0.1\"\nbindPort = {port}\nwebServer.port = {webPort}\nwebServer.pprofEnable = true\n{string.Join('\n', lines)}\n";

        /// <summary>Writes the file anew and has it read.</summary>
        internal async Task<(HttpStatusCode Status, string Body)> TryReloadAsync(params string[] lines)
        {
            await System.IO.File.WriteAllTextAsync(File, Text(Port, WebPort, lines));
            using var answer = await GetAsync(WebPort, "/api/reload?strictConfig=true");
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }

        /// <summary>The same, where nothing is wrong and nothing needs a restart.</summary>
        internal async Task ReloadAsync(params string[] lines)
        {
            var (status, body) = await TryReloadAsync(lines);
            Assert.Equal("", body);
            Assert.Equal(HttpStatusCode.OK, status);
        }
    }
}
