using System.Net.Sockets;
using System.Text;
using Frp.Client;
using Frp.Config;
using Frp.Proxies;
using Frp.Server;
using Frp.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Frp.EndToEnd.Tests;

/// <summary>Users and services who end their direction and then vanish, by a clock that the test puts forward for server and client alike.</summary>
public sealed class DepartureTests
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(3);

    public static IEnumerable<TheoryDataRow<string, string>> Modes() =>
        from carrier in new[] { "", "transport.tcpMux = false", "transport.tcpMux = false\ntransport.tls.enable = false" }
        from layers in new[] { "", $"{Proxy.Encrypted}\n{Proxy.Compressed}\ntransport.bandwidthLimit = \"1MB\"" }
        select new TheoryDataRow<string, string>(carrier, layers);

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task They_are_let_go_at_both_ends_and_those_who_wait_are_not(string carrier, string layers)
    {
        var heard = new SemaphoreSlim(0);
        var stop = new TaskCompletionSource();
        // Reads to the end, and then does nothing about it.
        await using var deaf = TcpService.Start(async socket =>
        {
            await socket.ReceiveToEndAsync();
            heard.Release();
            await stop.Task.Soon();
        });
        // Ends its direction, and is gone when the test says so.
        var leave = new TaskCompletionSource();
        await using var leaving = TcpService.Start(async socket =>
        {
            await socket.SendAllAsync("farewell"u8.ToArray());
            socket.Shutdown(SocketShutdown.Send);
            await leave.Task.Soon();
            socket.LingerState = new LingerOption(enable: true, 0);
        });
        await using var patient = TcpService.Digest();
        await using var echo = TcpService.Echo();
        var time = new FakeTimeProvider();
        int port = Ports.Next(), toDeaf = Ports.Next(), toLeaving = Ports.Next(), pulse = Ports.Next(), door = Ports.Next(), toPatient = Ports.Next();
        string serverCarrier = carrier.Split('\n')[0];
        await using var server = new FrpServer(
            Load($"bindAddr = \"127.0.0.1\"\nbindPort = {port}\n{serverCarrier}", (file, name) => ConfigLoader.LoadServer(file, name).Config), NullLoggerFactory.Instance, time);
        await server.StartAsync(TestContext.Current.CancellationToken);
        await using var client = new FrpClient(Load($"""
            serverAddr = "127.0.0.1"
            serverPort = {port}
            {carrier}
            {new Proxy("pulse", echo.Port, pulse)}
            {new Proxy("deaf", deaf.Port, toDeaf, layers)}
            {new Proxy("leaving", leaving.Port, toLeaving, layers)}
            {new Proxy("patient", patient.Port, toPatient, layers)}
            [[proxies]]
            name = "secret"
            type = "stcp"
            secretKey = "k"
            localPort = {deaf.Port}
            {layers}
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
            foreach (string name in (string[])["pulse", "deaf", "leaving", "patient", "secret"]) await client.WaitUntilRunningAsync(name, patience.Token);
        }
        // Not by a connection to try it: that would be one more user who vanishes, in his own time.
        await Patience.UntilAsync(() => client.Visitors.All(v => v.Phase == VisitorPhase.Running), () => "the visitor does not listen");

        using var asked = await User.ConnectAsync(toPatient);
        await asked.SendAsync("question");
        using var stays = await User.ConnectAsync(toLeaving);
        Assert.Equal("farewell", Encoding.ASCII.GetString(await stays.ReceiveToEndAsync()));
        foreach (int way in new[] { toDeaf, door })
        {
            var user = await User.ConnectAsync(way);
            await user.SendAsync("x");
            user.CompleteWrites();
            Assert.True(await heard.WaitAsync(Patience.Limit)); // the end has come through, the reset finds the relays half-closed
            user.Reset();
        }
        leave.SetResult();
        await Patience.UntilAsync(GoneAsync, () => $"server: {server.DescribeState()}; client: {client.DescribeState()}");

        // Who only waits is there still, whatever the time.
        asked.CompleteWrites();
        Assert.Equal(32, (await asked.ReceiveToEndAsync()).Length);
        stop.SetResult();

        // One user is left, on both sides: the one who waits. What keeps the two ends together gets its time between the steps.
        async Task<bool> GoneAsync()
        {
            if (server.UserCount == 1 && client.UserCount == 1) return true;
            time.Advance(Step);
            await User.EchoOnceAsync(pulse);
            return false;
        }
    }

    private static T Load<T>(string file, Func<byte[], string, T> load) => load(Encoding.UTF8.GetBytes(file), "test");
}
