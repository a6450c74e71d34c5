using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;

namespace Frp.Transport.Tests;

/// <summary>Connections for tests: real sockets on loopback, open until the test closes them or the process ends.</summary>
internal static class Peers
{
    // A socket that a test has done with would be reset by its finalizer, whenever the collector comes by, and what the other end
    // still reads would be lost with it.
    private static readonly ConcurrentBag<object> Held = [];

    internal static ValueTask<TcpBindListener> ListenAsync(string host = "127.0.0.1", TcpListenOptions? options = null) =>
        TcpBindListener.BindAsync(host, 0, options ?? new TcpListenOptions(), TimeProvider.System, NullLogger.Instance);

    internal static async Task<Socket> DialAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Held.Add(socket);
        await socket.ConnectAsync(IPAddress.Loopback, port).Soon();
        return socket;
    }

    /// <summary>The next connection, open until somebody closes it.</summary>
    internal static async Task<Connection> AcceptConnectionAsync(this TcpBindListener listener)
    {
        var incoming = await listener.AcceptAsync(Patience.Token).Soon();
        var connection = (await incoming!.HandshakeAsync(Patience.Token).Soon())!;
        Held.Add(connection);
        return connection;
    }

    /// <summary>A foreign peer's socket and our connection at its other end.</summary>
    internal static async Task<(Socket Peer, SocketConnection Ours)> PairAsync()
    {
        await using var listener = await ListenAsync();
        var peer = await DialAsync(listener.Port);
        return (peer, (SocketConnection)await listener.AcceptConnectionAsync());
    }

    /// <summary>Both ends ours.</summary>
    internal static async Task<(SocketConnection Client, SocketConnection Server)> ConnectionPairAsync()
    {
        var (peer, ours) = await PairAsync();
        return (new SocketConnection(peer), ours);
    }

    internal static async Task SendAsync(this Socket socket, string text) => await socket.SendAsync(Encoding.Latin1.GetBytes(text)).Soon();

    internal static async Task<byte[]> ReadAsync(this Stream stream, int count)
    {
        var buffer = new byte[count];
        await stream.ReadExactlyAsync(buffer, Patience.Token);
        return buffer;
    }

    internal static async Task<byte[]> ReceiveAsync(this Socket socket, int count)
    {
        var buffer = new byte[count];
        for (var filled = 0; filled < count;)
        {
            var n = await socket.ReceiveAsync(buffer.AsMemory(filled), Patience.Token);
            Assert.NotEqual(0, n);
            filled += n;
        }
        return buffer;
    }

    /// <summary>Everything up to the peer's end.</summary>
    internal static async Task<byte[]> ReceiveAllAsync(this Socket socket)
    {
        var all = new MemoryStream();
        var buffer = new byte[65_536];
        int n;
        while ((n = await socket.ReceiveAsync(buffer, Patience.Token)) > 0) all.Write(buffer, 0, n);
        return all.ToArray();
    }

    internal static async Task WriteAndFlushAsync(this Connection connection, ReadOnlyMemory<byte> bytes)
    {
        await connection.Stream.WriteAsync(bytes, Patience.Token);
        await connection.Stream.FlushAsync(Patience.Token);
    }

    /// <summary>Asserts that bytes pass in both directions.</summary>
    internal static async Task AssertEchoAsync(Connection a, Connection b)
    {
        await a.WriteAndFlushAsync("ping over there"u8.ToArray());
        Assert.Equal("ping over there"u8.ToArray(), await b.Stream.ReadAsync(15));
        await b.WriteAndFlushAsync("pong"u8.ToArray());
        Assert.Equal("pong"u8.ToArray(), await a.Stream.ReadAsync(4));
    }
}
