using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>A connection whose first bytes were read already, to find out what it is, and are read again by whoever gets it.</summary>
public sealed class PrefixedConnection : Connection
{
    private readonly Connection _inner;
    private readonly PrefixedStream _stream;

    /// <summary>Puts bytes back in front of a connection.</summary>
    /// <param name="inner">Owned from here on.</param>
    /// <param name="prefix">What the next reads return first. Not copied: the caller leaves it alone.</param>
    public PrefixedConnection(Connection inner, ReadOnlyMemory<byte> prefix)
    {
        _inner = inner;
        _stream = new PrefixedStream(inner.Stream, prefix);
    }

    /// <inheritdoc/>
    public override Stream Stream => _stream;

    /// <summary>The connection below, for who deals with the prefix himself. Disposing either disposes both.</summary>
    internal Connection Inner => _inner;

    /// <summary>What is left of the prefix; it counts as read from here on.</summary>
    internal ReadOnlyMemory<byte> TakePrefix() => _stream.TakePrefix();

    /// <inheritdoc/>
    public override EndPoint? Local => _inner.Local;

    /// <inheritdoc/>
    public override EndPoint? Remote => _inner.Remote;

    /// <inheritdoc/>
    public override CarrierLayers Layers => _inner.Layers;

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> ServerCertificateHash => _inner.ServerCertificateHash;

    /// <inheritdoc/>
    public override bool CanHalfClose => _inner.CanHalfClose;

    /// <inheritdoc/>
    public override bool HasPeerLeft => _inner.HasPeerLeft;

    /// <inheritdoc/>
    public override LinkState State => _inner.State;

    /// <inheritdoc/>
    public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken) => _inner.CompleteWritesAsync(cancellationToken);

    /// <inheritdoc/>
    public override void Abort() => _inner.Abort();

    /// <summary>The bare socket, once the prefix has been read.</summary>
    public override bool TryGetSocket([NotNullWhen(true)] out Socket? socket)
    {
        if (_stream.IsReplayed) return _inner.TryGetSocket(out socket);
        socket = null;
        return false;
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => _inner.DisposeAsync();

    /// <inheritdoc/>
    public override string ToString() => _inner.ToString()!;
}
