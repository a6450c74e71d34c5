using System.Buffers.Binary;
using System.Net.Sockets;

namespace Frp.Transport;

/// <summary>What the kernel knows of a TCP connection, without reading or writing a byte of it.</summary>
internal static class TcpState
{
    // Source: <linux/tcp.h>, struct tcp_info; the numbers of the states are those of the kernel's <net/tcp_states.h>.
    private const int LevelTcp = 6;
    private const int TcpInfo = 11;
    private const byte Established = 1;
    private const byte Closed = 7;
    private const int UnackedOffset = 24;  // __u32 tcpi_unacked: segments under way
    private const int NotSentOffset = 144; // __u32 tcpi_notsent_bytes: bytes that wait for the window, since Linux 4.6
    private const int Length = 148;

    /// <summary>Whether the peer's FIN or reset has arrived. False where the system does not say.</summary>
    internal static bool HasPeerEnded(Socket socket)
    {
        if (!OperatingSystem.IsLinux()) return false;
        Span<byte> state = stackalloc byte[1];
        try
        {
            return socket.GetRawSocketOption(LevelTcp, TcpInfo, state) == state.Length && state[0] != Established;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return true;
        }
    }

    /// <summary>The state of a connected, non-blocking socket. One that was closed by us is gone.</summary>
    internal static LinkState Of(Socket socket)
    {
        try
        {
            return OperatingSystem.IsLinux() ? Ask(socket) : Probe(socket);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return LinkState.Gone;
        }
    }

    /// <summary>For systems that are not asked: whether a send of no bytes meets an error.</summary>
    /// <remarks>
    /// What the peer has got cannot be told this way; it is taken to have everything. A connection whose sending direction we have ended
    /// counts as gone: the error of a peer's reset is the same.
    /// </remarks>
    internal static LinkState Probe(Socket socket)
    {
        socket.Send(ReadOnlySpan<byte>.Empty, SocketFlags.None, out var error);
        return error is SocketError.Success or SocketError.WouldBlock ? LinkState.Delivered : LinkState.Gone;
    }

    private static LinkState Ask(Socket socket)
    {
        Span<byte> info = stackalloc byte[Length];
        info.Clear(); // an older kernel fills less of it
        socket.GetRawSocketOption(LevelTcp, TcpInfo, info);
        if (info[0] == Closed) return LinkState.Gone;
        bool isUnderWay = BinaryPrimitives.ReadUInt32LittleEndian(info[UnackedOffset..]) != 0 || BinaryPrimitives.ReadUInt32LittleEndian(info[NotSentOffset..]) != 0;
        return isUnderWay ? LinkState.Sending : LinkState.Delivered;
    }
}
