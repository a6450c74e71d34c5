using System.Net;
using System.Net.Sockets;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Which proxies a server takes, and the texts of those that it does not take.</summary>
public sealed class RegistrationTests : TunnelTest
{
    [Fact]
    public async Task Ports_that_cannot_be_had_are_refused_in_the_words_of_the_protocol()
    {
        await using var echo = TcpService.Echo();
        int first = Ports.NextRange(4), port = Ports.Next(), outside = Ports.Next();
        using var foreign = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        foreign.Bind(new IPEndPoint(IPAddress.Loopback, first + 1));
        foreign.Listen();
        await ServerAsync(port, $"allowPorts = [{{ start = {first}, end = {first + 2} }}, {{ single = {first + 3} }}, {{ single = {port} }}]");
        await using var udp = new UdpEcho();
        string Udp(string name, int remotePort) => $"[[proxies]]\nname = \"{name}\"\ntype = \"udp\"\nlocalPort = {udp.Port}\nremotePort = {remotePort}\n";
        await ClientAsync(port, ["user = \"one\""], new Proxy("taken", echo.Port, first));
        var client = StartClient(port, ["user = \"two\"", Udp("udp-free", first + 2), Udp("udp-outside", outside)],
            new Proxy("own", echo.Port, port), new Proxy("used", echo.Port, first), new Proxy("foreign", echo.Port, first + 1), new Proxy("outside", echo.Port, outside), new Proxy("free", echo.Port, first + 3));
        await client.WaitForTextAsync("[used] start error: port already used");
        await client.WaitForTextAsync("[foreign] start error: port unavailable");
        await client.WaitForTextAsync("[outside] start error: port not allowed");
        await client.WaitForTextAsync("[own] start error: port unavailable"); // the server's own
        await client.WaitForTextAsync("[udp-outside] start error: ");
        await client.WaitForTextAsync("[udp-free] start proxy success");
        await UdpUser.EchoOnceAsync(first + 2);
        await client.WaitForTextAsync("[free] start proxy success");
        await User.EchoOnceAsync(first);
        await User.EchoOnceAsync(first + 3);
        Assert.False(await Ports.AnswersAsync(outside));
    }

    [Fact]
    public async Task The_list_of_ports_holds_for_datagrams_and_the_servers_own_port_is_nobodys()
    {
        await using var tcp = TcpService.Echo();
        await using var udp = new UdpEcho();
        int first = Ports.NextRange(2), port = Ports.Next(), free = Ports.Next(), outside = Ports.Next();
        await ServerAsync(port, $"allowPorts = [{{ start = {first}, end = {first + 1} }}]");
        var client = StartClient(port, [Datagrams("inside", first), Datagrams("outside", outside), new Proxy("same-number", tcp.Port, first).ToString()]);
        await client.WaitForTextAsync($"[outside] start error: acquire port {outside} error: port not allowed");
        foreach (string name in (string[])["inside", "same-number"]) await client.WaitForTextAsync($"[{name}] start proxy success");
        // Who asks for any gets what is left.
        await StartClient(port, [Datagrams("any", 0)]).WaitForTextAsync("[any] start proxy success");
        await StartClient(port, [Datagrams("more", 0)]).WaitForTextAsync("[more] start error: acquire port 0 error: no available port");
        foreach (int datagrams in (int[])[first, first + 1]) await UdpUser.EchoOnceAsync(datagrams);
        await User.EchoOnceAsync(first);

        await ServerAsync(free);
        await StartClient(free, [], new Proxy("own", tcp.Port, free)).WaitForTextAsync("[own] start error: port unavailable");

        string Datagrams(string name, int remotePort) => $"\n[[proxies]]\nname = \"{name}\"\ntype = \"udp\"\nlocalPort = {udp.Port}\nremotePort = {remotePort}\n";
    }

    [Fact]
    public async Task A_client_gets_no_more_ports_than_its_share()
    {
        await using var echo = TcpService.Echo();
        int port = Ports.Next();
        var server = await ServerAsync(port, "maxPortsPerClient = 2");
        var third = new Proxy("c", echo.Port, Ports.Next());
        var client = StartClient(port, [], new Proxy("a", echo.Port, Ports.Next()), new Proxy("b", echo.Port, Ports.Next()), third);
        await client.WaitForTextAsync("[c] start error: exceed the max_ports_per_client");
        await server.WaitForTextAsync("new proxy [c] type [tcp] error: exceed the max_ports_per_client");
        Assert.Equal(2, client.Output.Count("start proxy success"));
        // The share is a client's, not the server's.
        await ClientAsync(port, ["user = \"other\""], third);
    }

    [Fact]
    public async Task A_name_belongs_to_one_client_at_a_time()
    {
        await using var echo = TcpService.Echo();
        int port = Ports.Next();
        var server = await ServerAsync(port);
        var proxy = new Proxy("name", echo.Port, Ports.Next());
        var holder = await ClientAsync(port, [], proxy);
        var other = StartClient(port, [], proxy with { RemotePort = Ports.Next() });
        await other.WaitForTextAsync("[name] start error: proxy [name] already exists");
        await User.EchoOnceAsync(proxy.RemotePort);
        // With a user name in front it is another name, and free once its holder has gone.
        await ClientAsync(port, ["user = \"else\""], proxy with { RemotePort = Ports.Next() });
        await server.WaitForTextAsync("new proxy [else.name] type [tcp] success");
        await holder.KillAsync();
        await server.WaitForTextAsync("close proxy [name] success");
        await ClientAsync(port, [], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
    }

    [Fact]
    public async Task So_does_a_client_ID_of_a_user()
    {
        int port = Ports.Next();
        await ServerAsync(port);
        var holder = StartClient(port, ["user = \"u\"", "clientID = \"c\""]);
        await holder.WaitForTextAsync("login to server success");
        var second = Work.Run("frpc", "-c", Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {port}\nuser = \"u\"\nclientID = \"c\"\n"));
        Assert.Equal(1, await second.WaitForExitAsync());
        Assert.Contains("client_id [c] for user [u] is already online", second.Output.ToString(), StringComparison.Ordinal);
        var other = StartClient(port, ["user = \"v\"", "clientID = \"c\""]);
        await other.WaitForTextAsync("login to server success");
        await holder.KillAsync();
        var successor = StartClient(port, ["user = \"u\"", "clientID = \"c\""]);
        await successor.WaitForTextAsync("login to server success");
    }

    [Fact]
    public async Task Every_proxy_is_said_to_have_started_once()
    {
        await using var echo = TcpService.Echo();
        int port = Ports.Next();
        await ServerAsync(port);
        var proxies = Enumerable.Range(0, 20).Select(i => new Proxy($"p{i:00}", echo.Port, Ports.Next())).ToArray();
        var client = await ClientAsync(port, ["user = \"me\""], proxies);
        await Task.WhenAll(proxies.Select(p => User.EchoOnceAsync(p.RemotePort)));
        foreach (var proxy in proxies) Assert.Equal(1, client.Output.Count(proxy.Started));
    }
}
