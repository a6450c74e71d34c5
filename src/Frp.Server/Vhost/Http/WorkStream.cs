using Frp.Transport;

namespace Frp.Server;

/// <summary>A work connection as an HTTP client wants it: every write is sent, and disposing the stream closes the connection.</summary>
/// <param name="connection">Owned.</param>
/// <param name="closing">Where a close that has to wait does so.</param>
internal sealed class WorkStream(Connection connection, TaskScope closing) : DuplexStream
{
    private readonly Stream _inner = connection.Stream;
    private int _disposed;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _inner.ReadAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // A write, once begun, is cancelled by closing the connection only: its layers do not survive half a frame.
        var writing = _inner.WriteAsync(buffer, CancellationToken.None);
        if (!writing.IsCompletedSuccessfully) return FinishAsync(writing);
        writing.GetAwaiter().GetResult();
        var flushing = _inner.FlushAsync(CancellationToken.None);
        return flushing.IsCompletedSuccessfully ? ValueTask.CompletedTask : new ValueTask(flushing);
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            var close = connection.DisposeAsync();
            if (!close.IsCompletedSuccessfully) closing.RunChild("close of a work connection", _ => close.AsTask());
        }
        base.Dispose(disposing);
    }

    private async ValueTask FinishAsync(ValueTask writing)
    {
        await writing;
        await _inner.FlushAsync(CancellationToken.None);
    }
}
