using System.Net;
using Frp.Transport;

namespace Frp.Fuzz;

/// <summary>A stream that has the whole input at hand and never waits: it hands it out in pieces, then it ends. What is written is kept.</summary>
/// <param name="input">What is read.</param>
/// <param name="piece">Longest read, in bytes.</param>
internal sealed class Feed(ReadOnlyMemory<byte> input, int piece = int.MaxValue) : DuplexStream
{
    private readonly MemoryStream _written = new();
    private ReadOnlyMemory<byte> _rest = input;

    internal ReadOnlyMemory<byte> Rest => _rest;

    internal byte[] Written => _written.ToArray();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count = Math.Min(Math.Min(buffer.Length, piece), _rest.Length);
        _rest[..count].CopyTo(buffer);
        _rest = _rest[count..];
        return new ValueTask<int>(count);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _written.Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>A connection over a <see cref="Feed"/>.</summary>
internal sealed class FeedConnection(Feed feed) : Connection
{
    public override Stream Stream => feed;

    public override EndPoint? Local => null;

    public override EndPoint? Remote => null;

    public override bool CanHalfClose => true;

    public override LinkState State => LinkState.Delivered;

    internal bool IsClosed { get; private set; }

    public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public override void Abort() => IsClosed = true;

    public override ValueTask DisposeAsync()
    {
        IsClosed = true;
        return ValueTask.CompletedTask;
    }
}
