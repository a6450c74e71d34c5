using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Peers that break the protocol lose their connection, and nobody else notices.</summary>
public sealed class HostileClientTests : TunnelTest
{
    private const int TwoGigabytes = int.MaxValue;
    private const long MemoryLimit = 400L << 20;
    private static readonly byte[] MagicV2 = [0x46, 0x52, 0x50, 0x00, 0x02, 0x0d, 0x0a];

    private static readonly (string What, byte[] Bytes)[] OnAnyPort =
    [
        ("silence", []),
        ("one byte", [0x6f]),
        ("noise", RandomNumberGenerator.GetBytes(4096)),
        ("noise behind the TLS byte", [0x16, .. RandomNumberGenerator.GetBytes(4096)]),
        ("noise behind the marker byte", [0x17, .. RandomNumberGenerator.GetBytes(4096)]),
        ("half a ClientHello", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
        ("HTTP", Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n")),
        ("an HTTP head without end", Encoding.ASCII.GetBytes("GET /~!frp HTTP/1.1\r\n" + string.Concat(Enumerable.Repeat("x: y\r\n", 20_000)))),
    ];

    private static readonly (string What, byte[] Bytes)[] InMessages =
    [
        ("a head that announces 2 GB", RawClient.Head('o', TwoGigabytes)),
        ("a head that announces more than there is", RawClient.Head('o', long.MaxValue)),
        ("a head with a negative length", RawClient.Head('o', -1)),
        ("half a head", RawClient.Head('o', 100)[..5]),
        ("half a login", RawClient.Login("")[..60]),
        ("a login that is no JSON", RawClient.Message('o', "{\"version\":")),
        ("a login of the wrong shape", RawClient.Message('o', "[1,2,3]")),
        ("deep JSON", RawClient.Message('o', new string('[', 9000))),
        ("an unknown type", RawClient.Message('?', "{}")),
        ("a message that is no first one", RawClient.Message('h', "{}")),
        ("a work connection of nobody", RawClient.Message('w', "{\"run_id\":\"nobody\"}")),
        ("v2 that announces 2 GB", [.. MagicV2, 0x00, 0x01, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff]),
        ("v2 noise", [.. MagicV2, .. RandomNumberGenerator.GetBytes(2000)]),
    ];

    private static readonly (string What, byte[] Bytes)[] InMultiplexing =
    [
        ("a frame of another version", RawClient.MuxHead(0, 1, 1, 0, version: 7)),
        ("an unknown frame", RawClient.MuxHead(9, 1, 1, 0)),
        ("a frame that announces 2 GB", [.. RawClient.MuxHead(1, 1, 1, 0), .. RawClient.MuxHead(0, 0, 1, TwoGigabytes)]),
        ("a stream opened twice", [.. RawClient.MuxHead(1, 1, 1, 0), .. RawClient.MuxHead(1, 1, 1, 0)]),
    ];

    [Fact]
    public async Task Without_multiplexing()
    {
        var (server, steady, port, client) = await StartAsync(NoMux);
        await Task.WhenAll(OnAnyPort.Concat(InMessages).Select(attack => AttackAsync(port, attack.What, attack.Bytes)));
        await AfterwardsAsync(server, steady, client);
    }

    [Fact]
    public async Task With_multiplexing()
    {
        var (server, steady, port, client) = await StartAsync("");
        await Task.WhenAll(OnAnyPort.Concat(InMultiplexing).Select(attack => AttackAsync(port, attack.What, attack.Bytes))
            .Concat(InMessages.Select(attack => AttackInStreamAsync(port, attack.What, attack.Bytes))));
        await AfterwardsAsync(server, steady, client);
    }

    private async Task<(RunningProgram Server, Steady User, int Port, RunningProgram Client)> StartAsync(string carrier)
    {
        _echo = TcpService.Echo();
        int port = Ports.Next();
        var proxy = new Proxy("steady", _echo.Port, Ports.Next());
        var server = await ServerAsync(port, carrier);
        var client = await ClientAsync(port, [carrier], proxy);
        return (server, await Steady.StartAsync(proxy.RemotePort), port, client);
    }

    private TcpService? _echo;

    private async Task AfterwardsAsync(RunningProgram server, Steady steady, RunningProgram client)
    {
        await steady.StopAsync();
        await User.EchoOnceAsync(steady.Port);
        Assert.Equal(1, client.Output.Count("login to server success"));
        Assert.True(server.ResidentBytes < MemoryLimit, $"the server holds {server.ResidentBytes >> 20} MB");
        Assert.Equal(0, server.Output.Count("fault in"));
        await _echo!.DisposeAsync();
    }

    /// <summary>Says something and waits for the server to end the connection.</summary>
    private static async Task AttackAsync(int port, string what, byte[] bytes)
    {
        using var peer = await User.ConnectAsync(port);
        await SendAsync(peer, bytes);
        await EndOf(peer.WaitForEndAsync(), what);
    }

    /// <summary>Says something in a stream of a session and waits for the server to end that stream.</summary>
    private static async Task AttackInStreamAsync(int port, string what, byte[] bytes)
    {
        const byte Data = 0;
        const ushort FinOrReset = 4 | 8;
        using var peer = await User.ConnectAsync(port);
        await SendAsync(peer, RawClient.InStream(bytes));
        await EndOf(EndOfStreamAsync(), what);

        async Task EndOfStreamAsync()
        {
            while (true)
            {
                var head = await peer.ReceiveAsync(12);
                if ((BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(2)) & FinOrReset) != 0) return;
                if (head[1] == Data) await peer.ReceiveAsync(BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(8)));
            }
        }
    }

    private static async Task SendAsync(User peer, byte[] bytes)
    {
        try
        {
            await peer.SendAsync(bytes);
        }
        catch (System.Net.Sockets.SocketException)
        {
            // The server has had enough of it already.
        }
    }

    private static async Task EndOf(Task end, string what)
    {
        try
        {
            await end;
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"the server goes on listening to {what}", e);
        }
    }

    /// <summary>A user who keeps talking while others misbehave.</summary>
    private sealed class Steady
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly User _user;
        private readonly Task _talking;

        private Steady(int port, User user)
        {
            (Port, _user) = (port, user);
            _talking = TalkAsync();
        }

        internal int Port { get; }

        internal static async Task<Steady> StartAsync(int port) => new(port, await User.ConnectAsync(port));

        internal async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _talking;
            _user.Dispose();
        }

        private async Task TalkAsync()
        {
            using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
            do await _user.EchoAsync(1000);
            while (!_stop.IsCancellationRequested && await pace.WaitForNextTickAsync());
        }
    }
}
