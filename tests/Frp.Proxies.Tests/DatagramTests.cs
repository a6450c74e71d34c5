using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Frp.TestKit;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Proxies.Tests;

/// <summary>Both ends of a tunnel for datagrams, with a clock that stands still.</summary>
public sealed class DatagramTests
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_user_who_rests_for_30_s_is_forgotten_and_nobody_else(int version)
    {
        using var service = new EchoSocket();
        await using var tunnel = await TunnelEnds.OpenAsync(version == 1 ? V1Codec.Instance : V2Codec.Session, _time, service.EndPoint);
        using var resting = tunnel.NewUser();
        using var active = tunnel.NewUser();
        Echo(resting);
        Echo(active);
        Assert.Equal(2, tunnel.Local.FlowCount);
        _time.Advance(TimeSpan.FromSeconds(20));
        Echo(active);
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.Equal(2, tunnel.Local.FlowCount);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(1, tunnel.Local.FlowCount);
        _time.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(0, tunnel.Local.FlowCount);
        Echo(resting); // and comes back
        Assert.Equal(1, tunnel.Local.FlowCount);
    }

    [Fact]
    public async Task Pings_keep_a_connection_without_users_and_the_end_of_one_end_is_that_of_the_other()
    {
        using var service = new EchoSocket();
        var tunnel = await TunnelEnds.OpenAsync(V1Codec.Instance, _time, service.EndPoint);
        using var user = tunnel.NewUser();
        for (int i = 0; i < 8; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(30));
            Echo(user); // behind the ping, so that it has arrived
        }
        tunnel.Local.Close();
        Assert.Equal(CloseKind.Shutdown, (await tunnel.Served.Soon()).Kind);
        await tunnel.DisposeAsync();
    }

    [Fact]
    public async Task A_peer_that_says_nothing_for_60_s_is_given_up()
    {
        var (peer, ours) = await Connections.PairAsync();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var carrying = new UserDatagrams(socket, V1Codec.Instance, 1500, _time, NullLogger.Instance).CarryAsync(ours, CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(59.9));
        Assert.False(carrying.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(CloseKind.Timeout, (await carrying.Soon()).Kind);
        await peer.DisposeAsync();
    }

    [Theory]
    [InlineData("{\"c\":\"!!\"}")]
    [InlineData("{\"c\":\"YQ==\",\"r\":{\"IP\":\"::1\",\"Port\":70000}}")]
    [InlineData("[]")]
    public async Task A_peer_that_breaks_the_protocol_loses_its_connection(string json)
    {
        var (peer, ours) = await Connections.PairAsync();
        using var service = new EchoSocket();
        var local = new LocalDatagrams(service.EndPoint, V1Codec.Instance, 1500, "", _time, NullLogger.Instance);
        var serving = local.RunAsync(ours, CancellationToken.None);
        await peer.Stream.WriteAsync(Frame(json));
        await peer.Stream.FlushAsync();
        Assert.Equal(CloseKind.ProtocolViolation, (await serving.Soon()).Kind);
        await peer.DisposeAsync();
    }

    [Fact]
    public async Task Datagrams_without_a_usable_address_are_dropped_and_counted_and_the_next_one_passes()
    {
        int dropped = 0;
        using var listener = new MeterListener { InstrumentPublished = (instrument, l) => { if (instrument.Name == "frp.datagrams.dropped") l.EnableMeasurementEvents(instrument); } };
        listener.SetMeasurementEventCallback<long>((_, count, tags, _) => { if (tags[0].Value is "no_address") Interlocked.Add(ref dropped, (int)count); });
        listener.Start();
        var (peer, ours) = await Connections.PairAsync();
        using var service = new EchoSocket();
        var local = new LocalDatagrams(service.EndPoint, V1Codec.Instance, 1500, "", _time, NullLogger.Instance);
        var serving = local.RunAsync(ours, CancellationToken.None);
        string[] useless = ["{}", "{\"c\":\"YQ==\"}", "{\"c\":\"YQ==\",\"r\":null}", "{\"c\":\"YQ==\",\"r\":{}}", "{\"c\":\"YQ==\",\"r\":{\"IP\":\"x\",\"Port\":1,\"Zone\":\"\"}}"];
        const string Good = "{\"c\":\"YQ==\",\"r\":{\"IP\":\"203.0.113.5\",\"Port\":7,\"Zone\":\"\"}}";
        foreach (string json in useless) await peer.Stream.WriteAsync(Frame(json));
        await peer.Stream.WriteAsync(Frame(Good));
        await peer.Stream.FlushAsync();
        byte[] answer = new byte[Frame(Good).Length];
        await peer.Stream.ReadExactlyAsync(answer).Soon();
        Assert.Equal(Frame(Good), answer);
        Assert.Equal((1, 1), (service.Received, local.FlowCount));
        Assert.True(dropped >= useless.Length, $"{dropped} counted");
        await peer.DisposeAsync();
        Assert.Equal(CloseKind.EndOfStream, (await serving.Soon()).Kind);
        Assert.Equal(0, local.FlowCount);
    }

    [Fact]
    public async Task A_service_that_goes_and_comes_back_ends_nothing()
    {
        var service = new EchoSocket();
        await using var tunnel = await TunnelEnds.OpenAsync(V2Codec.Session, _time, service.EndPoint);
        using var user = tunnel.NewUser();
        Echo(user);
        service.Dispose();
        for (int i = 0; i < 20; i++) user.Send("lost"u8);
        using var again = new EchoSocket(service.EndPoint.Port);
        Assert.Equal(1, tunnel.Local.FlowCount);
        // Which of those that were sent meanwhile arrive is open; this one does, and behind them.
        user.Send("found"u8);
        byte[] answer = new byte[10];
        int length;
        while ((length = user.Receive(answer)) != 5) Assert.Equal("lost", Encoding.ASCII.GetString(answer, 0, length));
        Assert.Equal("found", Encoding.ASCII.GetString(answer, 0, length));
        Assert.False(tunnel.Served.IsCompleted);
    }

    [Fact]
    public async Task Users_over_ipv6_have_their_answers_too()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "no IPv6 here");
        using var service = new EchoSocket();
        await using var tunnel = await TunnelEnds.OpenAsync(V1Codec.Instance, _time, service.EndPoint);
        using var user = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = (int)Patience.Limit.TotalMilliseconds };
        user.Connect(new IPEndPoint(IPAddress.IPv6Loopback, tunnel.Address.Port));
        Echo(user);
        using var four = tunnel.NewUser();
        Echo(four);
        Assert.Equal(2, tunnel.Local.FlowCount);
    }

    [Fact]
    public async Task Empty_datagrams_pass_and_long_ones_are_cut()
    {
        using var service = new EchoSocket();
        await using var tunnel = await TunnelEnds.OpenAsync(V1Codec.Instance, _time, service.EndPoint);
        using var user = tunnel.NewUser();
        byte[] buffer = new byte[4000];
        foreach (var (sent, received) in new[] { (0, 0), (1, 1), (1500, 1500), (1501, 1500), (4000, 1500) })
        {
            user.Send(new byte[sent]);
            Assert.Equal(received, user.Receive(buffer));
        }
    }

    [Fact]
    public async Task An_outbox_takes_1024_datagrams_and_sends_them_in_order_with_few_writes()
    {
        var outbox = new DatagramOutbox(V1Codec.Instance, _time);
        byte[] address = Encoding.ASCII.GetBytes("{\"IP\":\"203.0.113.5\",\"Port\":7,\"Zone\":\"\"}");
        for (int i = 0; i < DatagramOutbox.MaxPackets; i++) Assert.Equal(DatagramOutbox.Outcome.Queued, outbox.Append(BitConverter.GetBytes(i), address));
        Assert.Equal(DatagramOutbox.Outcome.Full, outbox.Append(new byte[4], address));
        Assert.Equal(DatagramOutbox.Outcome.TooLong, new DatagramOutbox(V1Codec.Instance, _time).Append(new byte[9000], address));
        var stream = new CountingStream();
        using var stop = new CancellationTokenSource();
        var sending = outbox.SendAsync(stream, stop.Token);
        outbox.Append([1, 2, 3, 4], address);
        outbox.Kick();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.Soon());
        Assert.InRange(stream.Writes, 2, 8);
        stream.Position = 0;
        using var reader = new PacketReader(stream, V1Codec.Instance);
        int count = 0;
        while (await reader.FillAsync(CancellationToken.None))
        {
            while (reader.TryTake(out var packet) == PacketKind.Datagram)
            {
                if (count < DatagramOutbox.MaxPackets) Assert.Equal(count, BitConverter.ToInt32(packet.Content.Span));
                count++;
            }
        }
        Assert.Equal(DatagramOutbox.MaxPackets + 1, count);
    }

    [Fact]
    public async Task A_further_user_takes_the_place_of_those_who_rested_longest()
    {
        using var service = new EchoSocket();
        var (peer, ours) = await Connections.PairAsync();
        var local = new LocalDatagrams(service.EndPoint, V1Codec.Instance, 100, "", _time, NullLogger.Instance, maxFlows: 300);
        var serving = local.RunAsync(ours, CancellationToken.None);
        for (int port = 1; port <= 301; port++)
        {
            await AskAsync(peer, port);
            _time.Advance(TimeSpan.FromMilliseconds(10));
        }
        Assert.Equal(301 - LocalDatagrams.MadeRoomFor, local.FlowCount);
        await peer.DisposeAsync();
        await serving.Soon();
    }

    private static async Task AskAsync(Connection peer, int port)
    {
        byte[] frame = Frame($"{{\"c\":\"YQ==\",\"r\":{{\"IP\":\"203.0.113.5\",\"Port\":{port},\"Zone\":\"\"}}}}");
        await peer.Stream.WriteAsync(frame);
        await peer.Stream.FlushAsync();
        await peer.Stream.ReadExactlyAsync(frame).Soon();
    }

    private static byte[] Frame(string json) => [(byte)'u', 0, 0, 0, 0, 0, 0, 0, (byte)json.Length, .. Encoding.ASCII.GetBytes(json)];

    private static void Echo(Socket user)
    {
        byte[] sent = Guid.NewGuid().ToByteArray(), received = new byte[100];
        user.Send(sent);
        int length = user.Receive(received);
        Assert.Equal(sent, received[..length]);
    }

    private sealed class CountingStream : MemoryStream
    {
        internal int Writes { get; private set; }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Writes++;
            return base.WriteAsync(buffer, cancellationToken);
        }
    }
}
