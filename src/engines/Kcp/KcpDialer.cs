using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Kcp;

/// <summary>Begins conversations.</summary>
public static class KcpDialer
{
    /// <summary>Begins a conversation over a socket of its own. Nothing is sent before something is written.</summary>
    /// <param name="socket">A connected UDP socket. Ownership: the stream's.</param>
    /// <param name="options">Settings.</param>
    /// <param name="id">The conversation's number; null for one by chance.</param>
    public static KcpStream Dial(Socket socket, KcpOptions options, uint? id = null)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(options);
        Span<byte> chance = stackalloc byte[8];
        RandomNumberGenerator.Fill(chance);
        return new DialledSocket(socket, options).Open(id ?? BinaryPrimitives.ReadUInt32LittleEndian(chance), BinaryPrimitives.ReadUInt32LittleEndian(chance[4..]));
    }

    private sealed class DialledSocket(Socket socket, KcpOptions options) : KcpSocket(socket, options)
    {
        private KcpStream? _stream;

        internal KcpStream Open(uint id, uint clockOffset)
        {
            _stream = new KcpStream(this, Socket.RemoteEndPoint!.Serialize(), id, clockOffset, isProven: true);
            Start();
            return _stream;
        }

        internal override bool Send(ReadOnlySpan<byte> datagram, SocketAddress to)
        {
            try
            {
                Socket.Send(datagram, SocketFlags.None);
                return true;
            }
            catch (SocketException e)
            {
                if (Counts(e)) Refusal = e;
                return e.SocketErrorCode is not (SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable); // else it is lost, as datagrams are
            }
            catch (ObjectDisposedException)
            {
                return true; // the end is on its way to the stream
            }
        }

        internal override void OnProven(KcpStream stream)
        {
        }

        internal override void Remove(KcpStream stream)
        {
            base.Remove(stream);
            Socket.Dispose();
        }

        internal override ValueTask OnDisposedAsync() => DisposeAsync();

        protected override void OnDatagram(ReadOnlySpan<byte> datagram, SocketAddress from, long now) => Deliver(_stream!, datagram, now);

        // Nobody is at that port: the peer's machine has said so. The session, if there was one, is lost with the peer's program.
        protected override void OnError(SocketException error)
        {
            if (Counts(error)) _stream!.End(error);
        }

        private bool Counts(SocketException error) =>
            error.SocketErrorCode is SocketError.ConnectionRefused or SocketError.ConnectionReset && (!Options.AwaitsPeer || _stream!.HasHeard);
    }
}
