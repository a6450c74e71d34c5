using System.IO.Pipelines;
using System.Net;

namespace Frp.Transport.Tests;

/// <summary>Two connections joined in memory, without sockets; what one writes the other reads, in pieces of a chosen size.</summary>
internal sealed class MemoryDuplex : Connection
{
    private readonly Pipe _out;

    private MemoryDuplex(Pipe incoming, Pipe outgoing, int largestRead)
    {
        _out = outgoing;
        Stream = new PipeStream(incoming.Reader.AsStream(), outgoing.Writer.AsStream(), largestRead);
    }

    public override Stream Stream { get; }

    public override EndPoint? Local => null;

    public override EndPoint? Remote => null;

    public override bool CanHalfClose => true;

    public override LinkState State => LinkState.Delivered;

    internal int Writes => ((PipeStream)Stream).Writes;

    internal static (MemoryDuplex A, MemoryDuplex B) Pair(int largestRead = int.MaxValue)
    {
        var options = new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false);
        var (ab, ba) = (new Pipe(options), new Pipe(options));
        return (new MemoryDuplex(ba, ab, largestRead), new MemoryDuplex(ab, ba, largestRead));
    }

    public override async ValueTask CompleteWritesAsync(CancellationToken cancellationToken) => await _out.Writer.CompleteAsync();

    public override void Abort() => _out.Writer.Complete(new IOException("reset"));

    public override async ValueTask DisposeAsync() => await _out.Writer.CompleteAsync();

    private sealed class PipeStream(Stream reader, Stream writer, int largestRead) : DuplexStream
    {
        internal int Writes { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            reader.ReadAsync(buffer.Length > largestRead ? buffer[..largestRead] : buffer, cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Writes++;
            await writer.WriteAsync(buffer, cancellationToken);
            await writer.FlushAsync(cancellationToken);
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
