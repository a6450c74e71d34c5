using System.Text;
using Frp.Transport;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Frp.Web;

/// <summary>The HTTP parser and writer of tunnels, to which connections are handed.</summary>
/// <remarks>
/// Its limits are those of a tunnel: whatever fits into a megabyte of headers passes, and bodies have no size and no minimal speed.
/// What is left is the time to send the headers, the time that a connection may wait between requests, and the number of those that do either.
/// </remarks>
internal sealed class HttpServer : IAsyncDisposable
{
    // Source: wire specification §14.4: 431 above 1 MiB.
    private const int MaxHeadBytes = 1024 * 1024;

    // Equal names are gathered in time that grows with the square of their number: this many cost milliseconds.
    private const int MaxHeaderCount = 4096;

    private readonly WaitingRoom _idle;
    private readonly HandedEndPoint _http1 = new("http/1");
    private readonly HandedEndPoint _http2 = new("http/2");
    private readonly HttpLimits _limits;
    private readonly TimeProvider _time;
    private readonly HandedServer _server;

    /// <summary>Prepares a server.</summary>
    /// <param name="limits">How long things may take.</param>
    /// <param name="time">The clock.</param>
    /// <param name="behindTls">Whether users speak TLS, which ends before connections come here.</param>
    internal HttpServer(HttpLimits limits, TimeProvider time, bool behindTls = false)
    {
        (_limits, _idle, _time) = (limits, new WaitingRoom(limits.MaxIdle), time);
        var options = new KestrelServerOptions
        {
            AddServerHeader = false,
            AllowHostHeaderOverride = true, // an absolute target overrules the header
            AllowResponseHeaderCompression = true,
            AllowAlternateSchemes = behindTls, // HTTP/2 users name the scheme, and the server knows of no TLS
            RequestHeaderEncodingSelector = static name => name == "Connection" ? ConnectionField.Reading : Encoding.Latin1,
            ResponseHeaderEncodingSelector = static _ => Encoding.Latin1,
        };
        var parser = options.Limits;
        parser.MaxRequestLineSize = MaxHeadBytes;
        parser.MaxRequestHeadersTotalSize = MaxHeadBytes;
        parser.MaxRequestBufferSize = 2 * MaxHeadBytes; // holds a head and a line of it that is not complete yet
        parser.MaxRequestHeaderCount = MaxHeaderCount;
        parser.MaxRequestBodySize = null;
        parser.MinRequestBodyDataRate = null;
        parser.MinResponseDataRate = null;
        parser.RequestHeadersTimeout = limits.Head;
        parser.KeepAliveTimeout = limits.KeepAlive;
        parser.Http2.MaxRequestHeaderFieldSize = MaxHeadBytes;
        parser.Http2.MaxStreamsPerConnection = 250; // Source: recorded SETTINGS of the reference
        options.Listen(_http1, static listen => listen.Protocols = HttpProtocols.Http1);
        options.Listen(_http2, static listen => listen.Protocols = HttpProtocols.Http2);
        _server = new HandedServer(options);
    }

    internal Task StartAsync<T>(IHttpApplication<T> application, CancellationToken cancellationToken) where T : notnull => _server.StartAsync(application, cancellationToken);

    /// <summary>Makes a connection ready to be handed over. It is read from here on.</summary>
    /// <param name="connection">Owned from here on.</param>
    /// <param name="waitsForAnswers">Whether the user may wait for an answer when he has ended his direction.</param>
    internal HandedConnection Adapt(Connection connection, bool waitsForAnswers) => new(connection, waitsForAnswers, _idle, _limits, _time);

    /// <summary>Hands a connection over.</summary>
    /// <param name="connection">Owned from here on. Closed at once when the server takes no more.</param>
    /// <param name="isHttp2">Whether it begins with HTTP/2's preface.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async ValueTask HandAsync(HandedConnection connection, bool isHttp2, CancellationToken cancellationToken) =>
        _ = await (isHttp2 ? _http2 : _http1).HandAsync(connection, cancellationToken);

    /// <summary>Ends idle connections, and waits for requests under way.</summary>
    /// <param name="cancellationToken">Cuts what is left.</param>
    internal Task StopAsync(CancellationToken cancellationToken) => _server.StopAsync(cancellationToken);

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
