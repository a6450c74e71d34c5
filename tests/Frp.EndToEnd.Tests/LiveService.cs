using System.Globalization;
using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using Frp.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Frp.EndToEnd.Tests;

/// <summary>The half of a browser's page that runs on a server, under <c>/live/</c>: uploads, a WebSocket, events, and the page's verdict.</summary>
internal sealed class LiveService : IAsyncDisposable
{
    /// <summary>How many events there are. The first connection brings half of them: the browser has to come back for the others.</summary>
    internal const int EventCount = 4;

    private readonly TaskCompletionSource<string> _verdict = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _seen = new(0);
    private readonly WebApplication _application;

    private LiveService(int port)
    {
        Port = port;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, static listen => listen.Protocols = HttpProtocols.Http1));
        _application = builder.Build();
        _application.UseWebSockets();
        _application.Run(context => context.Request.Path.Value switch
        {
            "/live/digest" => DigestAsync(context),
            "/live/echo" => EchoAsync(context),
            "/live/events" => SendEventsAsync(context),
            "/live/seen" => NoteSeen(),
            "/live/verdict" => JudgeAsync(context),
            _ => throw new InvalidOperationException($"nobody asks for {context.Request.Path}"),
        });
    }

    /// <summary>Where it is.</summary>
    internal int Port { get; }

    /// <summary>What the page found.</summary>
    internal Task<string> Verdict => _verdict.Task;

    internal static async Task<LiveService> StartAsync()
    {
        var service = new LiveService(Ports.Next());
        await service._application.StartAsync();
        return service;
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _seen.Dispose();
    }

    private static async Task DigestAsync(HttpContext context) =>
        await context.Response.WriteAsync(Convert.ToHexStringLower(await SHA256.HashDataAsync(context.Request.Body, context.RequestAborted)));

    private static async Task EchoAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var got = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
            if (got.MessageType == WebSocketMessageType.Close) break;
            await socket.SendAsync(buffer.AsMemory(0, got.Count), got.MessageType, got.EndOfMessage, context.RequestAborted);
        }
        await socket.CloseAsync(socket.CloseStatus ?? WebSocketCloseStatus.Empty, socket.CloseStatusDescription, context.RequestAborted);
    }

    /// <summary>Sends no event before the page says that it has seen the one before: whoever keeps events back gets no further.</summary>
    private async Task SendEventsAsync(HttpContext context)
    {
        int last = context.Request.Headers["Last-Event-ID"] is [{ } id] ? int.Parse(id, CultureInfo.InvariantCulture) : 0;
        context.Response.ContentType = "text/event-stream";
        await context.Response.WriteAsync("retry: 1\n\n", context.RequestAborted);
        for (int i = last + 1; i <= last + EventCount / 2; i++)
        {
            await context.Response.WriteAsync($"id: {i}\ndata: event {i}\n\n", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            if (!await _seen.WaitAsync(Patience.Limit, context.RequestAborted)) throw new TimeoutException($"event {i} has not been seen");
        }
    }

    private Task NoteSeen()
    {
        _seen.Release();
        return Task.CompletedTask;
    }

    private async Task JudgeAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        _verdict.TrySetResult(await reader.ReadToEndAsync(context.RequestAborted));
    }
}
