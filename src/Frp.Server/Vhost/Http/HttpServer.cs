using System.Net.Sockets;
using System.Text;
using Frp.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Frp.Server;

/// <summary>The HTTP parser and writer: Kestrel without a host, to which connections are handed.</summary>
/// <remarks>
/// Its limits are those of a tunnel: whatever fits into a megabyte of headers passes, and bodies have no size and no minimal speed.
/// What is left is the time to send the headers and the time that a connection may wait between requests.
/// </remarks>
internal sealed class HttpServer : IAsyncDisposable
{
    /// <summary>Time for the headers of a request.</summary>
    // Source: wire specification §22.
    internal static readonly TimeSpan HeadTime = TimeSpan.FromSeconds(60);

    // Source: wire specification §14.4: 431 above 1 MiB.
    private const int MaxHeadBytes = 1024 * 1024;

    // Equal names are gathered in time that grows with the square of their number: this many cost milliseconds.
    private const int MaxHeaderCount = 4096;

    private readonly HandedEndPoint _http1 = new("http/1");
    private readonly HandedEndPoint _http2 = new("http/2");
    private readonly SocketConnectionContextFactory _sockets = new(new SocketConnectionFactoryOptions(), NullLogger.Instance);
    private readonly KestrelServer _server;
    private int _stopped;

    internal HttpServer()
    {
        var options = new KestrelServerOptions
        {
            AddServerHeader = false,
            AllowHostHeaderOverride = true, // an absolute target overrules the header
            AllowResponseHeaderCompression = true,
            RequestHeaderEncodingSelector = static _ => Encoding.Latin1,
            ResponseHeaderEncodingSelector = static _ => Encoding.Latin1,
        };
        var limits = options.Limits;
        limits.MaxRequestLineSize = MaxHeadBytes;
        limits.MaxRequestHeadersTotalSize = MaxHeadBytes;
        limits.MaxRequestBufferSize = 2 * MaxHeadBytes; // holds a head and a line of it that is not complete yet
        limits.MaxRequestHeaderCount = MaxHeaderCount;
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.RequestHeadersTimeout = HeadTime;
        limits.Http2.MaxRequestHeaderFieldSize = MaxHeadBytes;
        limits.Http2.MaxStreamsPerConnection = 250; // Source: recorded SETTINGS of the reference
        options.Listen(_http1, static listen => listen.Protocols = HttpProtocols.Http1);
        options.Listen(_http2, static listen => listen.Protocols = HttpProtocols.Http2);
        _server = new KestrelServer(Options.Create(options), new HandedEndPoint.Factory(), NullLoggerFactory.Instance);
    }

    internal Task StartAsync(HttpApplication application, CancellationToken cancellationToken) => _server.StartAsync(application, cancellationToken);

    /// <summary>Hands a connection over.</summary>
    /// <param name="connection">Owned from here on.</param>
    /// <param name="isHttp2">Whether it begins with HTTP/2's preface.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async ValueTask ServeAsync(Connection connection, bool isHttp2, CancellationToken cancellationToken)
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
        if (!await (isHttp2 ? _http2 : _http1).TryHandAsync(handed, cancellationToken)) await handed.DisposeAsync();
    }

    /// <summary>Ends idle connections, and waits for requests under way.</summary>
    /// <param name="cancellationToken">Cuts what is left.</param>
    internal async Task StopAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _stopped, 1) == 0) await _server.StopAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(new CancellationToken(canceled: true));
        _server.Dispose();
        _sockets.Dispose();
    }

    private ConnectionContext Adapt(Connection connection)
    {
        if (!connection.TryGetSocket(out var socket)) return new HandedConnection(connection);
        // The addresses first: they are not to be had from a socket that the peer has reset.
        var (local, remote) = (connection.Local, connection.Remote);
        connection.Stream.Dispose(); // owns nothing; the socket is the server's now
        var context = _sockets.Create(socket);
        (context.LocalEndPoint, context.RemoteEndPoint) = (local, remote);
        return context;
    }
}
