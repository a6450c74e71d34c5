using System.Net;
using System.Net.Sockets;
using Frp.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Transport.Tests;

/// <summary>Two sides on loopback, or one and a peer that is played by hand.</summary>
public sealed class HolePunchTests : IDisposable
{
    private static readonly byte[] Key = StreamKey.Derive("between us");

    private readonly Socket _mine = Bind();
    private readonly Socket _peers = Bind();
    private readonly IPEndPoint _myAddress;

    public HolePunchTests() => _myAddress = EndPointOf(_mine);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _mine.Dispose();
        _peers.Dispose();
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(7, 0)]
    [InlineData(7, 5)]
    [InlineData(0, 256)]
    public async Task A_sender_and_a_receiver_find_each_other(int ttl, int listeners)
    {
        int usual = _peers.Ttl;
        var sending = PunchAsync(_mine, Answer("sender", [_peers]));
        var receiving = PunchAsync(_peers, Answer("receiver", [_mine], new DetectBehavior { Ttl = ttl, ListenRandomPorts = listeners }));
        PunchedHole sent = await sending.Soon(), received = await receiving.Soon();
        Assert.Equal((EndPointOf(received.Socket), EndPointOf(sent.Socket)), (sent.Peer, received.Peer));
        Assert.Equal(usual, received.Socket.Ttl);
        await sent.Socket.SendToAsync("hello"u8.ToArray(), sent.Peer, Token);
        Assert.Equal("hello"u8.ToArray(), await ReceiveAsync(received.Socket, p => p.Length == 5));
    }

    [Fact]
    public async Task A_sender_believes_answers_to_its_own_attempt_only()
    {
        var hole = PunchAsync(_mine, Answer("sender", [_peers]));
        byte[] question = await ReceiveAsync(_peers, _ => true);
        Assert.True(DetectionPacket.TryOpen(question, Key, out var packet));
        Assert.Equal(("s", "t", false), (packet.Sid, packet.TransactionId, packet.Response));
        using var stranger = Bind();
        await SayAsync(stranger, [1, 2, 3]);
        await SayAsync(stranger, new byte[2000]);
        await SayAsync(stranger, DetectionPacket.Seal(packet with { Sid = "other", Response = true }, Key));
        await SayAsync(stranger, DetectionPacket.Seal(packet with { Response = true }, StreamKey.Derive("wrong")));
        await SayAsync(stranger, DetectionPacket.Seal(packet, Key)); // the peer opens its own NAT: no answer
        await SayAsync(_peers, DetectionPacket.Seal(packet with { Response = true }, Key));
        Assert.Equal(EndPointOf(_peers), (await hole.Soon()).Peer);
    }

    [Fact]
    public async Task A_receiver_answers_by_the_same_packet()
    {
        var hole = PunchAsync(_mine, Answer("receiver", [_peers]));
        await ReceiveAsync(_peers, _ => true);
        var question = new NatHoleSid { TransactionId = "theirs", Sid = "s", Nonce = "000" };
        await SayAsync(_peers, DetectionPacket.Seal(question, Key));
        Assert.True(DetectionPacket.TryOpen(await ReceiveAsync(_peers, _ => true), Key, out var answer));
        Assert.Equal(question with { Response = true }, answer);
        Assert.Equal(EndPointOf(_peers), (await hole.Soon()).Peer);
    }

    [Fact]
    public async Task Guessed_ports_are_tried_at_the_peers_address()
    {
        int port = EndPointOf(_peers).Port;
        var answer = Answer("sender", [], new DetectBehavior { CandidatePorts = [new PortRange { From = port - 3, To = port + 3 }] });
        answer.CandidateAddrs = ["127.0.0.1:9"];
        var hole = PunchAsync(_mine, answer);
        Assert.True(DetectionPacket.TryOpen(await ReceiveAsync(_peers, _ => true), Key, out var packet));
        await SayAsync(_peers, DetectionPacket.Seal(packet with { Response = true }, Key));
        Assert.Equal(EndPointOf(_peers), (await hole.Soon()).Peer);
    }

    [Fact]
    public async Task A_receiver_with_guessed_ports_leaves_the_others_alone()
    {
        int port = EndPointOf(_peers).Port;
        using var named = Bind();
        var hole = PunchAsync(_mine, Answer("receiver", [named], new DetectBehavior { CandidatePorts = [new PortRange { From = port, To = port }] }));
        await ReceiveAsync(_peers, _ => true);
        await SayAsync(_peers, DetectionPacket.Seal(new NatHoleSid { Sid = "s" }, Key));
        await hole.Soon();
        Assert.Equal(0, named.Available);
    }

    [Fact]
    public async Task Assisted_addresses_are_for_senders()
    {
        using var other = Bind();
        var forReceiver = Answer("receiver", [_peers]);
        forReceiver.AssistedAddrs = [EndPointOf(other).ToString()];
        var hole = PunchAsync(_mine, forReceiver);
        await ReceiveAsync(_peers, _ => true);
        await SayAsync(_peers, DetectionPacket.Seal(new NatHoleSid { Sid = "s" }, Key));
        await hole.Soon();
        Assert.Equal(0, other.Available);
        using var again = Bind();
        var forSender = Answer("sender", []);
        forSender.AssistedAddrs = [EndPointOf(other).ToString()];
        using var stop = new CancellationTokenSource();
        var sending = HolePunch.RunAsync(again, PunchPlan.Of(forSender), Key, TimeProvider.System, stop.Token);
        await ReceiveAsync(other, _ => true);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.Soon());
        Assert.Throws<ObjectDisposedException>(() => again.Available);
    }

    [Fact]
    public async Task Random_ports_are_tried_apart_while_the_answer_is_waited_for()
    {
        var time = new FakeTimeProvider();
        var hole = PunchAsync(_mine, Answer("sender", [_peers], new DetectBehavior { SendRandomPorts = 1000, ReadTimeoutMs = 30_000 }), time);
        Assert.True(DetectionPacket.TryOpen(await ReceiveAsync(_peers, _ => true), Key, out var packet));
        await SayAsync(_peers, DetectionPacket.Seal(packet with { Response = true }, Key));
        Assert.Equal(EndPointOf(_peers), (await hole.Soon()).Peer); // and does not wait for the other 999
    }

    [Fact]
    public async Task Strangers_do_not_lengthen_the_wait()
    {
        var time = new FakeTimeProvider();
        var hole = PunchAsync(_mine, Answer("sender", [_peers], new DetectBehavior { ReadTimeoutMs = 7000 }), time);
        await ReceiveAsync(_peers, _ => true);
        while (!hole.IsCompleted)
        {
            await SayAsync(_peers, [1, 2, 3]);
            time.Advance(TimeSpan.FromSeconds(3.5));
            await Task.Yield();
        }
        Assert.Equal("no packet of the peer within 7 s", (await Assert.ThrowsAsync<TimeoutException>(() => hole.Soon())).Message);
        Assert.Throws<ObjectDisposedException>(() => _mine.Available);
    }

    private static Task<PunchedHole> PunchAsync(Socket socket, NatHoleResp answer, TimeProvider? time = null) => HolePunch.RunAsync(socket, PunchPlan.Of(answer), Key, time ?? TimeProvider.System, Token);

    private static NatHoleResp Answer(string role, Socket[] candidates, DetectBehavior? behavior = null)
    {
        behavior ??= new DetectBehavior();
        behavior.Role = role;
        if (behavior.ReadTimeoutMs == 0) behavior.ReadTimeoutMs = (int)Patience.Limit.TotalMilliseconds;
        return new NatHoleResp { TransactionId = "t", Sid = "s", CandidateAddrs = [.. candidates.Select(c => EndPointOf(c).ToString())], DetectBehavior = behavior };
    }

    private static Socket Bind() => NatDiscovery.BindSocket(new IPEndPoint(IPAddress.Loopback, 0));

    private static IPEndPoint EndPointOf(Socket socket) => new(IPAddress.Loopback, ((IPEndPoint)socket.LocalEndPoint!).Port);

    private async Task SayAsync(Socket from, byte[] datagram)
    {
        try
        {
            await from.SendToAsync(datagram, _myAddress, Token);
        }
        catch (SocketException)
        {
            // Nobody is there any more.
        }
    }

    private static async Task<byte[]> ReceiveAsync(Socket socket, Func<byte[], bool> isWanted)
    {
        var buffer = new byte[2048];
        while (true)
        {
            var received = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), Token).Soon();
            byte[] datagram = buffer[..received.ReceivedBytes];
            if (isWanted(datagram)) return datagram;
        }
    }
}
