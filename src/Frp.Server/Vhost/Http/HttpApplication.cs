using System.Net;
using Frp.Web;
using Frp.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Forwarder;

namespace Frp.Server;

/// <summary>What happens to a request: it is routed, admitted and forwarded, or refused.</summary>
/// <remarks>Source: wire specification §14.4, "Authentication" and "Errors".</remarks>
internal sealed partial class HttpApplication(HttpTable table, NotFoundPage notFound, IHttpForwarder forwarder, Func<TimeSpan> responseLimit, TimeProvider time, ILogger logger)
    : TunnelApplication(responseLimit, time)
{
    private static readonly ForwarderRequestConfig AsHttp2 = AsHttp1 with { Version = HttpVersion.Version20 };

    private static readonly byte[] Unauthorized = "Unauthorized\n"u8.ToArray();
    private static readonly byte[] ProxyUnauthorized = "Proxy Authentication Required\n"u8.ToArray();
    private const string Challenge = "Basic realm=\"Restricted\"";

    protected override ILogger Logger => logger;

    protected override ValueTask ServeAsync(HttpExchange exchange, string target)
    {
        var context = exchange.Context;
        ref readonly var identity = ref exchange.Identify(target);
        if (!table.TryFind(HostRoutes.HostOf(identity.Authority), identity.Path, identity.User, out var route) || route.Next() is not { } member)
        {
            if (logger.IsEnabled(LogLevel.Debug)) Log.NoRoute(logger, exchange.UserAddress, PeerText.Escape(identity.Authority, 256), PeerText.Escape(identity.Path, 256));
            return NotFoundAsync(context);
        }
        var settings = route.Settings;
        if (settings.DemandsCredentials && !(identity.Credentials is { } credentials && settings.Admits(credentials))) return UnauthorizedAsync(context, identity.IsProxyForm);
        return ForwardAsync(exchange, route, member, identity.IsProxyForm);
    }

    /// <summary>
    /// Forwards a request to the proxy whose turn it is. Of a group another member gets it when that one has answered nothing, and may have done
    /// nothing that the request would do twice.
    /// </summary>
    private async ValueTask ForwardAsync(HttpExchange exchange, HttpTarget route, HttpMember member, bool isProxyForm)
    {
        var context = exchange.Context;
        bool asHttp2 = HttpProtocol.IsHttp2(context.Request.Protocol) && context.Request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true;
        exchange.Prepare(route.Settings);
        List<HttpMember>? tried = null;
        for (var error = ForwarderError.Request; ;)
        {
            if ((asHttp2 ? member.Http2 : isProxyForm ? member.Absolute : member.Http1) is { } pool)
            {
                if (tried is not null) exchange.ClearResponse();
                exchange.Begin(pool);
                error = await forwarder.SendAsync(context, $"http://{ServicePool.Host}", exchange.Sender, asHttp2 ? AsHttp2 : AsHttp1, exchange, exchange.Timer.Token);
                exchange.Timer.End();
                if (error == ForwarderError.None && !exchange.IsInvalid) return;
            }
            (tried ??= []).Add(member);
            if (!MayGoElsewhere(exchange, error) || route.Another(tried) is not { } next)
            {
                await FailAsync(exchange, member, error);
                return;
            }
            if (logger.IsEnabled(LogLevel.Debug)) Log.HandedOver(logger, PeerText.Escape(member.Name, 256), exchange.UserAddress, PeerText.Escape(next.Name, 256));
            member = next;
        }
    }

    private static bool MayGoElsewhere(HttpExchange exchange, ForwarderError error)
    {
        var context = exchange.Context;
        if (error != ForwarderError.Request || exchange.Timer.HasPassed || exchange.HasBegun || context.RequestAborted.IsCancellationRequested) return false;
        return exchange.IsRepeatable || context.Features.Get<IForwarderErrorFeature>()?.Exception is null or ObjectDisposedException or { InnerException: UnsentRequestException };
    }

    private async ValueTask FailAsync(HttpExchange exchange, HttpMember member, ForwarderError error)
    {
        var context = exchange.Context;
        bool timedOut = exchange.Timer.HasPassed;
        if (logger.IsEnabled(LogLevel.Debug))
        {
            string cause = timedOut ? "no response in time" : exchange.IsInvalid ? "unwanted protocol" : context.Features.Get<IForwarderErrorFeature>()?.Exception?.Message ?? "";
            Log.Failed(logger, PeerText.Escape(member.Name, 256), exchange.UserAddress, error, PeerText.Escape(cause, 512));
        }
        // What has begun cannot be taken back: the forwarder has cut it off where it was incomplete.
        if (context.Response.HasStarted || context.RequestAborted.IsCancellationRequested) return;
        if (error is ForwarderError.RequestBodyClient)
        {
            context.Response.Headers.Connection = "close";
            return; // with the status that says what was wrong with it
        }
        exchange.ClearResponse();
        if (!timedOut)
        {
            await NotFoundAsync(context);
            return;
        }
        context.Response.StatusCode = StatusCodes.Status504GatewayTimeout;
        context.Response.ContentLength = 0;
    }

    private async ValueTask NotFoundAsync(HttpContext context)
    {
        var page = await notFound.ReadAsync(context.RequestAborted);
        await AnswerAsync(context, StatusCodes.Status404NotFound, "text/html; charset=utf-8", page);
    }

    private static ValueTask UnauthorizedAsync(HttpContext context, bool byProxy)
    {
        var headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        if (byProxy) headers.ProxyAuthenticate = Challenge;
        else headers.WWWAuthenticate = Challenge;
        return byProxy
            ? AnswerAsync(context, StatusCodes.Status407ProxyAuthenticationRequired, "text/plain; charset=utf-8", ProxyUnauthorized)
            : AnswerAsync(context, StatusCodes.Status401Unauthorized, "text/plain; charset=utf-8", Unauthorized);
    }

    private static async ValueTask AnswerAsync(HttpContext context, int status, string contentType, ReadOnlyMemory<byte> body)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method)) await response.Body.WriteAsync(body, context.RequestAborted);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "no route for [{Host}{Path}], asked for by [{User}]")]
        internal static partial void NoRoute(ILogger logger, string user, string host, string path);

        [LoggerMessage(2, LogLevel.Debug, "[{Proxy}] request of [{User}] failed: {Error}: {Cause}")]
        internal static partial void Failed(ILogger logger, string proxy, string user, ForwarderError error, string cause);

        [LoggerMessage(4, LogLevel.Debug, "[{Proxy}] request of [{User}] handed over to [{Next}] of the same group")]
        internal static partial void HandedOver(ILogger logger, string proxy, string user, string next);
    }
}
