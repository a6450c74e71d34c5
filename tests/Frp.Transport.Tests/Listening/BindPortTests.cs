using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using ProtocolViolationException = Frp.Wire.ProtocolViolationException;

namespace Frp.Transport.Tests;

public class BindPortTests
{
    private static readonly Lazy<TlsServer> Tls = new(() => TlsServer.Load(new TlsServerOptions(), TimeProvider.System));
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Clear_text_passes_untouched_and_stays_a_bare_socket()
    {
        var (peer, ours) = await Peers.PairAsync();
        await peer.SendAsync("0123456789abc");
        var connection = await RunAsync(ours).Soon();
        Assert.True(connection!.TryGetSocket(out _));
        Assert.Equal("0123456789abc"u8.ToArray(), await connection.Stream.ReadAsync(13));
    }

    [Fact]
    public async Task Clear_text_byte_by_byte_is_put_together()
    {
        var (peer, ours) = await Peers.PairAsync();
        var handshake = RunAsync(ours);
        for (var i = 0; i < 13; i++) await peer.SendAsync(((char)('0' + i)).ToString());
        var connection = await handshake.Soon();
        Assert.Equal("0123456789:;<"u8.ToArray(), await connection!.Stream.ReadAsync(13));
        Assert.True(connection.TryGetSocket(out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("123456789")]
    public async Task Silence_and_half_an_opening_are_closed_after_ten_seconds(string opening)
    {
        var (peer, ours) = await Peers.PairAsync();
        await peer.SendAsync(opening);
        var handshake = RunAsync(ours);
        _time.Advance(BindPortHandshake.PrefaceTimeout - TimeSpan.FromMilliseconds(1));
        Assert.False(handshake.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await Assert.ThrowsAsync<TimeoutException>(() => handshake.Soon());
        await AssertClosedAsync(peer);
    }

    [Theory]
    [InlineData("")]
    [InlineData("123456789")]
    public async Task An_early_end_is_closed_at_once(string opening)
    {
        var (peer, ours) = await Peers.PairAsync();
        await peer.SendAsync(opening);
        peer.Shutdown(SocketShutdown.Send);
        await Assert.ThrowsAsync<EndOfStreamException>(() => RunAsync(ours).Soon());
        await AssertClosedAsync(peer);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TLS_is_found_with_and_without_the_marker_byte(bool marker)
    {
        var (client, ours) = await Peers.ConnectionPairAsync();
        var handshake = RunAsync(ours);
        var dial = TlsClient.Load(new TlsClientOptions(), TimeProvider.System).AuthenticateAsync(client, "x", marker ? (byte)0x17 : null, Patience.Token);
        var server = await handshake.Soon();
        Assert.Equal(CarrierLayers.Tls, server!.Layers);
        await Peers.AssertEchoAsync(await dial.Soon(), server);
    }

    [Fact]
    public async Task Clear_text_is_refused_when_TLS_is_required()
    {
        var (peer, ours) = await Peers.PairAsync();
        await peer.SendAsync("0123456789");
        await Assert.ThrowsAsync<ProtocolViolationException>(() => RunAsync(ours, requireTls: true).Soon());
        await AssertClosedAsync(peer);
    }

    [Fact]
    public async Task Garbage_after_the_TLS_byte_is_closed()
    {
        var (peer, ours) = await Peers.PairAsync();
        await peer.SendAsync("\x17garbage garbage garbage");
        await Assert.ThrowsAnyAsync<Exception>(() => RunAsync(ours).Soon());
        await AssertClosedAsync(peer);
    }

    [Fact]
    public async Task A_TLS_handshake_that_stops_is_closed_after_its_time()
    {
        var (peer, ours) = await Peers.PairAsync();
        await peer.SendAsync("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
        var handshake = RunAsync(ours);
        while (!handshake.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1)); // the preface's deadline is over when the bytes are there; then TLS's runs
            await Task.Yield();
        }
        await Assert.ThrowsAsync<TimeoutException>(() => handshake);
        await AssertClosedAsync(peer);
    }

    [Theory]
    [InlineData("\x16\x03\x01\x02\x03\x04\x05\x06\x07\x08", "https")]
    [InlineData("POST /index HTTP/1.1", "http")]
    [InlineData("PRI * HTTP/2.0\r\n", "http")]
    [InlineData("GET /~!frpx", "frp")] // the WebSocket rule comes first
    [InlineData("\x17\x16\x03\x01\x02\x03\x04\x05\x06\x07", "frp")]
    [InlineData("GETTING on", "http")]
    [InlineData("0123456789", "frp")]
    public async Task Sharing_rules_are_asked_in_order(string opening, string taker)
    {
        var takers = new List<string>();
        PrefaceRule[] sharing =
        [
            new("https", PrefaceMatches.Tls, (c, _) => TakeAsync("https", c)),
            new("http", PrefaceMatches.Http, (c, _) => TakeAsync("http", c)),
        ];
        var (peer, ours) = await Peers.PairAsync();
        await peer.SendAsync(opening);
        peer.Shutdown(SocketShutdown.Send); // so that frp's own rules come to an end
        var handshake = new BindPortHandshake(Tls.Value, requireTls: false, _time, sharing);
        var result = await Record.ExceptionAsync(async () => Assert.Equal(taker == "frp", await handshake.RunAsync(ours, Patience.Token) is not null));
        Assert.True(result is null || taker == "frp", result?.ToString());
        Assert.Equal(taker == "frp" ? [] : [taker], takers);

        async ValueTask<Connection?> TakeAsync(string name, Connection connection)
        {
            takers.Add(name);
            Assert.Equal((byte)opening[0], (await connection.Stream.ReadAsync(1))[0]);
            return null;
        }
    }

    [Fact]
    public async Task A_silent_peer_delays_nobody()
    {
        await using var port = await ListenAsync();
        using var silent = await Peers.DialAsync(((System.Net.IPEndPoint)port.Local).Port);
        var first = await port.AcceptAsync(Patience.Token).Soon();
        var waiting = first!.HandshakeAsync(Patience.Token).AsTask();

        using var busy = await Peers.DialAsync(((System.Net.IPEndPoint)port.Local).Port);
        await busy.SendAsync("0123456789");
        var second = await port.AcceptAsync(Patience.Token).Soon();
        Assert.NotNull(await second!.HandshakeAsync(Patience.Token).Soon());
        Assert.False(waiting.IsCompleted);
        first.Abort();
        Assert.Null(await waiting.Soon());
    }

    [Fact]
    public async Task A_silent_peer_that_must_go_is_closed()
    {
        await using var port = await ListenAsync();
        using var silent = await Peers.DialAsync(((System.Net.IPEndPoint)port.Local).Port);
        var incoming = await port.AcceptAsync(Patience.Token).Soon();
        using var must = new CancellationTokenSource();
        var waiting = incoming!.HandshakeAsync(must.Token).AsTask();
        await must.CancelAsync();
        Assert.Null(await waiting.Soon());
        Assert.Equal(0, await silent.ReceiveAsync(new byte[1]).Soon());
    }

    [Fact]
    public async Task Accepting_ends_with_null_when_the_listener_is_disposed()
    {
        var port = await ListenAsync();
        var accept = port.AcceptAsync(Patience.Token);
        await port.DisposeAsync();
        Assert.Null(await accept.Soon());
        Assert.Null(await port.AcceptAsync(Patience.Token).Soon());
    }

    [Fact]
    public async Task Accepting_can_be_cancelled_and_taken_up_again()
    {
        await using var port = await ListenAsync();
        using var cancel = new CancellationTokenSource();
        var accept = port.AcceptAsync(cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accept.Soon());
        using var peer = await Peers.DialAsync(((System.Net.IPEndPoint)port.Local).Port);
        Assert.NotNull(await port.AcceptAsync(Patience.Token).Soon());
    }

    [Fact]
    public async Task A_port_in_use_says_so_and_a_closed_one_can_be_bound_again()
    {
        var first = await Peers.ListenAsync();
        var e = await Assert.ThrowsAsync<SocketException>(async () =>
            await TcpBindListener.BindAsync("127.0.0.1", first.Port, new(), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance));
        Assert.Equal(SocketError.AddressAlreadyInUse, e.SocketErrorCode);
        using var peer = await Peers.DialAsync(first.Port);
        var accepted = await first.AcceptConnectionAsync();
        await accepted.DisposeAsync(); // we close first: the port's side keeps a TIME_WAIT
        Assert.Empty(await peer.ReceiveAllAsync());
        await first.DisposeAsync();
        var again = await TcpBindListener.BindAsync("127.0.0.1", first.Port, new(), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        await again.DisposeAsync();
    }

    private async Task<IListener> ListenAsync() =>
        new BindPortListener(await Peers.ListenAsync(), () => new BindPortHandshake(Tls.Value, requireTls: false, _time));

    private Task<Connection?> RunAsync(Connection accepted, bool requireTls = false) =>
        new BindPortHandshake(Tls.Value, requireTls, _time).RunAsync(accepted, Patience.Token).AsTask();

    private static async Task AssertClosedAsync(Socket peer)
    {
        try
        {
            await peer.ReceiveAllAsync();
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            // closed with unread bytes: just as closed
        }
    }
}
