using System.Net;
using System.Text;
using Frp.Proxies;
using Frp.Transport;

namespace Frp.Server;

/// <summary>A request has no work connection, and nothing of it has gone anywhere.</summary>
internal sealed class NoWorkConnectionException() : IOException("no work connection");

/// <summary>A proxy as a target of requests, with the connections to its local service that wait for the next one.</summary>
/// <remarks>
/// <para><b>Pools.</b> HTTP/1 requests, those in absolute form and HTTP/2 requests have a pool each, made when the first of them comes.
/// A connection that is not used for <see cref="HttpLimits.IdleWork"/> is closed; of several, the one used last is used next.</para>
/// <para><b>Ends.</b> Disposing it closes the idle connections. Requests under way finish, new ones fail.</para>
/// </remarks>
internal sealed class HttpMember(IServerProxyHost host, HttpLimits limits, TaskScope closing) : IDisposable
{
    // As much as clients commonly take; local services are not trusted with more memory than that per request.
    private const int MaxResponseHeadersKilobytes = 10 * 1024;

    private readonly Lock _lock = new();
    private HttpMessageInvoker? _http1;
    private HttpMessageInvoker? _absolute;
    private HttpMessageInvoker? _http2;
    private volatile bool _disposed;

    /// <summary>Whose request a message is: read when a connection has to be opened for it.</summary>
    internal static readonly HttpRequestOptionsKey<HttpExchange> Exchange = new("exchange");

    /// <summary>The proxy's name.</summary>
    internal string Name => host.Registration.ProxyName;

    /// <summary>The proxy.</summary>
    internal IServerProxyHost Host => host;

    /// <summary>Where requests with a path as target go; null, as of the others, when the proxy has closed.</summary>
    internal HttpMessageInvoker? Http1 => _disposed ? null : _http1 ?? Make(ref _http1, absolute: false);

    /// <summary>Where requests go whose target names the host.</summary>
    internal HttpMessageInvoker? Absolute => _disposed ? null : _absolute ?? Make(ref _absolute, absolute: true);

    /// <summary>Where HTTP/2 requests go.</summary>
    internal HttpMessageInvoker? Http2 => _disposed ? null : _http2 ?? Make(ref _http2, absolute: false);

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _http1?.Dispose();
            _absolute?.Dispose();
            _http2?.Dispose();
        }
    }

    private HttpMessageInvoker? Make(ref HttpMessageInvoker? place, bool absolute)
    {
        lock (_lock)
        {
            if (_disposed) return null;
            return place ??= new HttpMessageInvoker(Handler(absolute), disposeHandler: true);
        }
    }

    private SocketsHttpHandler Handler(bool absolute) => new()
    {
        ConnectCallback = ConnectAsync,
        ConnectTimeout = Timeout.InfiniteTimeSpan, // the wait for a work connection has its own
        PooledConnectionIdleTimeout = limits.IdleWork,
#pragma warning disable CA2262 // Ten megabytes are meant.
        MaxResponseHeadersLength = MaxResponseHeadersKilobytes,
#pragma warning restore CA2262
        EnableMultipleHttp2Connections = true,
        RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
        ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        ActivityHeadersPropagator = null,
        // Towards a proxy a request's target is absolute. Where that proxy is, the connection callback knows.
        UseProxy = absolute,
        Proxy = absolute ? AbsoluteForm.Instance : null,
    };

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        context.InitialRequestMessage.Options.TryGetValue(Exchange, out var exchange);
        exchange?.Timer.Connecting();
        try
        {
            var work = await host.OpenWorkAsync(exchange?.User, destination: null, cancellationToken) ?? throw new NoWorkConnectionException();
            return new WorkStream(work.Connection, closing);
        }
        finally
        {
            exchange?.Timer.Connected();
        }
    }

    private sealed class AbsoluteForm : IWebProxy
    {
        internal static readonly AbsoluteForm Instance = new();

        private readonly Uri _address = new("http://local-service");

        public ICredentials? Credentials { get; set; }

        public Uri GetProxy(Uri destination) => _address;

        public bool IsBypassed(Uri host) => false;
    }
}
