using Frp.Proxies;
using Frp.Transport;
using Frp.Web;

namespace Frp.Server;

/// <summary>A proxy as a target of requests, with the connections to its local service that wait for the next one.</summary>
/// <remarks>
/// <para><b>Pools.</b> HTTP/1 requests, those in absolute form and HTTP/2 requests have a pool each, made when the first of them comes.
/// A connection that is not used for <see cref="HttpLimits.IdleWork"/> is closed; of several, the one used last is used next.</para>
/// <para><b>Ends.</b> Disposing it closes the idle connections. Requests under way finish, new ones fail.</para>
/// </remarks>
internal sealed class HttpMember(IServerProxyHost host, HttpLimits limits, TaskScope closing) : IDisposable
{
    private readonly Lock _lock = new();
    private HttpMessageInvoker? _http1;
    private HttpMessageInvoker? _absolute;
    private HttpMessageInvoker? _http2;
    private volatile bool _disposed;

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
            return place ??= ServicePool.Create(ConnectAsync, limits, absolute);
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        context.InitialRequestMessage.Options.TryGetValue(HttpExchange.Key, out var exchange);
        exchange?.Timer.Connecting();
        try
        {
            var work = await host.OpenWorkAsync(exchange?.User, destination: null, cancellationToken) ?? throw new UnsentRequestException("no work connection");
            return new PooledStream(work.Connection, closing);
        }
        finally
        {
            exchange?.Timer.Connected();
        }
    }
}
