using Frp.Transport;
using Frp.Wire;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Frp.Web;

/// <summary>What happens to a request: it is routed, admitted, handled, answered and logged.</summary>
/// <remarks>Source: http-api specification §1; cli specification §12.</remarks>
internal sealed partial class WebDispatcher(RouteTable routes, BasicCredentials demanded, TimeProvider time, ILogger logger) : IHttpApplication<HttpContext>
{
    // Source: http-api specification §1.
    private static readonly TimeSpan WriteTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RefusalDelay = TimeSpan.FromMilliseconds(200);

    private static readonly WebAnswer Malformed = WebAnswer.Text("400 Bad Request") with { Status = StatusCodes.Status400BadRequest };
    private static readonly WebAnswer Unauthorized = WebAnswer.Text("Unauthorized\n") with { Status = StatusCodes.Status401Unauthorized };

    public HttpContext CreateContext(IFeatureCollection contextFeatures)
    {
        contextFeatures.Get<WaitingRoom.Place>()?.Leave();
        return new DefaultHttpContext(contextFeatures);
    }

    public void DisposeContext(HttpContext context, Exception? exception) => context.Features.Get<WaitingRoom.Place>()?.Return();

    public async Task ProcessRequestAsync(HttpContext context)
    {
        // Off the thread that saw the request come: handlers read files and take their time.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await ServeAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has gone, or the server has waited long enough.
        }
        catch (Exception e)
        {
            // The answer had begun: all that is left is to break it off.
            if (e is not IOException) Log.Fault(logger, Shown(context.Features.Get<IHttpRequestFeature>()!.RawTarget), e);
            context.Abort();
        }
    }

    private async Task ServeAsync(HttpContext context)
    {
        string method = context.Request.Method;
        if (!WebPath.TryRead(context.Features.Get<IHttpRequestFeature>()!.RawTarget, out string? path))
        {
            context.Response.Headers.Connection = "close";
            await SendAsync(context, Malformed);
            return;
        }
        if (!routes.TryFind(method, path, out var route, out var values, out var methods))
        {
            if (methods.Count > 0) context.Response.Headers.Allow = string.Join(", ", methods);
            await SendAsync(context, methods.Count == 0 ? WebAnswer.NotFound : WebAnswer.Empty with { Status = StatusCodes.Status405MethodNotAllowed });
            return;
        }
        if (route.IsOpen)
        {
            await SendAsync(context, await HandleAsync(route, new WebRequest(context, path, values, time), Shown(path)));
            return;
        }
        if (!IsAdmitted(context))
        {
            // A guess costs time; the number of connections bounds how many wait.
            await Task.Delay(RefusalDelay, time, context.RequestAborted);
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"Restricted\"";
            await SendAsync(context, Unauthorized);
            return;
        }
        string shown = Shown(path);
        Log.Request(logger, shown);
        var answer = await HandleAsync(route, new WebRequest(context, path, values, time), shown);
        if (answer.Fault is { } fault) Log.Failed(logger, shown, Shown(fault));
        else Log.Answered(logger, shown, answer.Status);
        await SendAsync(context, answer);
    }

    private bool IsAdmitted(HttpContext context) =>
        (demanded.User.Length == 0 && demanded.Password.Length == 0)
        || BasicCredentials.Parse(context.Request.Headers.Authorization).Matches(demanded.User, demanded.Password);

    private async ValueTask<WebAnswer> HandleAsync(WebRoute route, WebRequest request, string shown)
    {
        try
        {
            return await route.Handler(request);
        }
        catch (BadHttpRequestException e)
        {
            return WebAnswer.Error(e.StatusCode, e.Message);
        }
        catch (Exception e) when (e is not OperationCanceledException || !request.Aborted.IsCancellationRequested)
        {
            Log.Fault(logger, shown, e);
            return WebAnswer.Error(StatusCodes.Status500InternalServerError, "internal error");
        }
    }

    private async Task SendAsync(HttpContext context, WebAnswer answer)
    {
        var response = context.Response;
        try
        {
            response.StatusCode = answer.Status;
            response.ContentType = answer.ContentType;
            if (answer.ContentType is not null) response.Headers.XContentTypeOptions = "nosniff";
            if (answer.Location is { } location) response.Headers.Location = location;
            using var deadline = new Deadline(WriteTime, time, context.RequestAborted);
            if (answer.Writer is { } writer)
            {
                await writer(context, deadline.Token);
            }
            else
            {
                if (answer.Status != StatusCodes.Status304NotModified) response.ContentLength = answer.Body.Length;
                if (answer.Body.Length > 0) await response.Body.WriteAsync(answer.Body, deadline.Token);
            }
            await response.Body.FlushAsync(deadline.Token);
            await response.CompleteAsync();
        }
        catch (OperationCanceledException)
        {
            context.Abort(); // who reads so slowly, or not at all, is not waited for
        }
        finally
        {
            answer.Afterwards?.Invoke();
        }
    }

    private static string Shown(string text) => PeerText.Escape(text, 1024);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "http request: [{Path}]")]
        internal static partial void Request(ILogger logger, string path);

        [LoggerMessage(2, LogLevel.Information, "http response [{Path}]: code [{Code}]")]
        internal static partial void Answered(ILogger logger, string path, int code);

        [LoggerMessage(3, LogLevel.Warning, "http response [{Path}]: error: {Cause}")]
        internal static partial void Failed(ILogger logger, string path, string cause);

        [LoggerMessage(4, LogLevel.Error, "fault in the answer to [{Path}]")]
        internal static partial void Fault(ILogger logger, string path, Exception exception);
    }
}
