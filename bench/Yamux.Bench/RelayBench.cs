using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Yamux.Bench;

/// <summary>Two relay ends around one session, as small as they can be: users' sockets on one side, targets on the other.</summary>
internal static class RelayBench
{
    public static async Task ServeAsync(int port, bool tls, (int User, int Target)[] ports)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        await using var session = new YamuxSession(await Carrier.AcceptAsync(listener, tls), YamuxRole.Server);
        Task running = session.RunAsync(CancellationToken.None);
        foreach (var (user, target) in ports) _ = ListenAsync(session, user, target);
        await running;
    }

    public static async Task DialAsync(int port, bool tls)
    {
        await using var session = new YamuxSession(await Carrier.DialAsync(port, tls), YamuxRole.Client);
        Task running = session.RunAsync(CancellationToken.None);
        while (await session.AcceptStreamAsync(CancellationToken.None) is { } stream) _ = ConnectAsync(stream);
        await running;
    }

    private static async Task ListenAsync(YamuxSession session, int user, int target)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, user));
        listener.Listen(512);
        while (true) _ = UserAsync(session, await listener.AcceptAsync(), target);
    }

    private static async Task UserAsync(YamuxSession session, Socket socket, int target)
    {
        socket.NoDelay = true;
        YamuxStream stream = await session.OpenStreamAsync();
        byte[] head = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(head, (ushort)target);
        await stream.WriteAsync(head);
        await new Relay(stream, socket).RunAsync();
    }

    private static async Task ConnectAsync(YamuxStream stream)
    {
        byte[] head = new byte[2];
        await stream.ReadExactlyAsync(head);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, BinaryPrimitives.ReadUInt16BigEndian(head)));
        }
        catch (SocketException)
        {
            stream.Abort();
            socket.Dispose();
            return;
        }

        await new Relay(stream, socket).RunAsync();
    }

    private sealed class Relay(YamuxStream stream, Socket socket) : IYamuxSink
    {
        private const int Small = 256;
        private const int Large = 64 * 1024;

        private volatile bool _sending;

        // What the socket does not take at once is copied, at most one buffer of it, and sent by an ordinary asynchronous
        // send: there is no portable way to wait for writability alone.
        public int OnData(ReadOnlySpan<byte> data)
        {
            if (_sending) return 0; // ResumeSink follows, and is remembered when it comes before this returns
            int sent = 0;
            while (sent < data.Length)
            {
                int count = socket.Send(data[sent..], SocketFlags.None, out SocketError error);
                if (error == SocketError.Success)
                {
                    sent += count;
                    continue;
                }

                if (error != SocketError.WouldBlock) return data.Length; // the reading side sees it too
                int length = Math.Min(Large, data.Length - sent);
                byte[] rest = ArrayPool<byte>.Shared.Rent(length);
                data.Slice(sent, length).CopyTo(rest);
                _sending = true;
                _ = SendAsync(rest, length);
                return sent + length;
            }

            return sent;
        }

        public void OnEnd(YamuxStreamEnd end)
        {
            try
            {
                if (end == YamuxStreamEnd.Finished) socket.Shutdown(SocketShutdown.Send);
                else socket.Dispose();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // It is gone already.
            }
        }

        public async Task RunAsync()
        {
            byte[] small = new byte[Small];
            byte[]? large = null;
            try
            {
                socket.Blocking = false;
                stream.SetSink(this);
                while (true)
                {
                    byte[] buffer = large ?? small;
                    int count = await socket.ReceiveAsync(buffer.AsMemory(YamuxStream.HeaderLength), SocketFlags.None);
                    if (count == 0) break;
                    await stream.WriteFramedAsync(buffer.AsMemory(0, YamuxStream.HeaderLength + count));
                    if (count == Small - YamuxStream.HeaderLength) large ??= ArrayPool<byte>.Shared.Rent(Large);
                    else if (large is not null && count < Small)
                    {
                        ArrayPool<byte>.Shared.Return(large);
                        large = null;
                    }
                }
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
            {
                // One end is gone.
            }

            if (large is not null) ArrayPool<byte>.Shared.Return(large);
            await stream.DisposeAsync();
            socket.Dispose();
        }

        private async Task SendAsync(byte[] rest, int length)
        {
            try
            {
                for (int sent = 0; sent < length;) sent += await socket.SendAsync(rest.AsMemory(sent, length - sent), SocketFlags.None);
                _sending = false;
                stream.ResumeSink();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                stream.Abort();
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(rest);
            }
        }
    }
}
