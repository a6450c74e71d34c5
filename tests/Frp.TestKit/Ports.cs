using System.Net;
using System.Net.Sockets;

namespace Frp.TestKit;

/// <summary>Ports for tests, below the range from which the kernel takes the ports of outgoing connections.</summary>
/// <remarks>No port is given out twice in a process, so that parallel tests cannot meet; each was free on all addresses when given.</remarks>
public static class Ports
{
    private const int First = 10000;
    private const int Last = 30000;

    // Where a process begins depends on its id, so that two runs on one machine rarely look at the same port.
    private static int _next = First + (int)((uint)Environment.ProcessId * 2654435761 % (Last - First));

    /// <summary>A port that is free.</summary>
    public static int Next() => NextRange(1);

    /// <summary>The first of several ports in a row that are free.</summary>
    public static int NextRange(int count)
    {
        for (int attempt = 0; attempt < Last - First; attempt++)
        {
            int first = First + (int)((uint)(Interlocked.Add(ref _next, count) - count - First) % (Last - First - count));
            if (Enumerable.Range(first, count).All(IsFree)) return first;
        }
        throw new InvalidOperationException("no port is free");
    }

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

    private static bool IsFree(int port)
    {
        try
        {
            using var tcp = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
            tcp.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
            tcp.Listen(1);
            using var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            udp.Bind(new IPEndPoint(IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
