using System.Threading.Channels;
using Frp.Proxies;

namespace Frp.Server;

/// <summary>The entrance of one xtcp proxy: ids of attempts wait here until the proxy tells them to its client.</summary>
internal sealed class TraversalListener(TraversalBroker broker, IDisposable claim, SecretEntrance entrance, ITraversalParty party) : ITraversalListener
{
    /// <summary>Attempts that may wait. A further one is refused.</summary>
    internal const int QueueLength = 64;

    private readonly Channel<string> _queue = Channel.CreateBounded<string>(new BoundedChannelOptions(QueueLength) { SingleReader = true });
    private int _disposed;

    /// <summary>Whose it is, and who may come.</summary>
    internal SecretEntrance Entrance => entrance;

    /// <summary>The session of the proxy.</summary>
    internal ITraversalParty Party => party;

    /// <summary>Hands an attempt over.</summary>
    /// <returns>False when the proxy has gone, or too many wait.</returns>
    internal bool Offer(string sid) => _queue.Writer.TryWrite(sid);

    /// <inheritdoc/>
    public async ValueTask<string?> AcceptAsync(CancellationToken cancellationToken)
    {
        while (await _queue.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_queue.Reader.TryRead(out var sid)) return sid;
        }
        return null;
    }

    /// <summary>Gives the name back.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return ValueTask.CompletedTask;
        broker.Remove(this);
        claim.Dispose();
        _queue.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }
}
