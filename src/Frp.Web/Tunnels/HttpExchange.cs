using System.Net;
using Frp.Transport;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace Frp.Web;

/// <summary>One request and its response, on their way. Reused for the requests of a connection.</summary>
/// <remarks>
/// <para>The forwarder sends a request through <see cref="Sender"/>, which adds what the forwarder would leave out, and asks the
/// exchange itself which headers pass.</para>
/// <para><b>Ownership.</b> The HTTP server keeps it with its connection and drops it; it holds no resource but a timer's memory.</para>
/// </remarks>
internal sealed class HttpExchange : HttpTransformer
{
    private const string WebSocket = "websocket";

    private readonly DefaultHttpContext _context;
    private readonly Sending _sender;
    private HttpIdentity _identity;
    private HttpSettings? _settings;
    private HttpMessageInvoker? _pool;
    private HttpContent? _headersOnly;
    private string? _upgrade;
    private HttpMethod? _upgradeMethod;
    private WatchedBody? _body;
    private ChunkedBody? _chunks;
    private Stream? _plainBody;
    private readonly HandedConnection? _connection;

    /// <summary>Whose request a message is: read when a connection has to be opened for it.</summary>
    internal static readonly HttpRequestOptionsKey<HttpExchange> Key = new("exchange");

    internal HttpExchange(IFeatureCollection features, Func<TimeSpan> responseLimit, TimeProvider time)
    {
        Timer = new ResponseTimer(responseLimit, time);
        _context = new DefaultHttpContext(features);
        _sender = new Sending(this);
        var connection = _context.Connection;
        User = connection.RemoteIpAddress is { } address ? new IPEndPoint(address, connection.RemotePort) : null;
        UserAddress = User?.Address.ToString() ?? "";
        _connection = features.Get<HandedConnection>();
        if (_connection is null) return;
        _connection.GivesUp = Timer.Expire;
        _connection.BeginRequest();
    }

    /// <summary>The request and the response, as the HTTP server has them.</summary>
    internal HttpContext Context => _context;

    /// <summary>The user's end of the connection.</summary>
    internal IPEndPoint? User { get; }

    /// <summary>The name that the user has asked for in TLS; empty where there is none.</summary>
    internal string ServerName => _connection?.ServerName ?? "";

    /// <summary>The user's address in text.</summary>
    internal string UserAddress { get; }

    /// <summary>How long the local service may take.</summary>
    internal ResponseTimer Timer { get; }

    /// <summary>Who asks for what. Set by <see cref="Identify"/>.</summary>
    internal ref readonly HttpIdentity Identity => ref _identity;

    /// <summary>Whether the local service answered with what is no answer.</summary>
    internal bool IsInvalid { get; private set; }

    /// <summary>Whether the request does no harm twice (RFC 9110 §9.2.1), and is all there to be sent again.</summary>
    internal bool IsRepeatable { get; private set; }

    /// <summary>Whether something of its body or its answer has passed, so that it is too late for another attempt.</summary>
    internal bool HasBegun => _context.Response.HasStarted || _body is { HasBegun: true };

    /// <summary>Sends requests to the local service.</summary>
    internal HttpMessageInvoker Sender => _sender;

    /// <summary>Begins with a further request of the same connection.</summary>
    internal void Reuse(IFeatureCollection features)
    {
        _context.Initialize(features);
        _connection?.BeginRequest();
    }

    /// <summary>Lets go of the request.</summary>
    internal void Release()
    {
        (_settings, _pool, _headersOnly, _upgrade, _upgradeMethod, _body, _chunks, _plainBody, IsInvalid) = (null, null, null, null, null, null, null, null, false);
        _identity = default;
        _context.Uninitialize();
        _connection?.EndRequest();
    }

    /// <summary>Reads who asks for what.</summary>
    internal ref readonly HttpIdentity Identify(string target)
    {
        _identity = HttpIdentity.Of(target, _context.Request.Headers);
        return ref _identity;
    }

    /// <summary>Prepares the request for the forwarder.</summary>
    /// <param name="settings">Of the route.</param>
    internal void Prepare(HttpSettings settings)
    {
        _settings = settings;
        var request = _context.Request;
        bool hasBody = _context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != false;
        if (hasBody) request.Body = _body = new WatchedBody(request.Body, Timer);
        else if (request.Headers.Upgrade is { Count: 1 } upgrade) PrepareUpgrade(upgrade.ToString());
        IsRepeatable = !hasBody && (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method) || HttpMethods.IsTrace(request.Method));
    }

    /// <summary>An attempt begins: the first one, or another one while nothing of an answer, and of the request's body, has passed.</summary>
    /// <param name="pool">The connections that it may take.</param>
    internal void Begin(HttpMessageInvoker pool)
    {
        _pool = pool;
        Timer.Begin(_body is not null);
    }

    /// <summary>Takes back what the local service's answer has set, so that another one can be given. Only while none has begun.</summary>
    internal void ClearResponse()
    {
        _context.Response.Clear();
        if (_plainBody is null) return;
        _context.Response.Body = _plainBody;
        (_chunks, _plainBody) = (null, null);
    }

    public override ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        proxyRequest.Options.Set(Key, this);
        _headersOnly = HttpHeaderRules.CopyRequest(httpContext.Request.Headers, proxyRequest, _identity, UserAddress, _settings!);
        // The host of the address chooses the pool's connections, and shows in absolute targets only.
        string host = _identity.IsProxyForm && _settings!.KeepsAbsoluteForm ? _settings.HostRewrite ?? _identity.Authority : ServicePool.Host;
        proxyRequest.RequestUri = new Uri("http://" + host + _identity.PathAndQuery, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        return ValueTask.CompletedTask;
    }

    public override async ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        Timer.End();
        if (proxyResponse is null) return false;
        if (proxyResponse.StatusCode == HttpStatusCode.SwitchingProtocols)
        {
            string asked = _upgrade ?? httpContext.Request.Headers.Upgrade.ToString();
            bool agreed = proxyResponse.Headers.NonValidated.TryGetValues("Upgrade", out var upgrade) && asked.Length > 0 && upgrade.ToString().Equals(asked, StringComparison.OrdinalIgnoreCase);
            if (!agreed)
            {
                IsInvalid = true;
                return false;
            }
            _connection?.LeaveWithInput(); // whoever ends an upgraded connection ends it both ways
            HttpHeaderRules.CopyResponse(proxyResponse, httpContext.Response.Headers, _settings!);
            return true;
        }
        var response = httpContext.Response;
        HttpHeaderRules.CopyResponse(proxyResponse, response.Headers, _settings!);
        bool hasBody = proxyResponse.Content.Headers.ContentLength is null && !HttpMethods.IsHead(httpContext.Request.Method);
        if (hasBody && response.Headers.Trailer.Count > 0 && HttpProtocol.IsHttp11(httpContext.Request.Protocol))
        {
            response.Headers.TransferEncoding = "chunked";
            _plainBody = response.Body;
            response.Body = _chunks = new ChunkedBody(_plainBody);
        }
        // A stream of events may begin long before its first event: then the headers go ahead.
        if (hasBody)
        {
            var body = await proxyResponse.Content.ReadAsStreamAsync(cancellationToken);
            var first = body.ReadAsync(Memory<byte>.Empty, cancellationToken);
            if (!first.IsCompleted) await response.Body.FlushAsync(cancellationToken);
            await SettleAsync(first);
        }
        return true;
    }

    public override ValueTask TransformResponseTrailersAsync(HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken)
    {
        if (_chunks is not null)
        {
            var own = new HeaderDictionary();
            HttpHeaderRules.CopyTrailers(proxyResponse, own);
            return _chunks.CompleteAsync(own, cancellationToken);
        }
        if (httpContext.Features.Get<IHttpResponseTrailersFeature>()?.Trailers is { IsReadOnly: false } trailers) HttpHeaderRules.CopyTrailers(proxyResponse, trailers);
        return ValueTask.CompletedTask;
    }

    /// <summary>Passes upgrades to whatever protocol, where the forwarder knows one only. HTTP/2 by upgrade is not served.</summary>
    private void PrepareUpgrade(string protocol)
    {
        var request = _context.Request;
        if (_context.Features.Get<IHttpUpgradeFeature>()?.IsUpgradableRequest != true || protocol.Equals("h2c", StringComparison.OrdinalIgnoreCase)) return;
        _upgrade = protocol;
        if (protocol.Equals(WebSocket, StringComparison.OrdinalIgnoreCase) && HttpMethods.IsGet(request.Method)) return;
        _upgradeMethod = HttpMethod.Parse(request.Method);
        request.Headers.Upgrade = WebSocket;
    }

    private static async ValueTask SettleAsync(ValueTask<int> read)
    {
        try
        {
            await read;
        }
        catch (Exception)
        {
            // Whoever reads next gets the same error, and knows what to do with it.
        }
    }

    private void Complete(HttpRequestMessage request)
    {
        if (request.Content is null && _headersOnly is not null) request.Content = _headersOnly;
        if (_upgradeMethod is null) return;
        request.Method = _upgradeMethod;
        request.Headers.Remove("Upgrade");
        request.Headers.TryAddWithoutValidation("Upgrade", _upgrade);
    }

    /// <summary>Stands between the forwarder and the pool.</summary>
    private sealed class Sending(HttpExchange exchange) : HttpMessageInvoker(NoHandler.Instance, disposeHandler: false)
    {
        public override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            exchange.Complete(request);
            return exchange._pool!.SendAsync(request, cancellationToken);
        }
    }

    private sealed class NoHandler : HttpMessageHandler
    {
        internal static readonly NoHandler Instance = new();

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            throw new NotSupportedException("requests go to the pool of a proxy");
    }

    /// <summary>A request's body that says when it has been read.</summary>
    private sealed class WatchedBody(Stream inner, ResponseTimer timer) : DuplexStream
    {
        /// <summary>Whether somebody has begun to read.</summary>
        internal bool HasBegun { get; private set; }

        public override bool CanWrite => false;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            HasBegun = true;
            int count = await inner.ReadAsync(buffer, cancellationToken);
            if (count == 0 && buffer.Length > 0) timer.BodySent();
            return count;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
