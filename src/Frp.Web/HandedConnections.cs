using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Frp.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Frp.Web;

/// <summary>An end point of an HTTP server to which connections are handed, rather than one that listens.</summary>
/// <param name="name">For the server's own use.</param>
public sealed class HandedEndPoint(string name) : EndPoint
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

/// <summary>A connection that is more than a socket, as the HTTP server wants it.</summary>
/// <remarks><b>Ownership.</b> The server disposes it, and it disposes the connection.</remarks>
internal sealed class HandedConnection : ConnectionContext, IDuplexPipe, IConnectionLifetimeFeature, IConnectionEndPointFeature, IConnectionIdFeature, IConnectionItemsFeature, IConnectionTransportFeature
{
    private readonly Connection _connection;
    private readonly CancellationTokenSource _closed = new();

    internal HandedConnection(Connection connection)
    {
        _connection = connection;
        Input = PipeReader.Create(connection.Stream, new StreamPipeReaderOptions(useZeroByteReads: true, leaveOpen: true));
        Output = PipeWriter.Create(connection.Stream, new StreamPipeWriterOptions(leaveOpen: true));
        ConnectionClosed = _closed.Token;
        (LocalEndPoint, RemoteEndPoint) = (connection.Local, connection.Remote);
        Features.Set<IConnectionLifetimeFeature>(this);
        Features.Set<IConnectionEndPointFeature>(this);
        Features.Set<IConnectionIdFeature>(this);
        Features.Set<IConnectionItemsFeature>(this);
        Features.Set<IConnectionTransportFeature>(this);
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    public override IDuplexPipe Transport { get => this; set => throw new NotSupportedException(); }

    public override string ConnectionId { get; set; } = "";

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    public override CancellationToken ConnectionClosed { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    public override void Abort(ConnectionAbortedException abortReason)
    {
        _connection.Abort();
        Close();
    }

    public override async ValueTask DisposeAsync()
    {
        await Output.CompleteAsync();
        await Input.CompleteAsync();
        await _connection.DisposeAsync();
        Close();
        _closed.Dispose();
        await base.DisposeAsync();
    }

    private void Close()
    {
        try
        {
            _closed.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Over already.
        }
    }
}
