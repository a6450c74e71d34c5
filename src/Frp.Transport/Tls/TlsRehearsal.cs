using System.Net;
using System.Threading.Channels;

namespace Frp.Transport;

/// <summary>A TLS handshake of a program with itself, in memory.</summary>
/// <remarks>
/// The first handshake of a process loads and links the platform's cryptography and touches code for the first time all the way:
/// several milliseconds, which a program that starts has time for while it reads its configuration, and no time for later.
/// </remarks>
public static class TlsRehearsal
{
    // Nobody else is involved, so this only guards against a defect.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Runs it. Throws nothing: where cryptography does not work, the first handshake with a peer says so.</summary>
    public static async Task RunAsync(TimeProvider timeProvider)
    {
        using var deadline = new Deadline(Patience, timeProvider, CancellationToken.None);
        await HandshakeAsync(timeProvider, deadline.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task HandshakeAsync(TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        var server = TlsServer.Interim(timeProvider);
        var client = TlsClient.Load(new TlsClientOptions(), timeProvider);
        var (there, back) = (NewDirection(), NewDirection());
        var accepted = server.AuthenticateAsync(new MemoryConnection(there.Reader, back.Writer), cancellationToken).AsTask();
        await using var dialled = await client.AuthenticateAsync(new MemoryConnection(back.Reader, there.Writer), "localhost", null, cancellationToken);
        await using var met = await accepted;
    }

    private static Channel<ReadOnlyMemory<byte>> NewDirection() =>
        Channel.CreateBounded<ReadOnlyMemory<byte>>(new BoundedChannelOptions(16) { SingleReader = true, SingleWriter = true });

    private sealed class MemoryConnection(ChannelReader<ReadOnlyMemory<byte>> incoming, ChannelWriter<ReadOnlyMemory<byte>> outgoing) : Connection
    {
        public override Stream Stream { get; } = new MemoryDuplex(incoming, outgoing);
        public override EndPoint? Local => null;
        public override EndPoint? Remote => null;
        public override bool CanHalfClose => false;
        public override LinkState State => LinkState.Delivered;
        public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;
        public override void Abort() => outgoing.TryComplete();

        public override ValueTask DisposeAsync()
        {
            outgoing.TryComplete();
            return ValueTask.CompletedTask;
        }
    }

    private sealed class MemoryDuplex(ChannelReader<ReadOnlyMemory<byte>> incoming, ChannelWriter<ReadOnlyMemory<byte>> outgoing) : DuplexStream
    {
        private ReadOnlyMemory<byte> _rest;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (_rest.IsEmpty)
            {
                if (!await incoming.WaitToReadAsync(cancellationToken)) return 0;
                incoming.TryRead(out _rest);
            }
            int count = Math.Min(buffer.Length, _rest.Length);
            _rest[..count].CopyTo(buffer);
            _rest = _rest[count..];
            return count;
        }

        // A copy: the writer's buffer is its own again as soon as this returns.
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            outgoing.TryWrite(buffer.ToArray()) ? ValueTask.CompletedTask : ValueTask.FromException(new IOException("the other end has gone"));

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
