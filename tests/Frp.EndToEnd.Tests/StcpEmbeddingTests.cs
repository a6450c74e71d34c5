using System.Text;
using Frp.Client;
using Frp.Config;
using Frp.Proxies;
using Frp.Server;
using Frp.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace Frp.EndToEnd.Tests;

/// <summary>Visitors of a client that is a library.</summary>
public sealed class StcpEmbeddingTests
{
    [Fact]
    public async Task One_client_may_visit_its_own_proxy_and_says_how_its_visitors_are()
    {
        await using var echo = TcpService.Echo();
        await using var squatter = TcpService.Echo();
        int port = Ports.Next();
        Visitor door = new("door", "secret", Ports.Next()), busy = new("busy", "secret", squatter.Port), inner = new("inner", "secret", -1);
        await using var server = new FrpServer(ConfigLoader.LoadServer(Encoding.UTF8.GetBytes($"bindAddr = '127.0.0.1'\nbindPort = {port}"), "server").Config, NullLoggerFactory.Instance);
        string text = $"serverAddr = '127.0.0.1'\nserverPort = {port}\nuser = 'me'\nloginFailExit = false\n{new SecretProxy("secret", echo.Port)}{door}{busy}{inner}";
        await using var client = new FrpClient(ConfigLoader.LoadClient(Encoding.UTF8.GetBytes(text), "client", ProxyKinds.Catalog).Config, NullLoggerFactory.Instance);
        Assert.All(client.Visitors, v => Assert.Equal(VisitorPhase.New, v.Phase));
        await server.StartAsync(TestContext.Current.CancellationToken);
        await client.StartAsync(TestContext.Current.CancellationToken);
        await client.WaitUntilVisitorOpenAsync("door", CancellationToken.None).Soon();
        await client.WaitUntilVisitorOpenAsync("inner", CancellationToken.None).Soon();
        await client.WaitUntilRunningAsync("secret", CancellationToken.None).Soon();
        await User.EchoOnceAsync(door.Port, 100_000);
        await Patience.UntilAsync(() => client.Visitors[0].Phase == VisitorPhase.StartError, () => $"{client.Visitors[0]}");
        Assert.Equal(["busy", "door", "inner"], client.Visitors.Select(v => v.Name));
        Assert.All(client.Visitors, v => Assert.Equal("stcp", v.Type));
        Assert.Contains($"127.0.0.1:{squatter.Port}", client.Visitors[0].Error, StringComparison.Ordinal);
        Assert.All(client.Visitors.Skip(1), v => Assert.Equal((VisitorPhase.Running, ""), (v.Phase, v.Error)));
        await client.StopAsync(Patience.Limit).Soon();
        Assert.All(client.Visitors, v => Assert.Equal(VisitorPhase.Closed, v.Phase));
        Assert.False(await Ports.AnswersAsync(door.Port));
        Assert.Equal(0, client.UserCount);
    }
}
