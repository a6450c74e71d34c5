using System.Net.Sockets;
using System.Security.Cryptography;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>TLS services by host name.</summary>
public sealed class HttpsTests : HttpsTunnelTest
{
    private const string UnrecognizedName = "unrecognized name";

    [Theory]
    [InlineData("")]
    [InlineData(Proxy.Encrypted)]
    [InlineData($"{Proxy.Encrypted}\n{Proxy.Compressed}")]
    public async Task Services_are_told_apart_by_the_name_that_users_ask_for(string layers)
    {
        int port = Ports.Next(), vhost = Ports.Next(), one = Ports.Next(), two = Ports.Next();
        await NginxAsync(("one", one, ["a.test", "x.wild.test", "y.x.wild.test"]), ("two", two, ["b.test", "web.sub.test"]));
        await ServerAsync(port, $"vhostHTTPSPort = {vhost}", "subDomainHost = \"sub.test\"");
        var client = await ServeAsync(port, [],
            Named("one", "https", one, Domains("A.test", "*.wild.test"), layers), Named("two", "https", two, Domains("b.test"), "subdomain = \"web\"", layers));
        Assert.Equal("one a.test TLSv1.3", await GetAsync("a.test", vhost));
        Assert.Equal("one x.wild.test TLSv1.3", await GetAsync("x.wild.test", vhost));
        Assert.Equal("one y.x.wild.test TLSv1.3", await GetAsync("y.x.wild.test", vhost));
        Assert.Equal("two b.test TLSv1.2", await GetAsync("b.test", vhost, "--tls-max", "1.2"));
        Assert.Equal("two web.sub.test TLSv1.3", await GetAsync("web.sub.test", vhost));
        Assert.True(client.IsRunning);
    }

    [Fact]
    public async Task A_name_that_nobody_serves_is_refused_by_an_alert()
    {
        int port = Ports.Next(), vhost = Ports.Next(), one = Ports.Next();
        await NginxAsync(("one", one, ["a.test"]));
        var server = await ServerAsync(port, $"vhostHTTPSPort = {vhost}");
        string named = Named("one", "https", one, Domains("a.test"));
        var client = await ServeAsync(port, [], named);
        Assert.Contains("Verification: OK", await HandshakeAsync(vhost, "-servername", "a.test"), StringComparison.Ordinal);
        Assert.Contains(UnrecognizedName, await HandshakeAsync(vhost, "-servername", "nobody.test"), StringComparison.Ordinal);
        Assert.Contains(UnrecognizedName, await HandshakeAsync(vhost, "-noservername"), StringComparison.Ordinal);
        Assert.Contains(UnrecognizedName, await HandshakeAsync(vhost, "-noservername", "-tls1_2"), StringComparison.Ordinal);

        // A proxy for everybody else takes those without a name too.
        await ServeAsync(port, ["user = \"all\""], Named("rest", "https", one, Domains("*")));
        Assert.Contains("CONNECTION ESTABLISHED", await HandshakeAsync(vhost, "-noservername"), StringComparison.Ordinal);
        Assert.Equal((0, "one  TLSv1.3"), await CurlAsync("-k", $"https://127.0.0.1:{vhost}/"));

        // The name goes with its client, and comes with the next one.
        await client.KillAsync();
        await server.WaitForTextAsync("close proxy [one] success");
        await ServeAsync(port, [], named);
        Assert.Equal("one a.test TLSv1.3", await GetAsync("a.test", vhost));
    }

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task A_long_hello_in_many_records_and_segments_is_understood(string version)
    {
        int port = Ports.Next(), vhost = Ports.Next(), one = Ports.Next();
        await NginxAsync(("one", one, ["a.test"]));
        await ServerAsync(port, $"vhostHTTPSPort = {vhost}");
        await ServeAsync(port, [], Named("one", "https", one, Domains("a.test")));
        string protocols = string.Join(',', Enumerable.Range(0, 30).Select(static i => $"{i:00}{new string('x', 200)}").Append("http/1.1"));
        await using var trickle = TcpService.Start(socket => TrickleAsync(socket, vhost));
        foreach (int way in new[] { vhost, trickle.Port })
        {
            string output = await HandshakeAsync(way, version, "-servername", "a.test", "-alpn", protocols, "-max_send_frag", "512");
            Assert.Contains("Verification: OK", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Bytes_pass_untouched_and_each_direction_ends_on_its_own()
    {
        await using var digest = TcpService.Digest();
        int port = Ports.Next(), vhost = Ports.Next();
        await ServerAsync(port, $"vhostHTTPSPort = {vhost}");
        await ServeAsync(port, [], Named("digest", "https", digest.Port, Domains("a.test")));
        byte[] sent = [.. HelloFor("a.test"), .. RandomNumberGenerator.GetBytes(300_000)];
        using var user = await User.ConnectAsync(vhost);
        await user.SendAsync(sent);
        user.CompleteWrites();
        Assert.Equal(SHA256.HashData(sent), await user.ReceiveToEndAsync());
    }

    [Fact]
    public async Task The_members_of_a_group_share_a_name()
    {
        int port = Ports.Next(), vhost = Ports.Next(), mux = Ports.Next(), one = Ports.Next(), two = Ports.Next();
        await NginxAsync(("one", one, ["a.test"]), ("two", two, ["a.test"]));
        var server = await ServerAsync(port, $"vhostHTTPSPort = {vhost}", $"tcpmuxHTTPConnectPort = {mux}");
        string[] group = [Domains("a.test"), "loadBalancer.group = \"g\"", "loadBalancer.groupKey = \"k\""], muxed = [.. group, "multiplexer = \"httpconnect\""];
        var first = await ServeAsync(port, ["user = \"first\""], Named("tls", "https", one, group), Named("mux", "tcpmux", one, muxed));
        await ServeAsync(port, ["user = \"second\""], Named("tls", "https", two, group), Named("mux", "tcpmux", two, muxed));
        var stranger = StartClient(port, ["user = \"third\"",
            Named("tls", "https", two, [.. group[..2], "loadBalancer.groupKey = \"x\""]), Named("mux", "tcpmux", two, [.. muxed, "httpUser = \"u\""]),
            // A group has one name: a member with two is no member.
            Named("two", "https", two, [Domains("a.test", "b.test"), .. group[1..]])]);
        await stranger.WaitForTextAsync("[two] start error: group params invalid");
        await stranger.WaitForTextAsync("[tls] start error: group auth failed");
        await stranger.WaitForTextAsync("[mux] start error: group params invalid");
        string[] ways = ["--noproxy", "*"], through = ["-x", $"http://127.0.0.1:{mux}"];
        foreach (string[] way in new[] { ways, through })
        {
            var seen = new List<string>();
            for (int i = 0; i < 6; i++) seen.Add(await GetAsync("a.test", vhost, way));
            Assert.Equal(3, seen.Count(static s => s == "one a.test TLSv1.3"));
            Assert.Equal(3, seen.Count(static s => s == "two a.test TLSv1.3"));
        }
        await first.KillAsync();
        await server.WaitForTextAsync("close proxy [first.tls] success");
        for (int i = 0; i < 2; i++) Assert.Equal("two a.test TLSv1.3", await GetAsync("a.test", vhost));
    }

    [Fact]
    public async Task Registrations_that_cannot_be_are_refused_in_the_words_of_the_protocol()
    {
        await using var echo = TcpService.Echo();
        int port = Ports.Next(), plain = Ports.Next();
        await ServerAsync(port, $"vhostHTTPSPort = {Ports.Next()}", "subDomainHost = \"sub.test\"");
        await ServerAsync(plain);
        await ServeAsync(port, [], Named("first", "https", echo.Port, Domains("a.test")));
        var client = StartClient(port, ["user = \"u\"",
            Named("taken", "https", echo.Port, Domains("free.test", "A.test")), Named("sub", "https", echo.Port, Domains("x.sub.test")), Named("label", "https", echo.Port, "subdomain = \"a.b\"")]);
        await client.WaitForTextAsync("[taken] start error: router config conflict");
        await client.WaitForTextAsync("[sub] start error: custom domain [x.sub.test] should not belong to subdomain host [sub.test]");
        await client.WaitForTextAsync("[label] start error: '.' and '*' are not supported in subdomain");
        var off = StartClient(plain, [Named("off", "https", echo.Port, Domains("a.test")), Named("mux", "tcpmux", echo.Port, Domains("a.test"), "multiplexer = \"httpconnect\"")]);
        await off.WaitForTextAsync("[off] start error: type [https] not supported when vhost https port is not set");
        await off.WaitForTextAsync("[mux] start error: tcpmux with multiplexer httpconnect not supported because this feature is not enabled in server");
        // What a refused proxy had got already is free again.
        await ServeAsync(port, ["user = \"v\""], Named("free", "https", echo.Port, Domains("free.test")));
    }

    [Fact]
    public async Task Silence_and_noise_harm_nobody()
    {
        int port = Ports.Next(), vhost = Ports.Next(), mux = Ports.Next(), one = Ports.Next();
        await NginxAsync(("one", one, ["a.test"]));
        var server = await ServerAsync(port, $"vhostHTTPSPort = {vhost}", $"tcpmuxHTTPConnectPort = {mux}");
        await ServeAsync(port, [], Named("one", "https", one, Domains("a.test")), Named("mux", "tcpmux", one, Domains("a.test"), "multiplexer = \"httpconnect\""));
        int before = server.SocketCount;
        var users = new List<User>();
        byte[][] openings = [[], [0x16], [0x16, 3, 1, 2, 0, 1, 0], [0x16, .. RandomNumberGenerator.GetBytes(5000)], RandomNumberGenerator.GetBytes(5000), "CONNECT "u8.ToArray(),
            "CONNECT a.test:443 HTTP/1.1\r\n"u8.ToArray(), "GET / HTTP/1.1\r\n\r\n"u8.ToArray(), [0x16, 3, 1, 0xff, 0xff], [.. "CONNECT "u8, .. new byte[100_000]]];
        foreach (byte[] opening in openings)
        {
            for (int i = 0; i < 10; i++)
            {
                var user = await User.ConnectAsync(i % 2 == 0 ? vhost : mux);
                users.Add(user);
                try
                {
                    await user.SendAsync(opening);
                }
                catch (SocketException)
                {
                    // Refused before it was all said.
                }
            }
        }
        Assert.Equal("one a.test TLSv1.3", await GetAsync("a.test", vhost));
        foreach (var user in users) user.Dispose();
        await Patience.UntilAsync(() => server.SocketCount <= before, () => $"{server.SocketCount} sockets instead of {before}");
        Assert.Equal("one a.test TLSv1.3", await GetAsync("a.test", vhost));
        server.Terminate();
        Assert.Equal(0, await server.WaitForExitAsync());
        Assert.DoesNotContain("fault", server.Output.ToString(), StringComparison.Ordinal);
    }

    /// <summary>Passes on what users say byte by byte.</summary>
    private static async Task TrickleAsync(Socket socket, int port)
    {
        using var user = await User.ConnectAsync(port);
        var down = DownAsync();
        var one = new byte[1];
        while (await socket.ReceiveAsync(one.AsMemory()) > 0) await user.SendAsync(one);
        user.CompleteWrites();
        await down;

        async Task DownAsync()
        {
            var buffer = new byte[4096];
            while (await user.Socket.ReceiveAsync(buffer.AsMemory()) is var count and > 0) await socket.SendAllAsync(buffer.AsMemory(0, count));
            socket.Shutdown(SocketShutdown.Send);
        }
    }
}
