using System.Net;

namespace Frp.Transport;

/// <summary>A connection whose bytes, both ways, are taken from a limiter that it may share with others.</summary>
internal sealed class LimitedConnection : Connection
{
    private readonly Connection _inner;
    private readonly CancellationTokenSource _over = new(); // never disposed: it has no timer, and the end may come from any thread

    /// <summary>Takes ownership of the connection.</summary>
    internal LimitedConnection(Connection inner, BandwidthLimiter limiter)
    {
        _inner = inner;
        Stream = new LimitedStream(inner.Stream, limiter, _over.Token);
    }

    public override Stream Stream { get; }

    public override EndPoint? Local => _inner.Local;

    public override EndPoint? Remote => _inner.Remote;

    public override CarrierLayers Layers => _inner.Layers;

    public override ReadOnlyMemory<byte> ServerCertificateHash => _inner.ServerCertificateHash;

    public override bool CanHalfClose => _inner.CanHalfClose;

    public override bool HasPeerLeft => _inner.HasPeerLeft;

    public override LinkState State => _inner.State;

    public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken) => _inner.CompleteWritesAsync(cancellationToken);

    public override void Abort()
    {
        _inner.Abort();
        _over.Cancel();
    }

    public override async ValueTask DisposeAsync()
    {
        await _inner.DisposeAsync();
        await _over.CancelAsync();
    }

    /// <summary>Bytes that wait for their share. Does not own what lies below.</summary>
    /// <remarks>What was read is held back until it is paid for; what is written is paid for first.</remarks>
    private sealed class LimitedStream(Stream inner, BandwidthLimiter limiter, CancellationToken over) : DuplexStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int count = await inner.ReadAsync(buffer.Length > limiter.LargestPiece ? buffer[..limiter.LargestPiece] : buffer, cancellationToken);
            // The bytes are the caller's when this returns: the token of the read cannot take them back any more.
            if (count > 0 && limiter.Take(count) is { Ticks: > 0 } wait) await WaitAsync(wait, count);
            return count;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (buffer.Length > 0)
            {
                int count = Math.Min(buffer.Length, limiter.LargestPiece);
                if (limiter.Take(count) is { Ticks: > 0 } wait)
                {
                    await inner.FlushAsync(cancellationToken); // what has been paid for does not wait with the rest
                    await WaitAsync(wait, count);
                }
                await inner.WriteAsync(buffer[..count], cancellationToken);
                buffer = buffer[count..];
            }
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        private async ValueTask WaitAsync(TimeSpan wait, int count)
        {
            try
            {
                await limiter.WaitAsync(wait, count, over);
            }
            catch (OperationCanceledException e)
            {
                throw new IOException("the connection is closed", e);
            }
        }
    }
}
