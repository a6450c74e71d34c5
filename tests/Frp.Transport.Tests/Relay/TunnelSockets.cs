using System.Net;
using System.Net.Sockets;

namespace Frp.Transport.Tests;

/// <summary>Users and services as bare sockets.</summary>
internal static class TunnelSockets
{
    // Small, so that what the kernel holds on the way is small against what the tests send.
    private const int SocketBuffers = 128 * 1024;

    internal static async Task SendAndEndAsync(this Socket socket, byte[] data)
    {
        for (int sent = 0; sent < data.Length;) sent += await socket.SendAsync(data.AsMemory(sent));
        socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>Closes with a reset.</summary>
    internal static void Reset(this Socket socket)
    {
        socket.LingerState = new LingerOption(enable: true, 0);
        socket.Dispose();
    }

    /// <summary>Sends until the kernel takes no more and returns the count.</summary>
    internal static int FillUp(this Socket socket)
    {
        socket.Blocking = false;
        var piece = new byte[SocketBuffers];
        int total = 0;
        while (socket.Send(piece, SocketFlags.None, out var error) is var sent && error == SocketError.Success) total += sent;
        return total;
    }

    internal static async Task<(Socket Near, Socket Far)> PairAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        listener.SendBufferSize = listener.ReceiveBufferSize = SocketBuffers;
        var near = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, SendBufferSize = SocketBuffers, ReceiveBufferSize = SocketBuffers };
        await near.ConnectAsync(listener.LocalEndPoint!);
        return (near, await listener.AcceptAsync());
    }
}
