using System.Net;
using System.Net.Sockets;

namespace Kcp;

/// <summary>A UDP socket, its clock, and one timer for all streams over it.</summary>
/// <remarks><b>Locks.</b> A stream's lock may be held when this one's are taken, and never the other way round.</remarks>
internal abstract class KcpSocket : IAsyncDisposable
{
    // Larger than any datagram of a peer's: what is longer is cut, and then no whole segment.
    private const int LongestDatagram = 2048;
    private const int SmallestDatagram = SegmentHeader.Size;
    private const int BufferSize = 4 * 1024 * 1024; // as the reference asks for; the system gives what it allows
    private const int AtOnce = 64; // datagrams in a row before others have the thread
    private const int ErrorsAtOnce = 16;
    private static readonly TimeSpan ErrorPause = TimeSpan.FromMilliseconds(50);

    private readonly long _began;
    private readonly Lock _heapLock = new();
    private readonly DeadlineHeap<KcpStream> _heap = new();
    private readonly ITimer _timer;
    private readonly CancellationTokenSource _stopping = new();
    private long _armedFor = long.MaxValue;
    private Task _receiving = Task.CompletedTask;
    private int _disposed;

    /// <summary>Takes ownership of a bound or connected socket.</summary>
    protected KcpSocket(Socket socket, KcpOptions options)
    {
        options.Check();
        (Socket, Options) = (socket, options);
        socket.Blocking = false; // a send that does not fit is a datagram lost, and no thread that waits
        socket.ReceiveBufferSize = BufferSize;
        socket.SendBufferSize = BufferSize;
        _began = Time.GetTimestamp();
        _timer = Time.CreateTimer(static state => ((KcpSocket)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    internal KcpOptions Options { get; }

    internal Socket Socket { get; }

    /// <summary>ms on this socket's clock.</summary>
    internal long Now => (long)Time.GetElapsedTime(_began).TotalMilliseconds;

    private TimeProvider Time => Options.TimeProvider;

    /// <summary>Whether the socket has been closed.</summary>
    protected bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    /// <summary>Begins to receive.</summary>
    protected void Start() => _receiving = ReceiveAsync();

    /// <summary>A datagram has come.</summary>
    protected abstract void OnDatagram(ReadOnlySpan<byte> datagram, SocketAddress from, long now);

    /// <summary>The socket could not receive; it is tried again.</summary>
    protected abstract void OnError(SocketException error);

    /// <summary>What the peer's machine has said when something was sent: nobody is there. The stream ends.</summary>
    internal SocketException? Refusal { get; private protected set; }

    /// <summary>Hands a datagram over. A defect must end one stream, and not the others.</summary>
    protected static void Deliver(KcpStream stream, ReadOnlySpan<byte> datagram, long now)
    {
        try
        {
            stream.OnDatagram(datagram, now);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            stream.End(e);
        }
    }

    /// <summary>Sends a datagram.</summary>
    /// <returns>False when there is no room for it now.</returns>
    internal abstract bool Send(ReadOnlySpan<byte> datagram, SocketAddress to);

    /// <summary>The peer has shown that it hears us. Called under the stream's lock.</summary>
    internal abstract void OnProven(KcpStream stream);

    /// <summary>A stream is over.</summary>
    internal virtual void Remove(KcpStream stream)
    {
        lock (_heapLock) _heap.Remove(stream);
    }

    /// <summary>What is left to do when a stream has been disposed.</summary>
    internal abstract ValueTask OnDisposedAsync();

    /// <summary>Calls a stream when a time has come. Called under the stream's lock.</summary>
    internal void Schedule(KcpStream stream, long due)
    {
        lock (_heapLock)
        {
            _heap.Set(stream, due);
            Arm();
        }
    }

    /// <summary>Closes the socket, and waits until nothing of it runs any more.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _stopping.CancelAsync();
            Socket.Dispose();
            await _timer.DisposeAsync();
        }
        await _receiving;
    }

    // Under the heap's lock.
    private void Arm()
    {
        long earliest = _heap.Earliest;
        if (earliest >= _armedFor || IsDisposed) return;
        _armedFor = earliest;
        _timer.Change(TimeSpan.FromMilliseconds(Math.Clamp(earliest - Now, 1, int.MaxValue)), Timeout.InfiniteTimeSpan);
    }

    private void OnTimer()
    {
        lock (_heapLock) _armedFor = long.MaxValue;
        while (true)
        {
            KcpStream? due;
            lock (_heapLock)
            {
                due = _heap.TakeDue(Now);
                if (due is null)
                {
                    Arm();
                    return;
                }
            }
            due.OnDue(Now);
        }
    }

    private async Task ReceiveAsync()
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(LongestDatagram, pinned: true);
        var from = new SocketAddress(Socket.AddressFamily);
        int atOnce = 0, errors = 0;
        while (true)
        {
            int count;
            try
            {
                var receiving = Socket.ReceiveFromAsync(buffer, SocketFlags.None, from, _stopping.Token);
                if (!receiving.IsCompleted) atOnce = 0;
                else if (++atOnce % AtOnce == 0) await Task.Yield();
                count = await receiving;
                errors = 0;
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException || IsDisposed)
            {
                return;
            }
            catch (SocketException e)
            {
                OnError(e);
                if (IsDisposed) return;
                if (++errors % ErrorsAtOnce == 0) await PauseAsync();
                continue;
            }
            if (count >= SmallestDatagram) OnDatagram(buffer.AsSpan(0, count), from, Now);
        }
    }

    private async Task PauseAsync()
    {
        try
        {
            await Task.Delay(ErrorPause, Time, _stopping.Token);
        }
        catch (OperationCanceledException)
        {
            // The next receive says so too.
        }
    }
}
