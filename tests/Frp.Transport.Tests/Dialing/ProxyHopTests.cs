using System.Text;

namespace Frp.Transport.Tests;

public class ProxyHopTests
{
    [Theory]
    [InlineData("user:p%40ss", "Proxy-Authorization: Basic dXNlcjpwQHNz\r\n")]
    [InlineData("", "")]
    public async Task Http_connects_with_the_reference_s_request(string userInfo, string authorization)
    {
        await using var proxy = await Peers.ListenAsync();
        var dial = DialAsync($"http://{(userInfo.Length > 0 ? userInfo + "@" : "")}127.0.0.1:{proxy.Port}", "frps.example");
        var server = await AcceptAsync(proxy);
        Assert.Equal($"CONNECT frps.example:7000 HTTP/1.1\r\nHost: frps.example:7000\r\nUser-Agent: Mozilla/5.0\r\n{authorization}\r\n", await ReadHeadAsync(server));
        await AnswerAsync(server, "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nearly"); // and the server's first bytes at once
        var client = await dial.Soon();
        Assert.Equal("early"u8.ToArray(), await client.Stream.ReadAsync(5));
        await Peers.AssertEchoAsync(client, server);
    }

    [Fact]
    public async Task IPv6_servers_are_put_in_brackets()
    {
        await using var proxy = await Peers.ListenAsync();
        var dial = DialAsync($"http://127.0.0.1:{proxy.Port}", "2001:db8::1");
        var server = await AcceptAsync(proxy);
        Assert.StartsWith("CONNECT [2001:db8::1]:7000 HTTP/1.1\r\n", await ReadHeadAsync(server), StringComparison.Ordinal);
        await server.DisposeAsync();
        await Assert.ThrowsAsync<ProxyRefusedException>(() => dial.Soon());
    }

    [Theory]
    [InlineData("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "proxy answered CONNECT with 407 Proxy Authentication Required")]
    [InlineData("HTTP/1.0 503 \u001b[31m\r\n\r\n", "malformed answer from the proxy")]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n", "204 No Content")]
    [InlineData("SSH-2.0-OpenSSH\r\n\r\n", "malformed HTTP response")]
    public async Task Anything_but_200_is_an_error_that_says_so(string answer, string error)
    {
        await using var proxy = await Peers.ListenAsync();
        var dial = DialAsync($"http://127.0.0.1:{proxy.Port}", "x");
        var server = await AcceptAsync(proxy);
        await ReadHeadAsync(server);
        await AnswerAsync(server, answer);
        var e = await Assert.ThrowsAnyAsync<IOException>(() => dial.Soon());
        Assert.Contains(error, e.Message, StringComparison.Ordinal);
        Assert.Equal(0, await server.Stream.ReadAsync(new byte[1], Patience.Token));
    }

    [Theory]
    [InlineData("ftp://127.0.0.1:1", "ProxyType must be http, https, socks5 or ntlm, not [ftp]")]
    [InlineData("127.0.0.1:8080", "transport.proxyURL is not a URL")]
    [InlineData("nonsense", "transport.proxyURL is not a URL")]
    public async Task Other_schemes_are_errors_of_the_dial(string url, string error)
    {
        var e = await Assert.ThrowsAsync<ProxyRefusedException>(() => DialAsync(url, "x").Soon());
        Assert.Equal(error, e.Message);
    }

    [Fact]
    public async Task Https_proxies_are_verified()
    {
        await using var proxy = await Peers.ListenAsync();
        var dial = DialAsync($"https://127.0.0.1:{proxy.Port}", "x");
        var server = await AcceptAsync(proxy);
        var handshake = TlsServer.Load(new TlsServerOptions(), TimeProvider.System).AuthenticateAsync(server, Patience.Token).AsTask();
        await Assert.ThrowsAsync<System.Security.Authentication.AuthenticationException>(() => dial.Soon());
        Assert.NotNull(await Record.ExceptionAsync(async () => await (await handshake.Soon()).Stream.ReadAsync(1)));
    }

    [Theory]
    [InlineData("frps.example", "030c667270732e6578616d706c65")]
    [InlineData("192.0.2.7", "01c0000207")]
    [InlineData("2001:db8::1", "0420010db8000000000000000000000001")]
    public async Task Socks_connects_by_name_and_address(string host, string address)
    {
        await using var proxy = await Peers.ListenAsync();
        var dial = DialAsync($"socks5://127.0.0.1:{proxy.Port}", host);
        var server = await AcceptAsync(proxy);
        Assert.Equal("050100", await ReadHexAsync(server, 3));
        await server.WriteAndFlushAsync(Convert.FromHexString("0500"));
        Assert.Equal($"050100{address}1b58", await ReadHexAsync(server, 3 + (address.Length / 2) + 2));
        // a bound address of each kind, and the server's first bytes right behind it
        var bound = address[..2] == "03" ? "0305616263646500" + "50" : address + "0050";
        await server.WriteAndFlushAsync(Convert.FromHexString("050000" + bound + "6f"));
        var client = await dial.Soon();
        Assert.Equal("o"u8.ToArray(), await client.Stream.ReadAsync(1));
        await Peers.AssertEchoAsync(client, server);
    }

    [Theory]
    [InlineData("0502", "0100", null)]
    [InlineData("0502", "0101", "the SOCKS proxy refused user and password")]
    [InlineData("05ff", null, "the SOCKS proxy wants another kind of authentication")]
    [InlineData("0400", null, "the proxy does not speak SOCKS 5")]
    public async Task Socks_authenticates(string method, string? status, string? error)
    {
        await using var proxy = await Peers.ListenAsync();
        var dial = DialAsync($"socks5://us%3Aer:secret@127.0.0.1:{proxy.Port}", "192.0.2.7");
        var server = await AcceptAsync(proxy);
        Assert.Equal("05020002", await ReadHexAsync(server, 4));
        await server.WriteAndFlushAsync(Convert.FromHexString(method));
        if (status is not null)
        {
            Assert.Equal("0105" + "75733a6572" + "06" + "736563726574", await ReadHexAsync(server, 14));
            await server.WriteAndFlushAsync(Convert.FromHexString(status));
        }
        if (error is null)
        {
            await ReadHexAsync(server, 10);
            await server.WriteAndFlushAsync(Convert.FromHexString("05000001000000000000"));
            await Peers.AssertEchoAsync(await dial.Soon(), server);
        }
        else
        {
            Assert.Equal(error, (await Assert.ThrowsAnyAsync<IOException>(() => dial.Soon())).Message);
        }
    }

    [Fact]
    public async Task Socks_refusals_are_named()
    {
        await using var proxy = await Peers.ListenAsync();
        var dial = DialAsync($"socks5://127.0.0.1:{proxy.Port}", "192.0.2.7");
        var server = await AcceptAsync(proxy);
        await ReadHexAsync(server, 3);
        await server.WriteAndFlushAsync(Convert.FromHexString("0500"));
        await ReadHexAsync(server, 10);
        await server.WriteAndFlushAsync(Convert.FromHexString("05050001000000000000"));
        Assert.Equal("the SOCKS proxy refused: connection refused", (await Assert.ThrowsAsync<ProxyRefusedException>(() => dial.Soon())).Message);
    }

    [Theory]
    [InlineData("Negotiate", false)]
    [InlineData("NTLM", false)]
    [InlineData("NTLM", true)]
    public async Task Ntlm_answers_the_challenge_on_the_same_connection(string scheme, bool knowsNothingElse)
    {
        const string challenge =
            "4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef00000000000000002400240044000000060070170000000f53006500720076006500" +
            "7200020" + "00c0044006f006d00610069006e0001000c0053006500720076006500720000000000";
        await using var proxy = await Peers.ListenAsync();
        var dial = DialAsync($"ntlm://Domain%5CUser:Password@127.0.0.1:{proxy.Port}", "frps.example");
        var server = await AcceptAsync(proxy);
        var first = await ReadHeadAsync(server);
        Assert.StartsWith("CONNECT frps.example:7000 HTTP/1.1\r\n", first, StringComparison.Ordinal);
        Assert.Contains("Proxy-Authorization: Negotiate TlRMTVNTUAABAAAA", first, StringComparison.Ordinal);
        if (knowsNothingElse)
        {
            await AnswerAsync(server, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM\r\nContent-Length: 9\r\n\r\nforbidden");
            Assert.Contains("Proxy-Authorization: NTLM TlRMTVNTUAABAAAA", await ReadHeadAsync(server), StringComparison.Ordinal);
        }
        await AnswerAsync(server,
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\n" +
            $"Proxy-Authenticate: {scheme} {Convert.ToBase64String(Convert.FromHexString(challenge))}\r\nContent-Length: 9\r\n\r\nforbidden");
        var second = HttpHead.TryParse(Encoding.Latin1.GetBytes(await ReadHeadAsync(server)))!;
        var authorization = second["Proxy-Authorization"]!.Split(' ');
        Assert.Equal(scheme, authorization[0]);
        var message = Convert.FromBase64String(authorization[1]);
        Assert.Equal(3, message[8]);

        // The proxy's own check: the proof over what the client says it answered.
        var response = message.AsSpan(BitConverter.ToInt32(message, 24), BitConverter.ToUInt16(message, 20)).ToArray();
        var key = NtlmMessage.ResponseKey("User", "Domain", "Password");
        var expected = System.Security.Cryptography.HMACMD5.HashData(key, (byte[])[.. Convert.FromHexString("0123456789abcdef"), .. response[16..]]);
        Assert.Equal(expected, response[..16]);

        await AnswerAsync(server, "HTTP/1.1 200 OK\r\n\r\n");
        await Peers.AssertEchoAsync(await dial.Soon(), server);
    }

    [Theory]
    [InlineData("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n\r\n", "no NTLM challenge")]
    [InlineData("HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM TlRMTVNTUAACAAAA\r\nConnection: close\r\n\r\n", "closes the connection")]
    [InlineData("HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM TlRMTVNTUAACAAAA\r\nContent-Length: 99999999\r\n\r\n", "unreasonable Content-Length")]
    [InlineData("HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM TlRMTVNTUAACAAAA\r\n\r\n", "malformed NTLM challenge")]
    [InlineData("HTTP/1.1 502 Bad Gateway\r\n\r\n", "502 Bad Gateway")]
    public async Task Ntlm_refusals_are_named(string answer, string error)
    {
        await using var proxy = await Peers.ListenAsync();
        var dial = DialAsync($"ntlm://u:p@127.0.0.1:{proxy.Port}", "x");
        var server = await AcceptAsync(proxy);
        await ReadHeadAsync(server);
        await AnswerAsync(server, answer);
        Assert.Contains(error, (await Assert.ThrowsAnyAsync<IOException>(() => dial.Soon())).Message, StringComparison.Ordinal);
    }

    private static Task<Connection> DialAsync(string proxyUrl, string host) => ServerDialer.Create(
        new ServerDialOptions { ServerAddress = host, ServerPort = 7000, EnableTls = false, ProxyUrl = proxyUrl }, TimeProvider.System).DialAsync(Patience.Token).AsTask();

    private static async Task<Connection> AcceptAsync(TcpBindListener proxy) =>
        await proxy.AcceptConnectionAsync();

    private static async Task<string> ReadHeadAsync(Connection server)
    {
        var (head, surplus) = await HttpHead.ReadAsync(server.Stream, default, 64 * 1024, Patience.Token);
        Assert.True(surplus.IsEmpty);
        return Encoding.Latin1.GetString(head.Span);
    }

    private static Task AnswerAsync(Connection server, string text) => server.WriteAndFlushAsync(Encoding.Latin1.GetBytes(text));

    private static async Task<string> ReadHexAsync(Connection server, int count) => Convert.ToHexStringLower(await server.Stream.ReadAsync(count));
}
