using System.Threading.Channels;
using Frp.Proxies;

namespace Frp.Server;

/// <summary>The entrance of one secret proxy: visitors who know the key and may come wait here until the proxy takes them.</summary>
/// <remarks>
/// <b>Concurrency.</b> Any number of visitors come at once, one proxy takes them: on the thread that brings the first of them, so that
/// a burst does not have to wait in the queue for a thread.
/// </remarks>
internal sealed class SecretListener : IVisitorListener
{
    /// <summary>Visitors that may wait. A further one is refused.</summary>
    // Source: wire specification §22, "internal visitor queue per proxy".
    internal const int QueueLength = 128;

    private readonly SecretListeners _table;
    private readonly IDisposable _claim;
    private readonly Channel<VisitorUser> _queue = Channel.CreateBounded<VisitorUser>(new BoundedChannelOptions(QueueLength) { AllowSynchronousContinuations = true });
    private byte[]? _streamKey;
    private int _disposed;

    internal SecretListener(SecretListeners table, IDisposable claim, SecretEntrance entrance) => (_table, _claim, Entrance) = (table, claim, entrance);

    /// <summary>Who may come.</summary>
    internal SecretEntrance Entrance { get; }

    /// <summary>Whose proxy it is.</summary>
    internal SecretOwner Owner => Entrance.Owner;

    /// <summary>Key of the encryption of the visitors' leg. Derived when the first visitor wants it.</summary>
    internal byte[] StreamKey => LazyInitializer.EnsureInitialized(ref _streamKey, () => Frp.Wire.StreamKey.Derive(Entrance.SecretKey));

    /// <summary>Checks that a visitor would not be sent away only for want of room.</summary>
    /// <exception cref="PeerRefusedException">The queue is full, or the proxy is gone.</exception>
    internal void CheckRoom()
    {
        if (Volatile.Read(ref _disposed) != 0) throw new PeerRefusedException("put conn error: listener is closed");
        if (_queue.Reader.Count >= QueueLength) throw new PeerRefusedException($"put conn error: {QueueLength} visitors are waiting for [{Owner.ProxyName}] already");
    }

    /// <summary>Hands a visitor over.</summary>
    /// <param name="user">The visitor. The listener owns its connection, unless it returns false.</param>
    /// <returns>False when the proxy has gone, or the queue has filled up, meanwhile.</returns>
    internal bool Deliver(VisitorUser user) => _queue.Writer.TryWrite(user);

    /// <inheritdoc/>
    public async ValueTask<VisitorUser?> AcceptAsync(CancellationToken cancellationToken)
    {
        while (await _queue.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_queue.Reader.TryRead(out var user)) return user;
        }
        return null;
    }

    /// <summary>Gives the name back and closes the connections of those who wait.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _table.Remove(this);
        _claim.Dispose();
        _queue.Writer.TryComplete();
        while (_queue.Reader.TryRead(out var user)) await user.Connection.DisposeAsync();
    }
}
