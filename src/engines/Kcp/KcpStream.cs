using System.Net;
using System.Runtime.CompilerServices;

namespace Kcp;

/// <summary>A byte stream over datagrams.</summary>
/// <remarks>
/// <para><b>Ends.</b> KCP has none: a peer that closes, and one that dies, are both only silent. Whoever needs to tell the peer does so in the stream.
/// A silent peer is asked whether it is there (<see cref="KcpOptions.ProbeAfter"/>), and reads and writes fail when it has not answered for long.</para>
/// <para><b>Writing</b> completes when the bytes have been queued, and waits while the queue is full.</para>
/// <para><b>Ownership.</b> Whoever dialled or accepted a stream disposes it. Disposal goes on sending for <see cref="KcpOptions.LingerTime"/> at most,
/// until everything has been acknowledged.</para>
/// <para><b>Concurrency.</b> One reader and one writer at a time; everything else from any thread. Continuations may run on the socket's receive loop,
/// so they must not block.</para>
/// <para><b>Errors.</b> <see cref="IOException"/> when the peer is gone, <see cref="ObjectDisposedException"/> after disposal or <see cref="Abort"/>.</para>
/// </remarks>
public sealed partial class KcpStream : Stream, IHasDeadline, IDatagramOutput
{
    private readonly Lock _gate = new();
    private readonly KcpSocket _socket;
    private readonly SocketAddress _address;
    private readonly Conversation _conversation;
    private readonly Signal _readable;
    private readonly Signal _writable;
    private readonly Signal _delivered;
    private Exception? _end;
    private bool _isClosing;

    /// <summary>Begins a conversation.</summary>
    /// <param name="socket">Not owned.</param>
    /// <param name="address">The peer's.</param>
    /// <param name="id">The conversation's number.</param>
    /// <param name="clockOffset">By chance; see <see cref="Conversation"/>.</param>
    /// <param name="isProven">Whether the peer is known to be where it says; if not, it is sent little before it has shown that.</param>
    internal KcpStream(KcpSocket socket, SocketAddress address, uint id, uint clockOffset, bool isProven)
    {
        (_socket, _address, _isProven) = (socket, address, isProven);
        _conversation = new Conversation(id, clockOffset, socket.Options);
        (_readable, _writable, _delivered) = (new Signal(_gate), new Signal(_gate), new Signal(_gate));
        _began = _heard = socket.Now;
        RemoteEndPoint = (IPEndPoint)new IPEndPoint(address.Family == System.Net.Sockets.AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0).Create(address);
    }

    /// <summary>The conversation's number.</summary>
    public uint Id => _conversation.Id;

    /// <summary>The peer's address; of a socket for both families an IPv4 one is mapped.</summary>
    public IPEndPoint RemoteEndPoint { get; }

    /// <summary>Our address; null after the end. Of a socket that listens everywhere, a wildcard.</summary>
    public EndPoint? LocalEndPoint
    {
        get
        {
            try
            {
                return _socket.Socket.LocalEndPoint;
            }
            catch (ObjectDisposedException)
            {
                return null;
            }
        }
    }

    /// <summary>Whether the peer has acknowledged all that was written.</summary>
    public bool IsDelivered
    {
        get { lock (_gate) return _conversation.IsDelivered; }
    }

    /// <summary>Whether the peer has shown that it receives what is sent to it, and so is where it says. Also after the end.</summary>
    public bool IsProven
    {
        get { lock (_gate) return _isProven; }
    }

    /// <summary>Whether nothing will be read or written any more.</summary>
    public bool IsOver
    {
        get { lock (_gate) return _end is not null || _isClosing; }
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Reads what is there, or waits for bytes. Never returns 0, since there is no end; but for a zero-length read, which waits until something can be read.</summary>
    /// <param name="buffer">Filled from the start. Ownership: in use until the read completes.</param>
    /// <param name="cancellationToken">Ends the wait; no bytes are lost.</param>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellationToken);
        return TryRead(buffer.Span, out int count) ? ValueTask.FromResult(count) : ReadLaterAsync(buffer, cancellationToken);
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Queues bytes, and sends what may be sent.</summary>
    /// <param name="buffer">Ownership: in use until the write completes.</param>
    /// <param name="cancellationToken">Ends a wait for room; how much was queued is then unknown.</param>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        int taken = Queue(buffer.Span);
        return taken == buffer.Length ? ValueTask.CompletedTask : WriteLaterAsync(buffer[taken..], cancellationToken);
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Does nothing: no write waits for a flush, beyond <see cref="KcpOptions.FlushInterval"/>.</summary>
    public override void Flush()
    {
    }

    /// <inheritdoc cref="Flush()"/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Not supported: nothing here may block.</summary>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("KCP streams are asynchronous.");

    /// <summary>Not supported: nothing here may block.</summary>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("KCP streams are asynchronous.");

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    // Whoever waits in here has armed the signal, under the lock, when he found that he has to wait.
    private bool TryRead(Span<byte> buffer, out int count)
    {
        lock (_gate)
        {
            ThrowIfOver();
            count = 0;
            if (!_conversation.IsReadable)
            {
                _readable.Arm();
                return false;
            }
            long now = _socket.Now;
            count = _conversation.Read(buffer, now);
            Settle(now);
            return true;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadLaterAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            await _readable.WaitAsync(cancellationToken);
            if (TryRead(buffer.Span, out int count)) return count;
        }
    }

    private int Queue(ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            ThrowIfOver();
            if (_writable.IsArmed) throw new InvalidOperationException("another write is under way");
            long now = _socket.Now;
            int taken = _conversation.Write(data, now);
            Settle(now);
            if (taken < data.Length) _writable.Arm();
            return taken;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteLaterAsync(ReadOnlyMemory<byte> rest, CancellationToken cancellationToken)
    {
        while (!rest.IsEmpty)
        {
            await _writable.WaitAsync(cancellationToken);
            rest = rest[Queue(rest.Span)..];
        }
    }

    private void ThrowIfOver()
    {
        ObjectDisposedException.ThrowIf(_isClosing, this);
        if (_end is not null) throw new IOException(_end.Message, _end);
    }
}
