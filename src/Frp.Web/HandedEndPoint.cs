using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Frp.Web;

/// <summary>An end point of an HTTP server to which connections are handed, rather than one that listens.</summary>
/// <param name="name">For the server's own use.</param>
public sealed class HandedEndPoint(string name) : EndPoint
{
    // A connection waits here for as long as it takes to queue a work item; whoever hands over waits when there are that many.
    private readonly Channel<ConnectionContext> _connections =
        Channel.CreateBounded<ConnectionContext>(new BoundedChannelOptions(1024) { SingleReader = true });

    /// <summary>Hands a connection over.</summary>
    /// <param name="connection">Owned from here on, whatever happens.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False when the server takes no more: the connection has been closed.</returns>
    public async ValueTask<bool> HandAsync(ConnectionContext connection, CancellationToken cancellationToken)
    {
        bool taken = false;
        try
        {
            while (!taken && await _connections.Writer.WaitToWriteAsync(cancellationToken)) taken = _connections.Writer.TryWrite(connection);
        }
        finally
        {
            if (!taken) await connection.DisposeAsync();
        }
        return taken;
    }

    /// <inheritdoc/>
    public override string ToString() => name;

    /// <summary>The transport of a server all of whose end points are handed to.</summary>
    internal sealed class Factory : IConnectionListenerFactory
    {
        public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult<IConnectionListener>(new Listener((HandedEndPoint)endpoint));
    }

    private sealed class Listener(HandedEndPoint endPoint) : IConnectionListener
    {
        public EndPoint EndPoint => endPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await endPoint._connections.Reader.WaitToReadAsync(cancellationToken))
            {
                if (endPoint._connections.Reader.TryRead(out var connection)) return connection;
            }
            return null;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            endPoint._connections.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}
