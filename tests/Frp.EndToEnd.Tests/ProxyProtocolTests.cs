using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Services that demand a PROXY header, and say whom they see.</summary>
public sealed class ProxyProtocolTests : TunnelTest
{
    public static IEnumerable<TheoryDataRow<string, string, bool>> Modes() =>
        from service in new[] { "haproxy", "nginx" }
        from version in new[] { "v1", "v2" }
        from mux in new[] { true, false }
        select new TheoryDataRow<string, string, bool>(service, version, mux);

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_service_behind_the_tunnel_sees_its_user(string service, string version, bool mux)
    {
        string? program = ForeignPrograms.Find(service);
        Assert.SkipWhen(program is null, $"{service} is not installed");
        int local = Ports.Next(), port = Ports.Next();
        if (service == "haproxy") RunHaproxy(program!, local);
        else RunNginx(program!, local);
        await Patience.UntilAsync(() => Ports.AnswersAsync(local), () => $"{service} does not listen");
        string[] carrier = mux ? [] : [NoMux];
        await ServerAsync(port, [.. carrier, "proxyBindAddr = \"::\""]);
        var plain = new Proxy("plain", local, Ports.Next(), $"transport.proxyProtocolVersion = \"{version}\"");
        var layered = plain with { Name = "layered", RemotePort = Ports.Next(), More = $"{plain.More}\n{Proxy.Encrypted}\n{Proxy.Compressed}" };
        await ClientAsync(port, carrier, plain, layered);
        foreach (var address in new[] { IPAddress.Loopback, IPAddress.IPv6Loopback })
        {
            foreach (var proxy in new[] { plain, layered })
            {
                using var user = await User.ConnectAsync(proxy.RemotePort, address);
                await user.SendAsync("GET / HTTP/1.0\r\n\r\n");
                string answer = Encoding.ASCII.GetString(await user.ReceiveToEndAsync());
                var here = (IPEndPoint)user.Socket.LocalEndPoint!;
                Assert.EndsWith(string.Create(CultureInfo.InvariantCulture, $"\r\n\r\nuser {address} {here.Port} at {address} {proxy.RemotePort}."), answer, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Of_the_datagrams_of_a_user_the_first_has_a_header()
    {
        int port = Ports.Next(), door = Ports.Next();
        byte[] said = "said"u8.ToArray();
        using var service = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        service.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var here = (IPEndPoint)service.LocalEndPoint!;
        await ServerAsync(port);
        var client = StartClient(port, [$"[[proxies]]\nname = \"datagrams\"\ntype = \"udp\"\nlocalPort = {here.Port}\nremotePort = {door}\ntransport.proxyProtocolVersion = \"v2\""]);
        await client.WaitForTextAsync("[datagrams] start proxy success");
        for (int i = 0; i < 2; i++)
        {
            using var user = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            user.Connect(IPAddress.Loopback, door);
            byte[] first = await AskAsync(user);
            Assert.Equal([.. HeaderOf(0x12, (IPEndPoint)user.LocalEndPoint!, here.Port), .. said], first);
            byte[] second = await AskAsync(user);
            Assert.Equal(said, second);
        }

        // Datagrams may be lost, here as anywhere: he who hears nothing asks again.
        async Task<byte[]> AskAsync(Socket user)
        {
            var buffer = new byte[1500];
            var receiving = service.ReceiveAsync(buffer.AsMemory()).AsTask();
            while (true)
            {
                await user.SendAsync(said);
                if (await Task.WhenAny(receiving, Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System, TestContext.Current.CancellationToken)) == receiving) return buffer[..await receiving];
            }
        }
    }

    [Fact]
    public async Task A_service_that_leaves_after_it_is_no_answer_to_a_request()
    {
        int port = Ports.Next(), vhost = Ports.Next();
        var seen = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var service = TcpService.Start(async socket => seen.TrySetResult(await socket.ReceiveExactlyAsync(28)));
        await ServerAsync(port, $"vhostHTTPPort = {vhost}");
        var client = StartClient(port, [$"[[proxies]]\nname = \"web\"\ntype = \"http\"\nlocalPort = {service.Port}\ncustomDomains = [\"a.test\"]\ntransport.proxyProtocolVersion = \"v2\""]);
        await client.WaitForTextAsync("[web] start proxy success");
        using var user = await User.ConnectAsync(vhost);
        await user.SendAsync("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
        Assert.Equal(404, (await HttpAnswer.ReceiveAsync(user.Socket)).Status);
        byte[] header = await seen.Task.Soon();
        Assert.Equal(HeaderOf(0x11, (IPEndPoint)user.Socket.LocalEndPoint!, destinationPort: 0), header);
    }

    private static byte[] HeaderOf(byte family, IPEndPoint user, int destinationPort) =>
    [
        .. "\r\n\r\n\0\r\nQUIT\n"u8, 0x21, family, 0, 12, 127, 0, 0, 1, 127, 0, 0, 1,
        (byte)(user.Port >> 8), (byte)user.Port, (byte)(destinationPort >> 8), (byte)destinationPort,
    ];

    private void RunHaproxy(string program, int port) => Work.RunForeign(program, "-db", "-f", Work.Write($"""
        defaults
            mode http
            timeout connect 5s
            timeout client 30s
            timeout server 30s
        frontend users
            bind 127.0.0.1:{port} accept-proxy
            http-request return status 200 content-type text/plain lf-string "user %[src] %[src_port] at %[dst] %[dst_port]."

        """));

    private void RunNginx(string program, int port) => Work.RunForeign(program, "-p", Work.Folder, "-e", Path.Combine(Work.Folder, "nginx.err"), "-c", Work.Write($$"""
        daemon off;
        master_process off;
        pid {{Work.Folder}}/nginx.pid;
        events { }
        http {
            access_log off;
            client_body_temp_path {{Work.Folder}}/body;
            proxy_temp_path {{Work.Folder}}/proxy;
            fastcgi_temp_path {{Work.Folder}}/fastcgi;
            uwsgi_temp_path {{Work.Folder}}/uwsgi;
            scgi_temp_path {{Work.Folder}}/scgi;
            server {
                listen 127.0.0.1:{{port}} proxy_protocol;
                default_type text/plain;
                return 200 "user $proxy_protocol_addr $proxy_protocol_port at $proxy_protocol_server_addr $proxy_protocol_server_port.";
            }
        }

        """));
}
