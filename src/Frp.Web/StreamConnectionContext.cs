using System.IO.Pipelines;
using System.Net;
using Frp.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Frp.Web;

/// <summary>A connection that is more than a socket, as the HTTP server wants it.</summary>
/// <remarks><b>Ownership.</b> The server disposes it, and it disposes the connection.</remarks>
internal sealed class StreamConnectionContext : ConnectionContext, IDuplexPipe, IConnectionLifetimeFeature, IConnectionEndPointFeature, IConnectionIdFeature, IConnectionItemsFeature, IConnectionTransportFeature
{
    private readonly Connection _connection;
    private readonly CancellationTokenSource _closed = new();

    internal StreamConnectionContext(Connection connection)
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
