using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Forwarder;

namespace Frp.Web;

/// <summary>What happens to every request that is to be passed on; what is done to it then is the derived class's affair.</summary>
/// <param name="responseLimit">How long a local service may take to begin its response.</param>
/// <param name="time">The clock.</param>
internal abstract partial class TunnelApplication(Func<TimeSpan> responseLimit, TimeProvider time) : IHttpApplication<HttpExchange>
{
    /// <summary>Sends requests on as HTTP/1.1. A tunnel cuts nobody who says nothing.</summary>
    protected static ForwarderRequestConfig AsHttp1 { get; } = new()
    {
        ActivityTimeout = Timeout.InfiniteTimeSpan,
        Version = HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    /// <summary>Where faults are told.</summary>
    protected abstract ILogger Logger { get; }

    public HttpExchange CreateContext(IFeatureCollection contextFeatures)
    {
        if (contextFeatures is not IHostContextContainer<HttpExchange> container) return new HttpExchange(contextFeatures, responseLimit, time);
        if (container.HostContext is { } exchange) exchange.Reuse(contextFeatures);
        else container.HostContext = exchange = new HttpExchange(contextFeatures, responseLimit, time);
        return exchange;
    }

    public void DisposeContext(HttpExchange context, Exception? exception) => context.Release();

    public async Task ProcessRequestAsync(HttpExchange exchange)
    {
        try
        {
            await BeginAsync(exchange);
        }
        catch (Exception e)
        {
            // Nothing that a user or a local service does may come this far; whatever does harms this request alone.
            exchange.Timer.End();
            if (!exchange.Context.RequestAborted.IsCancellationRequested) Log.Fault(Logger, e);
            exchange.Context.Abort();
        }
    }

    /// <summary>Serves a request whose target names a place.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="target">Its target, as it came.</param>
    protected abstract ValueTask ServeAsync(HttpExchange exchange, string target);

    private ValueTask BeginAsync(HttpExchange exchange)
    {
        var context = exchange.Context;
        string target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        if (target == "*")
        {
            context.Response.ContentLength = 0;
            return ValueTask.CompletedTask;
        }
        if (HttpMethods.IsConnect(context.Request.Method) && context.Features.Get<IHttpExtendedConnectFeature>()?.IsExtendedConnect != true)
        {
            // Tunnels begin a connection of their own: there is none to be had in the middle of this one.
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            context.Response.Headers.Connection = "close";
            return ValueTask.CompletedTask;
        }
        return ServeAsync(exchange, target);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "fault in a request")]
        internal static partial void Fault(ILogger logger, Exception exception);
    }
}
