using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Frp.Server;

/// <summary>An end point of an HTTP server to which connections are handed, rather than one that listens.</summary>
/// <param name="name">For the server's own use.</param>
internal sealed class HandedEndPoint(string name) : EndPoint
{
    // A connection waits here for as long as it takes to queue a work item; whoever hands over waits when there are that many.
    private readonly Channel<ConnectionContext> _connections =
        Channel.CreateBounded<ConnectionContext>(new BoundedChannelOptions(1024) { SingleReader = true });

    /// <summary>Hands a connection over.</summary>
    /// <returns>False when the server does not take any more: the connection is still the caller's.</returns>
    internal async ValueTask<bool> TryHandAsync(ConnectionContext connection, CancellationToken cancellationToken)
    {
        while (await _connections.Writer.WaitToWriteAsync(cancellationToken))
        {
            if (_connections.Writer.TryWrite(connection)) return true;
        }
        return false;
    }

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
