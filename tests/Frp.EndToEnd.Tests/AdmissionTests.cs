using System.Net;
using System.Net.Sockets;
using System.Text;
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
        await TryConnectAsync(port);
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
            for (int i = 0; i < Share; i++) silent.Add(await User.ConnectAsync(port, from: Elsewhere));
            for (int i = 0; i < 10; i++) await TryConnectAsync(port);
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

    [Theory]
    [InlineData("vhostHTTPPort", "404 Not Found")]
    [InlineData("tcpmuxHTTPConnectPort", "404 Not Found")]
    [InlineData("vhostHTTPSPort", "")]
    public async Task However_many_say_nothing_at_a_virtual_host_others_are_served(string key, string answer)
    {
        const int Places = 4096;
        int port = Ports.Next(), vhost = Ports.Next();
        await ServerAsync(port, $"{key} = {vhost}");
        var silent = new List<User>();
        try
        {
            for (int i = 0; i < Places + 1; i++) silent.Add(await User.ConnectAsync(vhost, from: Elsewhere));
            await Patience.UntilAsync(() => silent.Exists(s => s.HasEnded), () => "nobody has made room");
            using var user = await User.ConnectAsync(vhost);
            await user.SendAsync("CONNECT nobody.test:80 HTTP/1.1\r\nHost: nobody.test\r\n\r\n");
            Assert.Contains(answer, Encoding.ASCII.GetString(await user.ReceiveToEndAsync()), StringComparison.Ordinal);
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
    public async Task Of_the_streams_on_a_carrier_without_a_login_two_are_served_at_a_time()
    {
        const byte WindowUpdate = 1;
        const ushort Opens = 1;
        const ushort Answers = 2;
        int port = Ports.Next();
        await ServerAsync(port, Verbose);
        using var stranger = await User.ConnectAsync(port);
        foreach (uint stream in (uint[])[1, 3, 5]) await stranger.SendAsync(RawClient.MuxHead(WindowUpdate, Opens, stream, 0));
        const ushort Finishes = 4;
        var answers = new List<(ushort, uint)>();
        while (answers.Count < 3)
        {
            var (flags, stream) = await RawClient.ReceiveMuxHeadAsync(stranger);
            if ((flags & Answers) == 0) continue;
            answers.Add((flags, stream));
            if (answers.Count == 2) await stranger.SendAsync(RawClient.MuxHead(WindowUpdate, Finishes, 3, 0)); // makes room for the last
        }
        Assert.Equal([(Answers, 1), (Answers, 3), (Answers, 5)], answers);
    }

    [Fact]
    public async Task A_carrier_without_a_login_may_bring_so_much()
    {
        const byte Data = 0;
        int port = Ports.Next();
        var server = await ServerAsync(port, Verbose);
        using var stranger = await User.ConnectAsync(port);
        foreach (uint stream in (uint[])[1, 3, 5]) await stranger.SendAsync((byte[])[.. RawClient.MuxHead(Data, 1, stream, 100_000), .. new byte[100_000]]);
        await server.WaitForTextAsync("more than 262144 bytes from a peer that has not shown who it is");
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

    // Connects where the connection is closed at once: which the connecting side may learn before it knows that it is connected.
    private static async Task TryConnectAsync(int port)
    {
        try
        {
            using var refused = await User.ConnectAsync(port, from: Elsewhere);
            await refused.WaitForEndAsync();
        }
        catch (SocketException)
        {
            // That is how it learned.
        }
    }
}
