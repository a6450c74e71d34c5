using System.Net.Sockets;

namespace Frp.TestKit;

/// <summary>Whole sends and receives on a socket.</summary>
public static class SocketIO
{
    /// <summary>Sends everything.</summary>
    public static async Task SendAllAsync(this Socket socket, ReadOnlyMemory<byte> data)
    {
        while (data.Length > 0) data = data[await socket.SendAsync(data)..];
    }

    /// <summary>Receives so many bytes.</summary>
    /// <exception cref="EndOfStreamException">The peer ended before.</exception>
    public static async Task<byte[]> ReceiveExactlyAsync(this Socket socket, int count)
    {
        var buffer = new byte[count];
        for (int filled = 0; filled < count;)
        {
            int received = await socket.ReceiveAsync(buffer.AsMemory(filled));
            if (received == 0) throw new EndOfStreamException($"the peer ended after {filled} of {count} bytes");
            filled += received;
        }
        return buffer;
    }

    /// <summary>Receives until the peer's end.</summary>
    public static async Task<byte[]> ReceiveToEndAsync(this Socket socket)
    {
        using var all = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await socket.ReceiveAsync(buffer.AsMemory()) is var count and > 0) all.Write(buffer, 0, count);
        return all.ToArray();
    }
}
