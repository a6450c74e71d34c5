using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Frp.Transport;

/// <summary>One established byte stream and what is known about it: a TCP, TLS or WebSocket connection, or a stream of a multiplexer.</summary>
/// <remarks>
/// <para><b>Ownership.</b> A connection owns its <see cref="Stream"/> and whatever lies below. Whoever holds the connection
/// disposes it, or hands it to a call that is documented to take ownership.</para>
/// <para><b>Ends.</b> <see cref="DisposeAsync"/> is the orderly end: what was written still reaches the peer, within the
/// carrier's means, and then the peer sees the end of the stream. <see cref="Abort"/> is the disorderly one: the peer sees a
/// reset where the carrier can say so. Both may be called more than once and from any thread.</para>
/// </remarks>
public abstract class Connection : IAsyncDisposable
{
    /// <summary>The bytes. One reader and one writer at a time. Writes may be gathered until <see cref="System.IO.Stream.FlushAsync(CancellationToken)"/>.</summary>
    public abstract Stream Stream { get; }

    /// <summary>Our end; IPv4-mapped IPv6 addresses are unmapped. Null where the carrier has none.</summary>
    public abstract EndPoint? Local { get; }

    /// <summary>The peer's end; IPv4-mapped IPv6 addresses are unmapped. Null where the carrier has none.</summary>
    public abstract EndPoint? Remote { get; }

    /// <summary>What the bytes are wrapped in on their way.</summary>
    public virtual CarrierLayers Layers => CarrierLayers.None;

    /// <summary>
    /// SHA-256 of the certificate that the server of this connection has shown in TLS, the innermost if there are several; empty without TLS. What a proof
    /// can be bound to (RFC 5929 §4, tls-server-end-point). Computed when asked for.
    /// </summary>
    public virtual ReadOnlyMemory<byte> ServerCertificateHash => default;

    /// <summary>Whether <see cref="CompleteWritesAsync"/> can end one direction and leave the other open.</summary>
    public abstract bool CanHalfClose { get; }

    /// <summary>Sends what is gathered and then the end of our direction; reading goes on. Only where <see cref="CanHalfClose"/>.</summary>
    public abstract ValueTask CompleteWritesAsync(CancellationToken cancellationToken);

    /// <summary>Ends both directions at once; data under way may be lost. Pending reads and writes fail.</summary>
    public abstract void Abort();

    /// <summary>Whether the peer's end or reset has reached this machine, even if it has not been read yet. False where that cannot be told.</summary>
    public virtual bool HasPeerLeft => false;

    /// <summary>What has become of what was written, and of the peer. Asks the machine, which costs a system call: not for every byte.</summary>
    public abstract LinkState State { get; }

    /// <summary>The bare socket, when the connection is one and nothing is buffered above it: a relay may then take the short way.</summary>
    public virtual bool TryGetSocket([NotNullWhen(true)] out Socket? socket)
    {
        socket = null;
        return false;
    }

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}
