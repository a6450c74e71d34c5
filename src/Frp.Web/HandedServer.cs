using System.Net.Sockets;
using Frp.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Frp.Web;

/// <summary>Kestrel without a host and without ports: an HTTP parser and writer to which connections are handed.</summary>
/// <remarks>
/// Who accepts, what is peeked at, and what TLS looks like is the caller's affair; a bare socket is read by Kestrel's own transport.
/// <b>Concurrency.</b> All members may be called from any thread, <see cref="StartAsync"/> first.
/// </remarks>
public sealed class HandedServer : IAsyncDisposable
{
    private readonly SocketConnectionContextFactory _sockets = new(new SocketConnectionFactoryOptions(), NullLogger.Instance);
    private readonly KestrelServer _server;
    private int _stopped;

    /// <summary>Prepares a server.</summary>
    /// <param name="options">Its limits, and the <see cref="HandedEndPoint"/>s that it listens on; nothing else can be listened on.</param>
    public HandedServer(KestrelServerOptions options) =>
        _server = new KestrelServer(Options.Create(options), new HandedEndPoint.Factory(), NullLoggerFactory.Instance);

    /// <summary>Serves what is handed over from here on.</summary>
    /// <typeparam name="T">The application's context of a request.</typeparam>
    public Task StartAsync<T>(IHttpApplication<T> application, CancellationToken cancellationToken) where T : notnull =>
        _server.StartAsync(application, cancellationToken);

    /// <summary>Hands a connection over.</summary>
    /// <param name="connection">Owned from here on, whatever happens.</param>
    /// <param name="endPoint">Of those that the server listens on.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False when the server takes no more: the connection has been closed.</returns>
    /// <exception cref="IOException">The peer has gone.</exception>
    public async ValueTask<bool> ServeAsync(Connection connection, HandedEndPoint endPoint, CancellationToken cancellationToken)
    {
        ConnectionContext handed;
        try
        {
            handed = Adapt(connection);
        }
        catch (SocketException e)
        {
            await connection.DisposeAsync();
            throw new IOException(e.Message, e);
        }
        return await endPoint.HandAsync(handed, cancellationToken);
    }

    /// <summary>Ends idle connections, and waits for requests under way.</summary>
    /// <param name="cancellationToken">Cuts what is left.</param>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _stopped, 1) == 0) await _server.StopAsync(cancellationToken);
    }

    /// <summary>Cuts everything.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(new CancellationToken(canceled: true));
        _server.Dispose();
        _sockets.Dispose();
    }

    private ConnectionContext Adapt(Connection connection)
    {
        if (!connection.TryGetSocket(out var socket)) return new StreamConnectionContext(connection);
        // The addresses first: they are not to be had from a socket that the peer has reset.
        var (local, remote) = (connection.Local, connection.Remote);
        connection.Stream.Dispose(); // owns nothing; the socket is the server's now
        var context = _sockets.Create(socket);
        (context.LocalEndPoint, context.RemoteEndPoint) = (local, remote);
        return context;
    }
}
