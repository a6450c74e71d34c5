using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using ProtocolViolationException = Frp.Wire.ProtocolViolationException;

namespace Frp.Transport.Tests;

public class ServerDialerTests
{
    private static readonly Lazy<TlsServer> Tls = new(() => TlsServer.Load(new TlsServerOptions(), TimeProvider.System));

    public static TheoryData<string, bool, bool> Carriers
    {
        get
        {
            var data = new TheoryData<string, bool, bool>();
            foreach (var protocol in new[] { Transports.Tcp, Transports.WebSocket })
            {
                foreach (var tls in new[] { false, true })
                {
                    data.Add(protocol, tls, true);
                    if (tls) data.Add(protocol, tls, false);
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Carriers))]
    public async Task Every_carrier_reaches_the_bind_port(string protocol, bool tls, bool noMarker)
    {
        await using var listener = await Peers.ListenAsync("::");
        foreach (var address in new[] { "127.0.0.1", "localhost" })
        {
            var options = Options(listener, protocol) with { ServerAddress = address, EnableTls = tls, DisableCustomTlsFirstByte = noMarker };
            var dial = ServerDialer.Create(options, TimeProvider.System).DialAsync(Patience.Token).AsTask();
            var serve = ServeAsync(listener, requireTls: tls);
            var client = await dial.Soon();
            await client.WriteAndFlushAsync("the client speaks first"u8.ToArray());
            var server = await serve.Soon();
            Assert.Equal("the client speaks first"u8.ToArray(), await server.Stream.ReadAsync(23));
            await Peers.AssertEchoAsync(client, server);
            var layers = (tls ? CarrierLayers.Tls : CarrierLayers.None) | (protocol == Transports.WebSocket ? CarrierLayers.WebSocket : CarrierLayers.None);
            Assert.Equal((layers, layers), (client.Layers, server.Layers));
            await client.DisposeAsync();
            Assert.Equal(0, await server.Stream.ReadAsync(new byte[1], Patience.Token));
            await server.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("tcp", true)]
    [InlineData("tcp", false)]
    [InlineData("websocket", true)]
    [InlineData("websocket", false)]
    public async Task TLS_opens_with_the_recorded_bytes_in_one_packet(string protocol, bool noMarker)
    {
        var recorded = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Vectors", "tls-first-byte.json"))).RootElement
            .GetProperty("cases").EnumerateArray()
            .Single(c => c.GetProperty("protocol").GetString() == protocol && c.GetProperty("disableCustomTLSFirstByte").GetBoolean() == noMarker)
            .GetProperty("opening").GetString()!;
        await using var listener = await Peers.ListenAsync();
        using var cancel = new CancellationTokenSource();
        var dial = ServerDialer.Create(Options(listener, protocol) with { DisableCustomTlsFirstByte = noMarker }, TimeProvider.System).DialAsync(cancel.Token).AsTask();
        var connection = await listener.AcceptConnectionAsync();
        if (protocol == "websocket") connection = await WebSocketListenerHandshake.RunAsync(connection, TimeProvider.System, Patience.Token);

        var opening = new byte[4096];
        var count = await connection.Stream.ReadAsync(opening, Patience.Token);
        var marker = noMarker ? 0 : 1;
        // marker, handshake record 3.1; the record's length says that all of the ClientHello came with the marker
        Assert.Equal(recorded[..(2 * (marker + 3))], Convert.ToHexStringLower(opening.AsSpan(0, marker + 3)));
        Assert.Equal(marker + 5 + ((opening[marker + 3] << 8) | opening[marker + 4]), count);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dial.Soon());
    }

    [Fact]
    public async Task Wss_has_TLS_outside_and_the_name_as_host()
    {
        using var authority = new TestAuthority("Wss Root");
        var (cert, key) = authority.Issue("example.com");
        var tls = TlsServer.Load(new TlsServerOptions { CertFile = cert, KeyFile = key }, TimeProvider.System);
        await using var listener = await Peers.ListenAsync();
        var options = Options(listener, Transports.Wss) with
        {
            EnableTls = false, // makes no difference here
            DisableCustomTlsFirstByte = false, // nor does this
            Tls = new TlsClientOptions { TrustedCaFile = authority.CaFile, ServerName = "example.com" },
        };
        var dial = ServerDialer.Create(options, TimeProvider.System).DialAsync(Patience.Token).AsTask();
        var accepted = await listener.AcceptConnectionAsync();
        var outer = await tls.AuthenticateAsync(accepted, Patience.Token).Soon();
        var server = await WebSocketListenerHandshake.RunAsync(outer, TimeProvider.System, Patience.Token).Soon();
        Assert.Equal("http://example.com", server.Origin);
        var client = await dial.Soon();
        Assert.Equal(CarrierLayers.Tls | CarrierLayers.WebSocket, client.Layers);
        await Peers.AssertEchoAsync(client, server);
        await server.DisposeAsync();
        Assert.Equal(0, await client.Stream.ReadAsync(new byte[1], Patience.Token));
    }

    [Fact]
    public async Task A_server_that_closes_instead_of_answering_is_an_error_of_the_dial()
    {
        await using var listener = await Peers.ListenAsync();
        var dial = ServerDialer.Create(Options(listener, "websocket"), TimeProvider.System).DialAsync(Patience.Token).AsTask();
        var accepted = await listener.AcceptConnectionAsync();
        await HttpHead.ReadAsync(accepted.Stream, default, 4096, Patience.Token);
        await accepted.DisposeAsync();
        await Assert.ThrowsAsync<EndOfStreamException>(() => dial.Soon());
    }

    [Theory]
    [InlineData("tcp", "TLS handshake")]
    [InlineData("websocket", "WebSocket upgrade")]
    [InlineData("wss", "TLS handshake")]
    public async Task A_silent_server_is_given_up(string protocol, string wait)
    {
        var time = new FakeTimeProvider();
        await using var listener = await Peers.ListenAsync();
        var dial = ServerDialer.Create(Options(listener, protocol), time).DialAsync(Patience.Token).AsTask();
        var accepted = await listener.AcceptConnectionAsync();
        await accepted.Stream.ReadAsync(1); // it has begun: its deadline runs
        time.Advance(TimeSpan.FromSeconds(10));
        var e = await Assert.ThrowsAsync<TimeoutException>(() => dial.Soon());
        Assert.Equal($"no {wait} within 10 s", e.Message);
    }

    [Fact]
    public async Task Addresses_are_tried_in_order()
    {
        await using var listener = await Peers.ListenAsync();
        // 127.0.0.2 has nobody on that port, at least not on Linux, where all of 127/8 is ours.
        var options = new TcpDialOptions { Resolver = new FixedResolver(IPAddress.Parse("127.0.0.2"), IPAddress.Loopback) };
        await using var connection = await TcpDialer.DialAsync("somewhere", listener.Port, options, TimeProvider.System, Patience.Token);
        Assert.Equal(IPAddress.Loopback, ((IPEndPoint)connection.Remote!).Address);
    }

    [Fact]
    public async Task A_refusal_names_the_address()
    {
        using var silent = BindAddress.Bind(new IPEndPoint(IPAddress.Loopback, 0), SocketType.Stream, ProtocolType.Tcp); // ours, and nobody listens
        int port = ((IPEndPoint)silent.LocalEndPoint!).Port;
        var e = await Assert.ThrowsAsync<SocketException>(
            async () => await TcpDialer.DialAsync("127.0.0.1", port, new TcpDialOptions(), TimeProvider.System, Patience.Token));
        Assert.StartsWith($"dial 127.0.0.1:{port}: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_local_address_is_used_and_chooses_the_family()
    {
        await using var listener = await Peers.ListenAsync("::");
        var options = new TcpDialOptions
        {
            LocalAddress = OperatingSystem.IsLinux() ? IPAddress.Parse("127.0.0.9") : IPAddress.Loopback,
            Resolver = new FixedResolver(IPAddress.IPv6Loopback, IPAddress.Loopback),
        };
        await using var connection = await TcpDialer.DialAsync("somewhere", listener.Port, options, TimeProvider.System, Patience.Token);
        Assert.Equal(options.LocalAddress, ((IPEndPoint)connection.Local!).Address);
    }

    [Fact]
    public async Task A_wildcard_destination_is_this_machine()
    {
        await using var listener = await Peers.ListenAsync("::");
        await using var connection = await TcpDialer.DialAsync("0.0.0.0", listener.Port, new TcpDialOptions(), TimeProvider.System, Patience.Token);
        Assert.Equal(IPAddress.Loopback, ((IPEndPoint)connection.Remote!).Address);
    }

    [Fact]
    public void Names_that_are_no_transport_are_refused() =>
        Assert.Throws<ArgumentException>(() => ServerDialer.Create(new ServerDialOptions { ServerAddress = "x", ServerPort = 1, Protocol = "carrier-pigeon" }, TimeProvider.System));

    [Fact]
    public void Certificate_files_are_read_only_when_TLS_is_used()
    {
        var options = new ServerDialOptions { ServerAddress = "x", ServerPort = 1, Tls = new TlsClientOptions { TrustedCaFile = "/nowhere" } };
        Assert.Throws<TlsFileException>(() => ServerDialer.Create(options, TimeProvider.System));
        Assert.Throws<TlsFileException>(() => ServerDialer.Create(options with { EnableTls = false, Protocol = "wss" }, TimeProvider.System));
        Assert.NotNull(ServerDialer.Create(options with { EnableTls = false }, TimeProvider.System));
    }

    [Fact]
    public void Failures_are_sorted_into_reasons()
    {
        Assert.Equal(CloseKind.Refused, CloseReason.From(new AuthenticationException("x")).Kind);
        Assert.Equal(CloseKind.Refused, CloseReason.From(new ProxyRefusedException("x")).Kind);
        Assert.Equal(CloseKind.ProtocolViolation, CloseReason.From(new ProtocolViolationException("x")).Kind);
        Assert.Equal(CloseKind.Timeout, CloseReason.From(new TimeoutException("x")).Kind);
    }

    private static ServerDialOptions Options(TcpBindListener listener, string protocol) =>
        new() { ServerAddress = "127.0.0.1", ServerPort = listener.Port, Protocol = protocol };

    private static async Task<Connection> ServeAsync(TcpBindListener listener, bool requireTls)
    {
        var accepted = await listener.AcceptConnectionAsync();
        return (await new BindPortHandshake(Tls.Value, requireTls, TimeProvider.System).RunAsync(accepted, Patience.Token).Soon())!;
    }

    private sealed class FixedResolver(params IPAddress[] addresses) : INameResolver
    {
        public ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken cancellationToken) => new(addresses);
    }
}
