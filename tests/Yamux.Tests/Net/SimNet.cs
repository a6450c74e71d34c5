namespace Yamux.Tests.Net;

/// <summary>How a simulated carrier behaves.</summary>
/// <param name="Seed">Decides how many bytes each read returns; 0: as many as there are.</param>
/// <param name="Capacity">Bytes under way in one direction before a write waits.</param>
/// <param name="CutClient">Bytes after which what the client end writes is lost, and both directions end.</param>
/// <param name="CutServer">The same for the server end.</param>
internal sealed record SimOptions(int Seed = 0, int Capacity = 256 * 1024, long CutClient = long.MaxValue, long CutServer = long.MaxValue);

/// <summary>Two ends of a carrier in memory. Driven by events alone; completions are always asynchronous, as a real carrier's may be.</summary>
internal sealed class SimNet
{
    private readonly SimPipe _up;
    private readonly SimPipe _down;

    public SimNet(SimOptions? options = null)
    {
        options ??= new SimOptions();
        _up = new SimPipe(options.Seed, options.Capacity, options.CutClient, Cut);
        _down = new SimPipe(options.Seed == 0 ? 0 : options.Seed + 1, options.Capacity, options.CutServer, Cut);
        Client = new SimCarrier(_down, _up);
        Server = new SimCarrier(_up, _down);
    }

    public SimCarrier Client { get; }

    public SimCarrier Server { get; }

    /// <summary>Bytes that reached the server end's side of the wire.</summary>
    public long BytesUp => _up.Total;

    /// <summary>Bytes that reached the client end's side of the wire.</summary>
    public long BytesDown => _down.Total;

    /// <summary>Carrier writes of the client end.</summary>
    public int WritesUp => _up.Writes;

    /// <summary>Ends both directions: readers get what is under way and then the end, writers fail.</summary>
    public void Cut()
    {
        _up.Break();
        _down.Break();
    }
}

/// <summary>One end.</summary>
internal sealed class SimCarrier(SimPipe input, SimPipe output) : Stream
{
    private int _disposed;

    public bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    public override bool CanRead => true;
    public override bool CanWrite => true;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => input.ReadAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => output.WriteAsync(buffer, cancellationToken);

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush() => throw new NotSupportedException();
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        Interlocked.Exchange(ref _disposed, 1);
        input.Break();
        output.Break();
        base.Dispose(disposing);
    }
}

/// <summary>One direction.</summary>
internal sealed class SimPipe(int seed, int capacity, long cutAfter, Action cut)
{
    private readonly Lock _gate = new();
    private readonly Random? _chunks = seed == 0 ? null : new Random(seed);
    private readonly Queue<byte[]> _held = new();
    private int _offset;   // into the first of them
    private int _length;
    private bool _broken;
    private TaskCompletionSource _changed = New();

    public long Total { get; private set; }

    public int Writes { get; private set; }

    public void Break()
    {
        lock (_gate)
        {
            _broken = true;
            Signal();
        }
    }

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_length > 0 || buffer.IsEmpty)
                {
                    int limit = Math.Min(buffer.Length, _length);
                    if (_chunks is not null && limit > 1) limit = _chunks.Next(_chunks.Next(4) == 0 ? Math.Min(limit, 16) : limit) + 1;
                    int done = 0;
                    while (done < limit)
                    {
                        ReadOnlySpan<byte> first = _held.Peek().AsSpan(_offset);
                        int count = Math.Min(first.Length, limit - done);
                        first[..count].CopyTo(buffer.Span[done..]);
                        done += count;
                        _offset += count;
                        if (count < first.Length) continue;
                        _held.Dequeue();
                        _offset = 0;
                    }

                    _length -= done;
                    Signal();
                    return done;
                }

                if (_broken) return 0;
                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        lock (_gate) Writes++;
        while (!buffer.IsEmpty)
        {
            Task changed;
            bool isCut;
            lock (_gate)
            {
                if (_broken) throw new IOException("the simulated carrier is broken");
                int count = (int)Math.Min(Math.Min(buffer.Length, capacity - _length), cutAfter - Total);
                if (count > 0)
                {
                    _held.Enqueue(buffer[..count].ToArray());
                    _length += count;
                    Total += count;
                    buffer = buffer[count..];
                    Signal();
                }

                isCut = Total >= cutAfter;
                changed = _changed.Task;
            }

            if (isCut) cut();
            else if (!buffer.IsEmpty) await changed.WaitAsync(cancellationToken);
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Signal()
    {
        _changed.SetResult();
        _changed = New();
    }
}
