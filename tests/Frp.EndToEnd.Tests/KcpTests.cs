using System.Net;
using System.Net.Sockets;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Client and server over UDP.</summary>
public sealed class KcpTests : TunnelTest
{
    private const string Kcp = "transport.protocol = \"kcp\"";

    public static IEnumerable<TheoryDataRow<string, bool, string>> Matrix() =>
        from tls in new[] { "none", "plain", "marked" } from mux in new[] { true, false } from wire in new[] { "v1", "v2" } select new TheoryDataRow<string, bool, string>(tls, mux, wire);

    [Theory]
    [MemberData(nameof(Matrix))]
    public async Task Megabytes_go_both_ways_at_once(string tls, bool mux, string wire)
    {
        await using var service = TcpService.Transfers();
        var proxy = new Proxy("bulk", service.Port, Ports.Next(), mux ? "" : Proxy.Encrypted);
        int port = Ports.Next();
        string carrier = mux ? "" : NoMux;
        string layer = tls switch { "none" => Clear, "plain" => "", _ => "transport.tls.disableCustomTLSFirstByte = false" };
        // The same number as the TCP port's, as most configurations have it.
        await ServerAsync(port, $"kcpBindPort = {port}", "auth.token = \"secret\"", carrier);
        await ClientAsync(port, [Kcp, "auth.token = \"secret\"", $"transport.wireProtocol = \"{wire}\"", carrier, layer], proxy);
        using var user = await User.ConnectAsync(proxy.RemotePort);
        Assert.True(await user.TransferAsync(3_000_000, 3_000_000).Soon());
    }

    [Fact]
    public async Task The_end_of_a_user_and_of_a_service_arrive_at_the_other_side()
    {
        await using var echo = TcpService.Echo();
        await using var digest = TcpService.Digest();
        Proxy echoes = new("echo", echo.Port, Ports.Next()), digests = new("digest", digest.Port, Ports.Next());
        int port = Ports.Next();
        await ServerAsync(port, $"kcpBindPort = {port}");
        await ClientAsync(port, [Kcp], echoes, digests);
        using (var user = await User.ConnectAsync(echoes.RemotePort)) await user.EchoAsync(100_000);
        await Patience.UntilAsync(() => echo.OpenCount == 0, () => "the service has not heard of its user's end");
        using var asking = await User.ConnectAsync(digests.RemotePort);
        await asking.SendAsync("hello");
        asking.CompleteWrites();
        Assert.Equal(32, (await asking.ReceiveToEndAsync()).Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_server_that_was_killed_comes_back_with_its_tunnel(bool mux)
    {
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("back", echo.Port, Ports.Next());
        int port = Ports.Next();
        string[] lines = [$"kcpBindPort = {port}", mux ? "" : NoMux];
        var server = await ServerAsync(port, lines);
        // Without a word nothing is noticed: over UDP nobody says that a program has died, until something is sent to where it was.
        var client = await ClientAsync(port, [Kcp, mux ? "transport.tcpMuxKeepaliveInterval = 1" : $"{NoMux}\ntransport.heartbeatInterval = 1"], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        await server.KillAsync();
        await client.WaitForTextAsync("session lost");
        await ServerAsync(port, lines);
        await client.WaitForTextAsync(proxy.Started, times: 2);
        await User.EchoOnceAsync(proxy.RemotePort);
    }

    [Fact]
    public async Task A_client_that_is_stopped_takes_its_ports_and_its_session_along_at_once()
    {
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("gone", echo.Port, Ports.Next());
        int port = Ports.Next();
        var server = await ServerAsync(port, $"kcpBindPort = {port}");
        var client = await ClientAsync(port, [Kcp], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        client.Terminate();
        Assert.Equal(0, await client.WaitForExitAsync());
        await server.WaitForTextAsync("close proxy [gone] success");
        await UntilClosedAsync(proxy.RemotePort);
        await server.WaitForTextAsync("client exit success");
    }

    [Fact]
    public async Task A_port_that_is_taken_is_told_and_nothing_is_left_behind()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        int port = Ports.Next();
        taken.Bind(new IPEndPoint(IPAddress.Loopback, port));
        var server = Work.Run("frps", "-c", Work.Write($"bindAddr = \"127.0.0.1\"\nbindPort = {Ports.Next()}\nkcpBindPort = {port}\n"));
        Assert.Equal(1, await server.WaitForExitAsync());
        Assert.Contains($"listen on kcp udp address 127.0.0.1:{port} error: ", server.Output.ToString() + server.Errors, StringComparison.Ordinal);
    }
}
