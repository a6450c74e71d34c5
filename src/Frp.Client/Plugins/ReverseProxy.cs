using Frp.Proxies;
using Frp.Proxies.Plugins;
using Frp.Transport;
using Frp.Web;
using Frp.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Forwarder;

namespace Frp.Client;

/// <summary>The plug-ins <c>http2http</c>, <c>http2https</c>, <c>https2http</c> and <c>https2https</c>: requests go on to an HTTP service.</summary>
/// <remarks>
/// The service of the plug-ins that end in <c>https</c> is not verified: it is the operator's own, and shows mostly a certificate of its own making.
/// Source: wire specification §20.
/// </remarks>
internal sealed partial class ReverseProxy : TunnelApplication, IAsyncDisposable
{
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);
    private static readonly Dictionary<string, string> NoHeaders = [];

    private readonly ReverseProxyPluginConfig _config;
    private readonly IClientProxyHost _host;
    private readonly HttpSettings _settings;
    private readonly TlsClient? _tls;
    private readonly TaskScope _closing;
    private readonly Lazy<(IHttpForwarder Forwarder, HttpMessageInvoker Pool)> _way;

    internal ReverseProxy(ReverseProxyPluginConfig config, IClientProxyHost host, HttpLimits limits)
        : base(static () => Timeout.InfiniteTimeSpan, host.Time)
    {
        (_config, _host) = (config, host);
        bool toTls = config is Http2HttpsPluginConfig or Https2HttpsPluginConfig, fromTls = config is TlsReverseProxyPluginConfig;
        _settings = new HttpSettings("", "", config.HostHeaderRewrite, config.RequestHeaders.Set, NoHeaders)
        {
            // What speaks HTTP stands behind a server that has set them, or that nobody knows of.
            Forwarded = fromTls ? ForwardedFields.Extend : toTls ? ForwardedFields.Keep : ForwardedFields.Remove,
            Scheme = "https",
            KeepsAbsoluteForm = false,
        };
        if (toTls) _tls = TlsClient.Load(new TlsClientOptions { LongLived = false }, host.Time, logger: host.Logger);
        _closing = new TaskScope("connections closing", (work, e) => Log.Fault(host.Logger, work, e));
        _way = new Lazy<(IHttpForwarder, HttpMessageInvoker)>(() => (ServicePool.CreateForwarder(), ServicePool.Create((_, token) => ConnectAsync(token), limits)));
    }

    public async ValueTask DisposeAsync()
    {
        if (_way.IsValueCreated) _way.Value.Pool.Dispose();
        await _closing.DisposeAsync();
    }

    protected override ILogger Logger => _host.Logger;

    protected override async ValueTask ServeAsync(HttpExchange exchange, string target)
    {
        var context = exchange.Context;
        if (!IsForUs(exchange.ServerName, exchange.Identify(target).Authority))
        {
            context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
            context.Response.ContentLength = 0;
            return;
        }
        var (forwarder, pool) = _way.Value;
        exchange.Prepare(_settings);
        exchange.Begin(pool);
        var error = await forwarder.SendAsync(context, $"http://{ServicePool.Host}", exchange.Sender, AsHttp1, exchange, exchange.Timer.Token);
        exchange.Timer.End();
        if (error != ForwarderError.None || exchange.IsInvalid) Fail(exchange, error);
    }

    // HTTP/2 users send requests for other names on a connection where its certificate is for them too; this tells them not to.
    private static bool IsForUs(string serverName, string authority) =>
        serverName.Length == 0 || new HostString(authority).Host.TrimEnd('.').Equals(serverName.TrimEnd('.'), StringComparison.OrdinalIgnoreCase);

    private void Fail(HttpExchange exchange, ForwarderError error)
    {
        var context = exchange.Context;
        if (context.RequestAborted.IsCancellationRequested) return; // the user has left
        var cause = context.Features.Get<IForwarderErrorFeature>()?.Exception;
        // Why no connection could be had has been told by whoever tried.
        if (cause is not { InnerException: UnsentRequestException })
            Log.Failed(_host.Logger, _config.Type, exchange.UserAddress, error, PeerText.Escape(exchange.IsInvalid ? "unwanted protocol" : (cause?.InnerException ?? cause)?.Message ?? "", 512));
        // What has begun cannot be taken back: the forwarder has cut it off where it was incomplete.
        if (context.Response.HasStarted) return;
        if (error is ForwarderError.RequestBodyClient)
        {
            context.Response.Headers.Connection = "close";
            return; // with the status that says what was wrong with it
        }
        exchange.ClearResponse();
        context.Response.StatusCode = StatusCodes.Status502BadGateway;
        context.Response.ContentLength = 0;
    }

    private async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        if (!HostPort.TryParse(_config.LocalAddr, _tls is null ? 80 : 443, out var service)) throw new IOException($"localAddr [{_config.LocalAddr}] is not host:port");
        var connection = await DialAsync(service, cancellationToken);
        if (_tls is not null) connection = await HandshakeAsync(_tls, connection, service.Host, cancellationToken);
        return new PooledStream(connection, _closing);
    }

    private async ValueTask<Connection> HandshakeAsync(TlsClient tls, Connection connection, string name, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(HandshakeTimeout, _host.Time, cancellationToken);
        try
        {
            return await tls.AuthenticateAsync(connection, name, markerByte: null, deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Passed("TLS handshake of the local service");
        }
    }

    private async ValueTask<Connection> DialAsync(HostPort service, CancellationToken cancellationToken)
    {
        try
        {
            return await _host.DialLocalAsync(service.Host, service.Port, cancellationToken);
        }
        catch (IOException e)
        {
            throw new UnsentRequestException(e.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "{Plugin}: request of [{User}] failed: {Error}: {Cause}")]
        internal static partial void Failed(ILogger logger, string plugin, string user, ForwarderError error, string cause);

        [LoggerMessage(2, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
