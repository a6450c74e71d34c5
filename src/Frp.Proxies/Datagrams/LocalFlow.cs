using System.Net;
using System.Net.Sockets;

namespace Frp.Proxies;

/// <summary>One user of the service: a local socket that is connected to it, so that answers find their user.</summary>
/// <remarks>
/// The flow is its own completion of a receive: a refusal by the service, of which UDP services are free to make many, is a value
/// here and not an exception. <b>Ownership.</b> Owns the socket; <see cref="Close"/> ends both.
/// </remarks>
internal sealed class LocalFlow : SocketAsyncEventArgs, IThreadPoolWorkItem
{
    // Then others get the thread.
    private const int ReceivedPerTurn = 64;

    private readonly LocalDatagrams _owner;
    private readonly Socket _socket;
    private byte[]? _header;
    private long _lastActive;

    /// <summary>Opens a socket towards the service.</summary>
    /// <param name="owner">Takes the answers.</param>
    /// <param name="address">The JSON of the user's address.</param>
    /// <param name="service">The service.</param>
    /// <param name="datagramSize">Bytes of an answer that are read; the rest is cut off.</param>
    /// <param name="header">What goes before the first datagram; null for nothing.</param>
    /// <exception cref="SocketException">No socket can be had.</exception>
    internal LocalFlow(LocalDatagrams owner, byte[] address, IPEndPoint service, int datagramSize, byte[]? header) : base(true)
    {
        (_owner, Address, _header) = (owner, address, header);
        var socket = new Socket(service.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Blocking = false;
            socket.Connect(service);
            SetBuffer(GC.AllocateUninitializedArray<byte>(datagramSize, pinned: true));
        }
        catch (Exception)
        {
            socket.Dispose();
            Dispose();
            throw;
        }
        _socket = socket;
    }

    /// <summary>The JSON of the user's address: the flow's key, and what answers carry.</summary>
    internal byte[] Address { get; }

    /// <summary>When a datagram passed last, in either direction.</summary>
    internal long LastActive => Volatile.Read(ref _lastActive);

    internal void Touch(long now) => Volatile.Write(ref _lastActive, now);

    /// <summary>Receives answers from now on.</summary>
    internal void Start() => Receive(completed: false);

    /// <summary>Hands a datagram to the service; waits while the system has no room.</summary>
    /// <returns>What went wrong; success mostly.</returns>
    internal ValueTask<SocketError> SendAsync(ReadOnlyMemory<byte> content)
    {
        if (_header is { } header)
        {
            _header = null;
            content = (byte[])[.. header, .. content.Span];
        }
        try
        {
            _socket.Send(content.Span, SocketFlags.None, out var error);
            // What the service refused was an earlier datagram: the error is told once, and this one has not been tried.
            if (IsRefusal(error)) _socket.Send(content.Span, SocketFlags.None, out error);
            return error == SocketError.WouldBlock ? WaitAndSendAsync(content) : ValueTask.FromResult(error);
        }
        catch (ObjectDisposedException)
        {
            return ValueTask.FromResult(SocketError.Shutdown);
        }
    }

    /// <summary>Ends the flow. May be called more than once.</summary>
    internal void Close() => _socket.Dispose();

    void IThreadPoolWorkItem.Execute() => Receive(completed: false);

    /// <summary>A receive that had to wait has ended.</summary>
    protected override void OnCompleted(SocketAsyncEventArgs e) => Receive(completed: true);

    /// <summary>Whether this is the network's answer to an earlier datagram: nobody listens, or nobody can be reached.</summary>
    private static bool IsRefusal(SocketError error) =>
        error is SocketError.ConnectionRefused or SocketError.ConnectionReset or SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.HostDown;

    private async ValueTask<SocketError> WaitAndSendAsync(ReadOnlyMemory<byte> content)
    {
        try
        {
            await _socket.SendAsync(content, SocketFlags.None);
            return SocketError.Success;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode;
        }
        catch (ObjectDisposedException)
        {
            return SocketError.Shutdown;
        }
    }

    private void Receive(bool completed)
    {
        int received = 0, turns = 0;
        bool yields = false;
        try
        {
            while (completed || !_socket.ReceiveAsync(this))
            {
                completed = false;
                if (SocketError == SocketError.Success)
                {
                    if (_owner.TakeAnswer(this, MemoryBuffer.Span[..BytesTransferred])) received++;
                }
                else if (!IsRefusal(SocketError))
                {
                    _owner.Remove(this); // closed by us, or of no more use
                    break;
                }
                if (++turns < ReceivedPerTurn) continue;
                yields = true;
                break;
            }
        }
        catch (ObjectDisposedException)
        {
            // Closed between two receives.
        }
        if (received > 0) _owner.Kick();
        if (yields) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }
}
