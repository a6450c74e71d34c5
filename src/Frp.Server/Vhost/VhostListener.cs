using System.Threading.Channels;
using Frp.Proxies;
using Frp.Transport;

namespace Frp.Server;

/// <summary>Users whom a front has found to be for one name, until the proxy behind it takes them.</summary>
/// <remarks>
/// <para><b>Bounds.</b> As many wait as the queue holds; the one after them is closed. A proxy takes them as they come and waits for
/// work connections elsewhere, so a full queue means that the server is short of everything.</para>
/// <para><b>Concurrency.</b> Any number of writers; one reader.</para>
/// </remarks>
internal sealed class VhostListener : IUserListener
{
    // Source: wire specification §22, the queue in front of a proxy that users do not reach by a port.
    private const int Capacity = 128;

    private readonly Channel<Connection> _users = Channel.CreateBounded<Connection>(new BoundedChannelOptions(Capacity)
    {
        FullMode = BoundedChannelFullMode.Wait, // writers only try
        AllowSynchronousContinuations = true, // a user goes on to its proxy on the thread that read its first bytes
    });
    private readonly Action<VhostListener> _release;
    private int _disposed;

    /// <summary>Open from here on.</summary>
    /// <param name="port">The front's port.</param>
    /// <param name="release">Gives the name back. Called once.</param>
    internal VhostListener(int port, Action<VhostListener> release) => (Port, _release) = (port, release);

    /// <inheritdoc/>
    public int Port { get; }

    /// <summary>Hands a user on.</summary>
    /// <returns>False when the queue is full or the proxy has gone; the connection is the caller's still.</returns>
    internal bool TryOffer(Connection user) => _users.Writer.TryWrite(user);

    /// <inheritdoc/>
    public async ValueTask<Connection?> AcceptAsync(CancellationToken cancellationToken)
    {
        while (await _users.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_users.Reader.TryRead(out var user)) return user;
        }
        return null;
    }

    /// <summary>Gives the name back at once, and closes the users whom nobody has taken.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _release(this);
        _users.Writer.Complete();
        while (_users.Reader.TryRead(out var user)) await user.DisposeAsync();
    }
}
