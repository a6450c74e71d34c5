using System.Net;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>What strangers can do at the control port, and what they cannot.</summary>
public sealed class AdmissionTests : TunnelTest
{
    private const string Verbose = "log.level = \"debug\"";
    private static readonly IPAddress Elsewhere = IPAddress.Parse("127.0.0.2");

    [Fact]
    public async Task Whoever_guesses_tokens_is_turned_away_and_nobody_else()
    {
        int port = Ports.Next();
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("steady", echo.Port, Ports.Next());
        var server = await ServerAsync(port, "auth.token = \"right\"", NoMux, Verbose);
        await ClientAsync(port, ["auth.token = \"right\"", NoMux, Clear], proxy);
        for (int i = 0; i < 31; i++)
        {
            using var guess = await User.ConnectAsync(port, from: Elsewhere);
            await guess.SendAsync(RawClient.Login("wrong"));
            Assert.Contains("doesn't match", (await RawClient.ReceiveAnswerAsync(guess)).Body.GetProperty("error").GetString(), StringComparison.Ordinal);
            await guess.WaitForEndAsync();
        }
        await server.WaitForTextAsync("too many logins from [127.0.0.2] have failed");
        using (var refused = await User.ConnectAsync(port, from: Elsewhere)) await refused.WaitForEndAsync();
        await server.WaitForTextAsync("too many from there that have not logged in, or whose logins have failed");

        // An address with a session is another matter, whatever else comes from it.
        for (int i = 0; i < 40; i++)
        {
            using var guess = await User.ConnectAsync(port);
            await guess.SendAsync(RawClient.Login("wrong"));
            await RawClient.ReceiveAnswerAsync(guess);
        }
        await User.EchoOnceAsync(proxy.RemotePort);
        var second = new Proxy("second", echo.Port, Ports.Next());
        await ClientAsync(port, ["auth.token = \"right\"", NoMux], second);
        await User.EchoOnceAsync(second.RemotePort);
    }

    [Fact]
    public async Task An_address_has_a_share_of_the_connections_that_have_not_logged_in()
    {
        const int Share = 512;
        int port = Ports.Next();
        await using var echo = TcpService.Echo();
        var server = await ServerAsync(port, Verbose);
        var silent = new List<User>();
        try
        {
            for (int i = 0; i < Share + 10; i++) silent.Add(await User.ConnectAsync(port, from: Elsewhere));
            await server.WaitForTextAsync("too many from there that have not logged in", 10);
            var proxy = new Proxy("elsewhere", echo.Port, Ports.Next());
            await ClientAsync(port, [], proxy);
            await User.EchoOnceAsync(proxy.RemotePort);
        }
        finally
        {
            silent.ForEach(s => s.Dispose());
        }
    }

    [Fact]
    public async Task A_work_connection_belongs_to_its_own_carrier()
    {
        int port = Ports.Next();
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("own", echo.Port, Ports.Next());
        var server = await ServerAsync(port);
        var client = await ClientAsync(port, [], proxy);
        const string Before = "get run id [";
        string log = client.Output.ToString();
        string runId = log.Substring(log.IndexOf(Before, StringComparison.Ordinal) + Before.Length, 16);
        using (var thief = await User.ConnectAsync(port))
        {
            await thief.SendAsync(RawClient.InStream(RawClient.Message('w', $"{{\"run_id\":\"{runId}\"}}")));
            await server.WaitForTextAsync($"work connection for run id [{runId}] came by another connection than its session");
        }
        for (int i = 0; i < 3; i++) await User.EchoOnceAsync(proxy.RemotePort);
    }

    [Fact]
    public async Task A_carrier_without_a_login_has_two_streams()
    {
        int port = Ports.Next();
        var server = await ServerAsync(port, Verbose);
        using var stranger = await User.ConnectAsync(port);
        const byte WindowUpdate = 1;
        foreach (uint stream in (uint[])[1, 3, 5]) await stranger.SendAsync(RawClient.MuxHead(WindowUpdate, 1, stream, 0));
        await server.WaitForTextAsync("it has not logged in");
        await stranger.WaitForEndAsync();
    }

    [Fact]
    public async Task An_open_server_is_told_of_at_the_start()
    {
        const string Warning = "auth.token is empty: whoever reaches";
        var open = Work.Run("frps", "-c", Work.Write($"bindAddr = \"0.0.0.0\"\nbindPort = {Ports.Next()}\n"));
        await open.WaitForTextAsync(Started);
        Assert.Equal(1, open.Output.Count(Warning));
        var closed = Work.Run("frps", "-c", Work.Write($"bindAddr = \"0.0.0.0\"\nbindPort = {Ports.Next()}\nauth.token = \"x\"\n"));
        await closed.WaitForTextAsync(Started);
        Assert.Equal(0, closed.Output.Count(Warning));
        Assert.Equal(0, (await ServerAsync(Ports.Next())).Output.Count(Warning));
    }
}
