using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Every way from client to server, with and without multiplexing, in both message framings.</summary>
public sealed class TransportTests : TunnelTest
{
    private static readonly (string Name, string Lines)[] Ways =
    [
        ("clear", Clear),
        ("TLS", ""),
        ("TLS behind the marker byte", "transport.tls.disableCustomTLSFirstByte = false"),
        ("websocket", $"transport.protocol = \"websocket\"\n{Clear}"),
        ("websocket with TLS", "transport.protocol = \"websocket\""),
    ];

    public static IEnumerable<TheoryDataRow<string, bool, string>> Matrix() =>
        from way in Ways from mux in new[] { true, false } from wire in new[] { "v1", "v2" } select new TheoryDataRow<string, bool, string>(way.Name, mux, wire);

    [Theory]
    [MemberData(nameof(Matrix))]
    public async Task A_tunnel_works(string way, bool mux, string wire)
    {
        await using var echo = TcpService.Echo();
        var plain = new Proxy("plain", echo.Port, Ports.Next());
        var layered = new Proxy("layered", echo.Port, Ports.Next(), $"{Proxy.Encrypted}\n{Proxy.Compressed}");
        int port = Ports.Next();
        string carrier = mux ? "" : NoMux;
        await ServerAsync(port, "auth.token = \"secret\"", carrier);
        await ClientAsync(port, ["auth.token = \"secret\"", $"transport.wireProtocol = \"{wire}\"", carrier, Ways.Single(w => w.Name == way).Lines], plain, layered);
        foreach (var proxy in new[] { plain, layered })
        {
            using var user = await User.ConnectAsync(proxy.RemotePort);
            await user.EchoAsync(1);
            await user.EchoAsync(100);
            await user.EchoAsync(1 << 20);
            user.CompleteWrites();
            Assert.Empty(await user.ReceiveToEndAsync());
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_terminator_in_front_of_the_server_makes_wss(bool mux)
    {
        string? haproxy = ForeignPrograms.Find("haproxy");
        Assert.SkipWhen(haproxy is null, "haproxy is not installed");
        int port = Ports.Next(), front = Ports.Next();
        using var authority = new CertificateFolder(Work.Folder, "front");
        File.WriteAllText(Path.Combine(Work.Folder, "haproxy.cfg"), $"""
            defaults
              mode http
              timeout connect 10s
              timeout client 60s
              timeout server 60s
              timeout tunnel 1h
            frontend front
              bind 127.0.0.1:{front} ssl crt {authority.Issue("127.0.0.1").Both}
              default_backend back
            backend back
              server frps 127.0.0.1:{port}

            """);
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("wss", echo.Port, Ports.Next());
        string carrier = mux ? "" : NoMux;
        await ServerAsync(port, carrier);
        var terminator = Work.RunForeign(haproxy!, "-db", "-f", Path.Combine(Work.Folder, "haproxy.cfg"));
        await Patience.UntilAsync(() => Ports.AnswersAsync(front), () => $"haproxy does not listen: {terminator.Output}");
        await ClientAsync(front, [carrier, "transport.protocol = \"wss\""], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        await User.EchoOnceAsync(proxy.RemotePort, 1 << 20);
    }

    [Fact]
    public async Task A_user_of_IPv6_reaches_a_port_on_all_addresses()
    {
        Assert.SkipUnless(System.Net.Sockets.Socket.OSSupportsIPv6, "this machine has no IPv6");
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("both", echo.Port, Ports.Next());
        int port = Ports.Next();
        var server = Work.Run("frps", "-c", Work.Write($"bindPort = {port}\n"));
        await server.WaitForTextAsync(Started);
        await ClientAsync(port, [], proxy);
        await User.EchoOnceAsync(proxy.RemotePort, address: System.Net.IPAddress.IPv6Loopback);
        await User.EchoOnceAsync(proxy.RemotePort);
    }
}
