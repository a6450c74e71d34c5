using System.Net;
using Kcp;

namespace Frp.Transport;

/// <summary>A KCP conversation: a byte stream over UDP.</summary>
/// <remarks>
/// Nothing on the wire says that an end has closed or reset it. Peers say so in what they carry (TLS's close_notify, the multiplexer's frames), and a
/// silent one is asked, and given up after minutes.
/// </remarks>
/// <param name="stream">Owned.</param>
public sealed class KcpConnection(KcpStream stream) : Connection, IIncoming
{
    /// <inheritdoc/>
    public override Stream Stream => stream;

    /// <summary>Our end. Where a port listens on every address, the system does not tell which of them the peer has used.</summary>
    public override EndPoint? Local => EndPoints.Unmap(stream.LocalEndPoint);

    /// <inheritdoc cref="Connection.Remote"/>
    public override EndPoint? Remote { get; } = EndPoints.Unmap(stream.RemoteEndPoint);

    /// <inheritdoc/>
    public override bool CanHalfClose => false;

    /// <inheritdoc/>
    public override bool HasPeerLeft => stream.IsOver;

    /// <inheritdoc/>
    public override LinkState State => stream.IsOver ? LinkState.Gone : stream.IsDelivered ? LinkState.Delivered : LinkState.Sending;

    /// <inheritdoc/>
    public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken) => throw new NotSupportedException("KCP cannot end one direction");

    /// <inheritdoc/>
    public override void Abort() => stream.Abort();

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => stream.DisposeAsync();

    bool IIncoming.IsVerified => stream.IsProven;

    /// <summary>A conversation needs no handshake: it is there with its first datagram.</summary>
    ValueTask<Connection?> IIncoming.HandshakeAsync(CancellationToken cancellationToken) => ValueTask.FromResult<Connection?>(this);

    /// <inheritdoc/>
    public override string ToString() => $"kcp {Remote}";
}
