using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>A network that swallows everything and tells nobody.</summary>
public abstract class BlackHoleTest : TunnelTest
{
    // The thread pool keeps threads that it needed for a while, more of them on a busy machine; what it must not do is keep them for good.
    private const int SpareThreads = 4;
    private const int Rounds = 2;

    /// <summary>Swallows what is open, waits for the tunnel to come back, and looks at what the programs hold.</summary>
    private protected async Task RecoverAsync(string[] serverLines, string[] clientLines, bool newOnes)
    {
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("hole", echo.Port, Ports.Next());
        int port = Ports.Next();
        var server = await ServerAsync(port, serverLines);
        await using var wire = new FaultyWire(port);
        var client = await ClientAsync(wire.Port, clientLines, proxy);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => User.EchoOnceAsync(proxy.RemotePort, 10_000)));
        await Patience.UntilAsync(() => echo.OpenCount == 0, () => "users are still there");
        (int Sockets, int Threads) serverLevel = (server.SocketCount, server.ThreadCount), clientLevel = (client.SocketCount, client.ThreadCount);

        for (int round = 1; round <= Rounds; round++)
        {
            using var user = await User.ConnectAsync(proxy.RemotePort);
            await user.EchoAsync();
            wire.Swallow(newOnes);
            await user.SendAsync("lost");
            if (newOnes)
            {
                await client.WaitForTextAsync("session lost", round);
                wire.Mend();
            }
            await client.WaitForTextAsync(proxy.Started, round + 1);
            await User.EchoOnceAsync(proxy.RemotePort);
            // What was in the tunnel when it broke is given up on both sides.
            await user.WaitForEndAsync();
            await Patience.UntilAsync(() => echo.OpenCount == 0, () => "the service still has a user");
        }

        await BackToAsync(server, serverLevel);
        await BackToAsync(client, clientLevel);
        await User.EchoOnceAsync(proxy.RemotePort);
        await client.KillAsync();
        await UntilClosedAsync(proxy.RemotePort);
    }

    private static async Task BackToAsync(RunningProgram program, (int Sockets, int Threads) level)
    {
        await Patience.UntilAsync(() => program.SocketCount <= level.Sockets, () => $"{program.Name}: {program.SocketCount} sockets instead of {level.Sockets}");
        await Patience.UntilAsync(() => program.ThreadCount <= level.Threads + SpareThreads, () => $"{program.Name}: {program.ThreadCount} threads instead of {level.Threads}");
    }
}

public sealed class BlackHoleWithMultiplexingTests : BlackHoleTest
{
    [Fact]
    public Task The_keepalive_gives_up_and_the_tunnel_comes_back() =>
        RecoverAsync(["transport.tcpMuxKeepaliveInterval = 1"], ["transport.tcpMuxKeepaliveInterval = 1"], newOnes: false);
}

public sealed class BlackHoleForNewConnectionsTests : BlackHoleTest
{
    [Fact]
    public Task The_client_keeps_trying_until_the_network_is_back() =>
        RecoverAsync(["transport.tcpMuxKeepaliveInterval = 1"], ["transport.tcpMuxKeepaliveInterval = 1"], newOnes: true);
}

public sealed class BlackHoleWithoutMultiplexingTests : BlackHoleTest
{
    // Without multiplexing a user's connection has no keepalive of its own but TCP's, so users of the hole are not looked at here.
    [Fact]
    public async Task The_heartbeat_gives_up_and_the_tunnel_comes_back()
    {
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("hole", echo.Port, Ports.Next());
        int port = Ports.Next();
        var server = await ServerAsync(port, NoMux, "transport.heartbeatTimeout = 3");
        await using var wire = new FaultyWire(port);
        var client = await ClientAsync(wire.Port, [NoMux, "transport.heartbeatInterval = 1", "transport.heartbeatTimeout = 3"], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        for (int round = 2; round <= 3; round++)
        {
            wire.Swallow(newOnes: false);
            await client.WaitForTextAsync("heartbeat timeout", round - 1);
            await client.WaitForTextAsync(proxy.Started, round);
            await UntilWorkingAsync(proxy.RemotePort);
        }
        await client.KillAsync();
        await UntilClosedAsync(proxy.RemotePort);
        await server.WaitForTextAsync("client exit success", 3);
    }
}
