using System.Net;

namespace Frp.Transport;

/// <summary>A connection inside WebSocket frames. There is no half-close: a close frame ends both directions.</summary>
public sealed class WebSocketConnection : Connection
{
    private static readonly TimeSpan GoodbyeTimeout = TimeSpan.FromSeconds(2);

    private readonly Connection _inner;
    private readonly WebSocketStream _stream;
    private readonly TimeProvider _timeProvider;
    private int _ended;

    internal WebSocketConnection(Connection inner, bool isClient, string? origin, ReadOnlySpan<byte> surplus, TimeProvider timeProvider)
    {
        _inner = inner;
        _timeProvider = timeProvider;
        Origin = origin;
        _stream = new WebSocketStream(inner.Stream, isClient, surplus);
    }

    /// <summary>What the client said it is, unverified; null on the client's own side.</summary>
    // Compat: the reference takes this for the peer's address. Remote is the socket's here.
    public string? Origin { get; }

    /// <inheritdoc/>
    public override Stream Stream => _stream;

    /// <inheritdoc/>
    public override EndPoint? Local => _inner.Local;

    /// <inheritdoc/>
    public override EndPoint? Remote => _inner.Remote;

    /// <inheritdoc/>
    public override CarrierLayers Layers => _inner.Layers | CarrierLayers.WebSocket;

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> ServerCertificateHash => _inner.ServerCertificateHash;

    /// <inheritdoc/>
    public override bool CanHalfClose => false;

    /// <inheritdoc/>
    public override bool HasPeerLeft => _inner.HasPeerLeft;

    /// <inheritdoc/>
    public override LinkState State => _inner.State;

    /// <inheritdoc/>
    public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken) =>
        throw new NotSupportedException("WebSocket has no half-close");

    /// <inheritdoc/>
    public override void Abort()
    {
        Interlocked.Exchange(ref _ended, 1);
        _inner.Abort();
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            using var deadline = new Deadline(GoodbyeTimeout, _timeProvider, CancellationToken.None);
            try
            {
                await _stream.SendCloseAsync(deadline.Token);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or System.Net.Sockets.SocketException)
            {
                // The peer is gone or does not read: there is nobody to say goodbye to.
            }
        }
        await _inner.DisposeAsync();
    }

    /// <inheritdoc/>
    public override string ToString() => $"websocket over {_inner}";
}
