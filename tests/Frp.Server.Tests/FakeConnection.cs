using System.Net;
using Frp.Transport;

namespace Frp.Server.Tests;

/// <summary>A connection on which nothing is said unless it is given what, and of which it is known whether it has been closed.</summary>
internal sealed class FakeConnection : Connection
{
    internal bool IsDisposed { get; private set; }

    internal byte[] Certificate { get; init; } = [];

    internal Stream Content { get; init; } = new MemoryStream();

    public override Stream Stream => Content;

    public override EndPoint? Local => null;

    public override EndPoint? Remote => null;

    public override ReadOnlyMemory<byte> ServerCertificateHash => Certificate;

    public override bool CanHalfClose => false;

    public override LinkState State => LinkState.Delivered;

    public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public override void Abort() => IsDisposed = true;

    public override ValueTask DisposeAsync()
    {
        IsDisposed = true;
        return ValueTask.CompletedTask;
    }
}
