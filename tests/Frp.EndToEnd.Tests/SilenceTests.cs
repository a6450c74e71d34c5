using System.Text;
using Frp.Client;
using Frp.Config;
using Frp.Proxies;
using Frp.Server;
using Frp.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Frp.EndToEnd.Tests;

/// <summary>Users who say nothing for a long time, by a clock that the test puts forward for server and client alike.</summary>
public sealed class SilenceTests
{
    private const string Events = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    private const string Upgraded = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

    // Longer than every time that server and client know: a minute for requests and answers, ninety seconds for heartbeats.
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(6);
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(3);

    [Theory]
    [InlineData("", "")]
    [InlineData("transport.tcpMux = false", "transport.tcpMux = false")]
    [InlineData("transport.heartbeatTimeout = -1", "transport.heartbeatInterval = -1\ntransport.tcpMuxKeepaliveInterval = 2")]
    public async Task It_ends_nothing(string serverLines, string clientLines)
    {
        var next = new SemaphoreSlim(0);
        await using var echo = TcpService.Echo();
        await using var web = HttpService.Start(async (head, socket) =>
        {
            bool upgrades = head.Contains("Upgrade: websocket", StringComparison.Ordinal);
            await HttpService.SendAsync(socket, upgrades ? Upgraded : head.StartsWith("CONNECT", StringComparison.Ordinal) ? "HTTP/1.1 200 OK\r\n\r\n" : Events);
            await next.WaitAsync(Patience.Limit);
            return await HttpService.SendAsync(socket, "2\r\nok\r\n");
        });
        var time = new FakeTimeProvider();
        int port = Ports.Next(), vhost = Ports.Next(), mux2 = Ports.Next(), pulse = Ports.Next(), door = Ports.Next();
        await using var server = new FrpServer(Load($"""
            bindAddr = "127.0.0.1"
            bindPort = {port}
            vhostHTTPPort = {vhost}
            tcpmuxHTTPConnectPort = {mux2}
            {serverLines}
            """, (file, name) => ConfigLoader.LoadServer(file, name).Config), NullLoggerFactory.Instance, time);
        await server.StartAsync(TestContext.Current.CancellationToken);
        await using var client = new FrpClient(Load($"""
            serverAddr = "127.0.0.1"
            serverPort = {port}
            {clientLines}
            {new Proxy("pulse", echo.Port, pulse)}
            [[proxies]]
            name = "web"
            type = "http"
            localPort = {web.Port}
            customDomains = ["site.test"]
            [[proxies]]
            name = "muxed"
            type = "tcpmux"
            multiplexer = "httpconnect"
            localPort = {echo.Port}
            customDomains = ["site.test"]
            [[proxies]]
            name = "secret"
            type = "stcp"
            secretKey = "k"
            localPort = {echo.Port}
            [[visitors]]
            name = "door"
            type = "stcp"
            serverName = "secret"
            secretKey = "k"
            bindPort = {door}
            """, (file, name) => ConfigLoader.LoadClient(file, name, ProxyKinds.Catalog).Config), NullLoggerFactory.Instance, time);
        await client.StartAsync(TestContext.Current.CancellationToken);
        using (var patience = new CancellationTokenSource(Patience.Limit))
        {
            foreach (string name in (string[])["pulse", "web", "muxed", "secret"]) await client.WaitUntilRunningAsync(name, patience.Token);
        }
        await Patience.UntilAsync(() => Ports.AnswersAsync(door), () => "the visitor does not listen");

        using var events = await AskAsync("GET / HTTP/1.1\r\nHost: site.test\r\n\r\n");
        using var socket = await AskAsync("GET / HTTP/1.1\r\nHost: site.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        using var tunnel = await AskAsync("CONNECT site.test:1 HTTP/1.1\r\nHost: site.test:1\r\n\r\n");
        using var muxed = await User.ConnectAsync(mux2);
        await muxed.SendAsync("CONNECT site.test:1 HTTP/1.1\r\nHost: site.test:1\r\n\r\n");
        await HttpService.ReceiveHeadAsync(muxed.Socket).Soon();
        using var tcp = await User.ConnectAsync(pulse);
        using var visitor = await User.ConnectAsync(door);
        await visitor.EchoAsync();

        // What keeps the two ends together gets its time between the steps: a new user needs the control connection, too.
        for (var passed = TimeSpan.Zero; passed < Silence; passed += Step)
        {
            time.Advance(Step);
            await User.EchoOnceAsync(pulse);
        }

        foreach (var user in (User[])[events, socket, tunnel])
        {
            next.Release();
            Assert.Equal("2\r\nok\r\n", Encoding.ASCII.GetString(await user.ReceiveAsync(7)));
        }
        foreach (var user in (User[])[muxed, tcp, visitor]) await user.EchoAsync();
        Assert.Equal(1, server.SessionCount);

        async Task<User> AskAsync(string request)
        {
            var user = await User.ConnectAsync(vhost);
            await user.SendAsync(request);
            await HttpService.ReceiveHeadAsync(user.Socket).Soon();
            return user;
        }
    }

    private static T Load<T>(string file, Func<byte[], string, T> load) => load(Encoding.UTF8.GetBytes(file), "test");
}
