using System.Net.Quic;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Client and server by QUIC, where the platform's library for it is there, and what is said where it is not.</summary>
public sealed class QuicTests : TunnelTest
{
    private const string Quic = "transport.protocol = \"quic\"";

    private static readonly bool IsThere = (OperatingSystem.IsLinux() || OperatingSystem.IsMacOS() || OperatingSystem.IsWindows()) && QuicConnection.IsSupported;

    public QuicTests() => Assert.SkipUnless(IsThere, "libmsquic is not installed");

    [Theory]
    [InlineData("v1", "")]
    [InlineData("v2", "")]
    [InlineData("v2", NoMux)]
    [InlineData("v1", Clear)]
    public async Task Megabytes_go_both_ways_at_once(string wire, string line)
    {
        await using var service = TcpService.Transfers();
        var proxy = new Proxy("bulk", service.Port, Ports.Next());
        int port = Ports.Next();
        // The same number as the TCP port's, as most configurations have it.
        await ServerAsync(port, $"quicBindPort = {port}", "auth.token = \"secret\"", line == NoMux ? NoMux : "");
        await ClientAsync(port, [Quic, "auth.token = \"secret\"", $"transport.wireProtocol = \"{wire}\"", line], proxy);
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
        await ServerAsync(port, $"quicBindPort = {port}");
        await ClientAsync(port, [Quic], echoes, digests);
        using (var user = await User.ConnectAsync(echoes.RemotePort)) await user.EchoAsync(100_000);
        await Patience.UntilAsync(() => echo.OpenCount == 0, () => "the service has not heard of its user's end");
        using var asking = await User.ConnectAsync(digests.RemotePort);
        await asking.SendAsync("hello");
        asking.CompleteWrites();
        Assert.Equal(32, (await asking.ReceiveToEndAsync()).Length);
    }

    [Fact]
    public async Task A_server_that_was_killed_comes_back_with_its_tunnel()
    {
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("back", echo.Port, Ports.Next());
        int port = Ports.Next();
        string[] lines = [$"quicBindPort = {port}"];
        var server = await ServerAsync(port, lines);
        var client = await ClientAsync(port, [Quic, "transport.quic.maxIdleTimeout = 3"], proxy);
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
        var server = await ServerAsync(port, $"quicBindPort = {port}");
        var client = await ClientAsync(port, [Quic], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        client.Terminate();
        Assert.Equal(0, await client.WaitForExitAsync());
        await server.WaitForTextAsync("client exit success");
        await UntilClosedAsync(proxy.RemotePort);
    }

    [Fact]
    public async Task A_server_that_stops_is_left_at_once()
    {
        int port = Ports.Next();
        var server = await ServerAsync(port, $"quicBindPort = {port}");
        var client = await ClientAsync(port, [Quic]);
        await client.WaitForTextAsync("login to server success");
        server.Terminate();
        Assert.Equal(0, await server.WaitForExitAsync());
        await client.WaitForTextAsync("session lost");
    }

    [Fact]
    public async Task Another_key_than_the_pinned_one_is_refused()
    {
        int port = Ports.Next();
        await ServerAsync(port, $"quicBindPort = {port}");
        var client = StartClient(port, [Quic, "transport.tls.pinnedKey = \"sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\""]);
        await client.WaitForTextAsync("is not the pinned one");
    }
}

/// <summary>What is said on a machine without the library.</summary>
public sealed class QuicAbsenceTests : TunnelTest
{
    public QuicAbsenceTests() => Assert.SkipWhen((OperatingSystem.IsLinux() || OperatingSystem.IsMacOS() || OperatingSystem.IsWindows()) && QuicConnection.IsSupported, "libmsquic is installed");

    [Fact]
    public async Task A_client_does_not_start()
    {
        var client = Work.Run("frpc", "-c", Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {Ports.Next()}\ntransport.protocol = \"quic\"\n"));
        Assert.Equal(1, await client.WaitForExitAsync());
        Assert.Contains("transport.protocol: QUIC needs the library libmsquic (2.2 or later), which is not there", client.Output.ToString() + client.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_serves_what_it_can()
    {
        int port = Ports.Next();
        var server = await ServerAsync(port, $"quicBindPort = {port}");
        await server.WaitForTextAsync("quicBindPort is set, but it is not served: QUIC needs the library libmsquic");
    }
}
