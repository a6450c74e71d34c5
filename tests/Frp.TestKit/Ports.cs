using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Frp.TestKit;

/// <summary>Ports for tests, below the range from which the kernel takes the ports of outgoing connections.</summary>
/// <remarks>
/// No port is given out twice in a process, so that parallel tests cannot meet. Processes do not meet either: each takes its ports
/// from blocks that it has claimed by listening on their first port until it ends.
/// </remarks>
public static class Ports
{
    private const int First = 10000;
    private const int BlockSize = 250;
    private const int BlockCount = 80;

    /// <summary>Held while a socket is open to see whether a port is free, and while a process is started.</summary>
    /// <remarks>A process that is just being started has a copy of every socket until it runs its program: ports would stay taken.</remarks>
    internal static readonly Lock Gate = new();

    private static readonly List<Socket> Claims = [];
    private static int _next;
    private static int _end;

    /// <summary>A port that is free.</summary>
    public static int Next() => NextRange(1);

    /// <summary>The first of several ports in a row that are free.</summary>
    public static int NextRange(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(count, BlockSize);
        lock (Gate)
        {
            while (true)
            {
                if (_next + count > _end) ClaimBlock();
                _next += count;
                if (Enumerable.Range(_next - count, count).All(IsFree)) return _next - count;
            }
        }
    }

    /// <summary>Waits until a port whose listener was closed can be had again.</summary>
    public static Task UntilFreeAsync(int port) => Patience.UntilAsync(
        () =>
        {
            lock (Gate) return IsFree(port);
        },
        () => $"port {port} is still taken");

    /// <summary>Whether anybody can be reached at a port.</summary>
    public static async Task<bool> AnswersAsync(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port).Soon();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static void ClaimBlock()
    {
        int begin = RandomNumberGenerator.GetInt32(BlockCount);
        for (int i = 0; i < BlockCount; i++)
        {
            int first = First + (begin + i) % BlockCount * BlockSize;
            if (TryListen(first) is not { } claim) continue;
            Claims.Add(claim);
            (_next, _end) = (first + 1, first + BlockSize);
            return;
        }
        throw new InvalidOperationException("no block of ports is free");
    }

    private static bool IsFree(int port)
    {
        using var tcp = TryListen(port);
        if (tcp is null) return false;
        try
        {
            using var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            udp.Bind(new IPEndPoint(IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static Socket? TryListen(int port)
    {
        var socket = Socket.OSSupportsIPv6
            ? new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true }
            : new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, port));
            socket.Listen();
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }
}
