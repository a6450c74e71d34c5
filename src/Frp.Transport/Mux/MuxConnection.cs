using System.Net;
using Yamux;

namespace Frp.Transport;

/// <summary>One stream of a multiplexing session, seen as a connection.</summary>
public sealed class MuxConnection : Connection
{
    private readonly Connection? _carrier;

    /// <summary>Takes ownership of the stream.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="local">The carrier's own end.</param>
    /// <param name="remote">The carrier's peer.</param>
    /// <param name="carrier">What the session runs on. Not owned.</param>
    public MuxConnection(YamuxStream stream, EndPoint? local, EndPoint? remote, Connection? carrier = null) => (MuxStream, Local, Remote, _carrier) = (stream, local, remote, carrier);

    /// <summary>The stream, for relays that deal with it directly.</summary>
    public YamuxStream MuxStream { get; }

    /// <inheritdoc/>
    public override Stream Stream => MuxStream;

    /// <inheritdoc/>
    public override EndPoint? Local { get; }

    /// <inheritdoc/>
    public override EndPoint? Remote { get; }

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> ServerCertificateHash => _carrier?.ServerCertificateHash ?? default;

    /// <inheritdoc/>
    public override bool CanHalfClose => true;

    /// <inheritdoc/>
    public override bool HasPeerLeft => _carrier is not null && _carrier.HasPeerLeft;

    /// <inheritdoc/>
    /// <remarks>Frames keep their order, and a reset takes nothing from a peer that has our FIN: what was written counts as delivered.</remarks>
    public override LinkState State => MuxStream.IsOver ? LinkState.Gone : LinkState.Delivered;

    /// <inheritdoc/>
    public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken) => MuxStream.CompleteWritesAsync(cancellationToken);

    /// <inheritdoc/>
    public override void Abort() => MuxStream.Abort();

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => MuxStream.DisposeAsync();
}
