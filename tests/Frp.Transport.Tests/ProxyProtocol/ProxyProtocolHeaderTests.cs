using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Frp.Wire;
using Yamux;

namespace Frp.Transport.Tests;

/// <summary>PROXY headers against what the reference sends to a service, and in front of a relay.</summary>
public sealed class ProxyProtocolHeaderTests
{
    public static TheoryData<string, string, string, int, int, int, string> Recorded()
    {
        var data = new TheoryData<string, string, string, int, int, int, string>();
        using var file = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Vectors", "proxy-protocol.json")));
        foreach (var c in file.RootElement.GetProperty("cases").EnumerateArray())
        {
            var user = c.GetProperty("user");
            data.Add(c.GetProperty("type").GetString()!, c.GetProperty("version").GetString()!, user[0].GetString()!, user[1].GetInt32(),
                c.GetProperty("backend_port").GetInt32(), c.GetProperty("remote_or_visitor_port").GetInt32(),
                c.GetProperty("local_service_received")[0].GetProperty("hex").GetString()!);
        }
        Assert.Equal(14, data.Count);
        return data;
    }

    [Theory]
    [MemberData(nameof(Recorded))]
    public void Headers_are_those_of_the_reference(string type, string version, string user, int userPort, int servicePort, int usersPort, string received)
    {
        if (type == "stcp") FromHeader(ref userPort, ref usersPort, received, version);
        bool datagrams = type is "udp" or "sudp";
        var source = new IPEndPoint(IPAddress.Parse(user), userPort);
        byte[] header;
        if (datagrams)
        {
            header = ProxyProtocolHeader.Encode(version, source, new IPEndPoint(IPAddress.Loopback, servicePort), datagrams: true);
        }
        else
        {
            var start = new StartWorkConn { SourceAddress = user, SourcePort = (ushort)userPort };
            if (type != "http") (start.DestinationAddress, start.DestinationPort) = (user, (ushort)usersPort);
            header = ProxyProtocolHeader.ForUser(version, start)!;
        }
        Assert.StartsWith(Convert.ToHexStringLower(header), received, StringComparison.Ordinal);
        var payload = Convert.FromHexString(received).AsSpan(header.Length);
        Assert.True(payload.StartsWith("payload"u8) || payload.StartsWith("first"u8) || payload.StartsWith("GET /plain HTTP/1.1\r\n"u8));

        // Between two frpcs the addresses are those of the visitor's connection to the server, which the recording tells only in the header.
        static void FromHeader(ref int from, ref int to, string hex, string version)
        {
            var bytes = Convert.FromHexString(hex);
            if (version == "v2")
            {
                (from, to) = (bytes[24] << 8 | bytes[25], bytes[26] << 8 | bytes[27]);
                return;
            }
            string[] words = System.Text.Encoding.ASCII.GetString(bytes).Split("\r\n")[0].Split(' ');
            (from, to) = (int.Parse(words[4], null), int.Parse(words[5], null));
        }
    }

    // Observed with the reference's client and made-up addresses.
    [Theory]
    [InlineData("v1", "2001:db8::1", "198.51.100.9", "50524f5859205443503620323030313a6462383a3a31203139382e35312e3130302e39203120320d0a")]
    [InlineData("v1", "fe80::1%eth0", "fe80::2%eth0", "50524f5859205443503620666538303a3a3120666538303a3a32203120320d0a")]
    [InlineData("v1", "::ffff:1.2.3.4", "::ffff:9.9.9.9", "50524f5859205443503420312e322e332e3420392e392e392e39203120320d0a")]
    [InlineData("v1", "192.0.2.7", "", "50524f58592054435034203139322e302e322e37203132372e302e302e31203120320d0a")]
    [InlineData("v2", "2001:db8::1", "198.51.100.9", "0d0a0d0a000d0a515549540a2121002420010db800000000000000000000000100000000000000000000ffffc633640900010002")]
    [InlineData("v2", "fe80::1%eth0", "fe80::2%eth0", "0d0a0d0a000d0a515549540a21210024fe800000000000000000000000000001fe80000000000000000000000000000200010002")]
    [InlineData("v2", "::ffff:1.2.3.4", "::ffff:9.9.9.9", "0d0a0d0a000d0a515549540a2111000c010203040909090900010002")]
    public void Families_are_mixed_as_the_reference_does(string version, string source, string destination, string expected)
    {
        var start = new StartWorkConn { SourceAddress = source, SourcePort = 1, DestinationAddress = destination, DestinationPort = 2 };
        Assert.Equal(expected, Convert.ToHexStringLower(ProxyProtocolHeader.ForUser(version, start)!));
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public void What_makes_no_header_is_an_error_and_an_unknown_user_gets_none(string version)
    {
        var start = new StartWorkConn { SourceAddress = "192.0.2.7", SourcePort = 1, DestinationAddress = "2001:db8::2", DestinationPort = 2 };
        Assert.Throws<IOException>(() => ProxyProtocolHeader.ForUser(version, start));
        Assert.Throws<IOException>(() => ProxyProtocolHeader.ForUser(version, start with { DestinationAddress = "some.host" }));
        Assert.Throws<IOException>(() => ProxyProtocolHeader.ForUser(version, start with { SourceAddress = "some.host" }));
        Assert.Null(ProxyProtocolHeader.ForUser(version, start with { SourceAddress = "" }));
        Assert.Null(ProxyProtocolHeader.ForUser(version, start with { SourcePort = 0 }));
        Assert.Null(ProxyProtocolHeader.ForUser("", start with { SourceAddress = "nobody asks" }));
    }

    [Fact]
    public async Task A_header_leaves_together_with_what_came_behind_the_start_message()
    {
        var (a, b) = MemoryDuplex.Pair();
        await using var layered = await ProxyProtocolHeader.PrependAsync(new PrefixedConnection(a, "surplus"u8.ToArray()), "head "u8.ToArray());
        Assert.Equal("head surplus"u8.ToArray(), await layered.Stream.ReadAsync(12));
        await b.WriteAndFlushAsync("rest"u8.ToArray());
        Assert.Equal("rest"u8.ToArray(), await layered.Stream.ReadAsync(4));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_header_comes_first_whether_or_not_payload_waits_in_the_mux_stream(bool waits)
    {
        var (clientCarrier, serverCarrier) = await Peers.ConnectionPairAsync();
        await using var client = new YamuxSession(clientCarrier.Stream, YamuxRole.Client, new YamuxOptions());
        await using var server = new YamuxSession(serverCarrier.Stream, YamuxRole.Server, new YamuxOptions());
        var running = Task.WhenAll(client.RunAsync(CancellationToken.None), server.RunAsync(CancellationToken.None));
        await using var far = await client.OpenStreamAsync(Patience.Token);
        if (waits) await far.WriteAsync("payload"u8.ToArray(), Patience.Token);
        var near = (await server.AcceptStreamAsync(Patience.Token))!;
        if (waits) Assert.Equal(0, await near.ReadAsync(Memory<byte>.Empty, Patience.Token));
        await using var work = await ProxyProtocolHeader.PrependAsync(new MuxConnection(near, null, null), "PROXY\r\n"u8.ToArray());
        var (service, ours) = await Peers.PairAsync();
        using (service)
        {
            var relaying = Relay.RunAsync(ours, work, RelayEnd.CloseBoth, TimeProvider.System, Patience.Token);
            // The header does not wait for the user's first byte.
            Assert.Equal("PROXY\r\n"u8.ToArray(), await service.ReceiveAsync(7));
            if (!waits) await far.WriteAsync("payload"u8.ToArray(), Patience.Token);
            Assert.Equal("payload"u8.ToArray(), await service.ReceiveAsync(7));
            service.Shutdown(SocketShutdown.Both);
            await relaying.WaitAsync(Patience.Token);
        }
    }
}
