using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Frp.Transport;

/// <summary>A TCP connection, or one over a Unix-domain socket: a peer on this machine, whose end the kernel tells at once.</summary>
public sealed class SocketConnection : Connection, IIncoming
{
    private readonly Socket _socket;
    private readonly SocketStream _stream;
    private EndPoint? _local;

    /// <summary>Takes ownership of a connected stream socket, and leaves it non-blocking.</summary>
    public SocketConnection(Socket socket)
    {
        _socket = socket;
        Remote = EndPoints.Unmap(socket.RemoteEndPoint);
        _stream = new SocketStream(socket);
    }

    /// <inheritdoc/>
    public override Stream Stream => _stream;

    /// <inheritdoc/>
    public override EndPoint? Local => _local ??= ReadLocal();

    /// <inheritdoc cref="Connection.Remote"/>
    public override EndPoint? Remote { get; }

    /// <inheritdoc/>
    public override bool CanHalfClose => true;

    /// <inheritdoc/>
    public override bool HasPeerLeft => !IsUnix && TcpState.HasPeerEnded(_socket);

    /// <inheritdoc/>
    // What cannot be lost on the way has arrived, and nobody there leaves without a word.
    public override LinkState State => !IsUnix ? TcpState.Of(_socket) : _socket.SafeHandle.IsClosed ? LinkState.Gone : LinkState.Delivered;

    /// <inheritdoc/>
    public override bool TryGetSocket([NotNullWhen(true)] out Socket? socket)
    {
        socket = _socket;
        return true;
    }

    /// <inheritdoc/>
    public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken)
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
            return ValueTask.CompletedTask;
        }
        catch (SocketException e)
        {
            return ValueTask.FromException(new IOException(e.Message, e)); // the peer was faster
        }
        catch (ObjectDisposedException e)
        {
            return ValueTask.FromException(new IOException("the connection is closed", e));
        }
    }

    /// <summary>Resets the connection: the peer's next read fails, and what was not delivered is dropped.</summary>
    public override void Abort()
    {
        try
        {
            // Zero linger makes the kernel answer close with RST instead of FIN.
            _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (SocketException)
        {
            // Reset by the peer already: closing is all that is left.
        }
        catch (ObjectDisposedException)
        {
            return;
        }
        Close();
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        try
        {
            // Said first, because the platform turns a close that cancels a pending receive into a reset otherwise.
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Not connected any more, or closed before: there is nobody to say it to.
        }
        Close();
        return ValueTask.CompletedTask;
    }

    /// <summary>A TCP connection needs no handshake of ours: it is the connection.</summary>
    ValueTask<Connection?> IIncoming.HandshakeAsync(CancellationToken cancellationToken) => ValueTask.FromResult<Connection?>(this);

    /// <inheritdoc/>
    public override string ToString() => $"{(IsUnix ? "unix" : "tcp")} {Remote}";

    private bool IsUnix => _socket.AddressFamily == AddressFamily.Unix;

    private void Close()
    {
        _socket.Dispose();
        _stream.Dispose(); // owns nothing, but would be finalized
    }

    private EndPoint? ReadLocal()
    {
        try
        {
            return EndPoints.Unmap(_socket.LocalEndPoint);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return null; // asked for only after the end
        }
    }
}
