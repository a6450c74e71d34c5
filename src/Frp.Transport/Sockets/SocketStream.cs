using System.Net.Sockets;

namespace Frp.Transport;

/// <summary>The bytes of a connected socket. Asynchronous only; nothing is buffered.</summary>
/// <remarks>
/// <para>The base class turns socket errors into <see cref="IOException"/> on its own value task sources, which no wrapper
/// could do without a state machine for each call. It does not own the socket: <see cref="SocketConnection"/> does.</para>
/// <para>The socket is left non-blocking, so that whoever gets it by <see cref="Connection.TryGetSocket"/> may send what fits
/// and queue the rest: a blocking call on an event thread would stop every other connection of that thread.</para>
/// </remarks>
internal sealed class SocketStream : NetworkStream
{
    internal SocketStream(Socket socket) : base(Blocking(socket), ownsSocket: false) => socket.Blocking = false;

    public override int Read(byte[] buffer, int offset, int count) => throw Synchronous();

    public override int Read(Span<byte> buffer) => throw Synchronous();

    public override int ReadByte() => throw Synchronous();

    public override void Write(byte[] buffer, int offset, int count) => throw Synchronous();

    public override void Write(ReadOnlySpan<byte> buffer) => throw Synchronous();

    public override void WriteByte(byte value) => throw Synchronous();

    // The base class insists on a blocking socket at construction, although its asynchronous half needs none.
    private static Socket Blocking(Socket socket)
    {
        socket.Blocking = true;
        return socket;
    }

    private static NotSupportedException Synchronous() => new("socket streams are asynchronous only");
}
