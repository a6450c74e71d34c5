using System.Net;
using System.Net.Http.Headers;
using Frp.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Frp.EndToEnd.Tests;

/// <summary>Calls that need HTTP/2 all the way: both directions at once, and a status in the trailers.</summary>
public sealed class HttpGrpcTests : HttpTest
{
    [Theory]
    [InlineData("")]
    [InlineData($"{Proxy.Encrypted}\n{Proxy.Compressed}")]
    public async Task A_call_goes_both_ways_at_once_and_ends_with_trailers(string layers)
    {
        int port = Ports.Next();
        await using var service = await StartServiceAsync(port);
        await StartAsync([Web("web", port, "127.0.0.1", layers)]);

        using var client = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false });
        var up = new TaskCompletionSource<Stream>();
        var done = new TaskCompletionSource();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{VhostPort}/pkg.Service/Call")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new Duplex(up, done),
        };
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        var answering = client.SendAsync(request, TestContext.Current.CancellationToken);
        var stream = await up.Task.Soon();
        using var answer = await answering.Soon();
        Assert.Equal(HttpVersion.Version20, answer.Version);
        using var down = await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        var echo = new byte[5];
        foreach (byte turn in (byte[])[1, 2, 3])
        {
            await stream.WriteAsync(new byte[] { turn, 0, 0, 0, turn }, TestContext.Current.CancellationToken);
            await stream.FlushAsync(TestContext.Current.CancellationToken);
            await down.ReadExactlyAsync(echo, TestContext.Current.CancellationToken).Soon();
            Assert.Equal([turn, 0, 0, 0, turn], echo);
        }
        done.SetResult();
        Assert.Equal(0, await down.ReadAsync(echo, TestContext.Current.CancellationToken).Soon());
        Assert.Equal(["0"], answer.TrailingHeaders.GetValues("grpc-status"));
    }

    private static async Task<WebApplication> StartServiceAsync(int port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http2));
        var service = builder.Build();
        service.Run(async context =>
        {
            context.Response.ContentType = "application/grpc";
            context.Response.DeclareTrailer("grpc-status");
            await context.Response.Body.FlushAsync();
            var buffer = new byte[1024];
            while (await context.Request.Body.ReadAsync(buffer) is var count and > 0)
            {
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, count));
                await context.Response.Body.FlushAsync();
            }
            context.Response.AppendTrailer("grpc-status", context.Request.Headers.TE == "trailers" && context.Request.Protocol == "HTTP/2" ? "0" : "13");
        });
        await service.StartAsync();
        return service;
    }

    private sealed class Duplex : HttpContent
    {
        private readonly TaskCompletionSource<Stream> _stream;
        private readonly TaskCompletionSource _done;

        internal Duplex(TaskCompletionSource<Stream> stream, TaskCompletionSource done)
        {
            (_stream, _done) = (stream, done);
            Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.FlushAsync();
            _stream.SetResult(stream);
            await _done.Task.Soon();
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
