using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Frp.Config;
using Frp.TestKit;
using Microsoft.Extensions.Logging;

namespace Frp.Web.Tests;

/// <summary>A web server on loopback, and a client that follows nothing and keeps nothing.</summary>
public abstract class WebTest : IAsyncDisposable
{
    private readonly List<WebServer> _servers = [];
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("frp-web-");

    /// <summary>A folder of the test's own.</summary>
    private protected string Folder => _folder.FullName;

    private protected CapturedText Log { get; } = new();

    private protected HttpClient Client { get; } = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        SslOptions = { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null },
    })
    { Timeout = Patience.Limit };

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        Client.Dispose();
        foreach (var server in _servers) await server.DisposeAsync().AsTask().Soon();
        _folder.Delete(recursive: true);
        Assert.Equal(0, Log.Count("fault"));
    }

    private protected static WebServerConfig Config => new() { Addr = "127.0.0.1" };

    /// <summary>Starts a server.</summary>
    private protected async Task<WebServer> StartAsync(WebServerConfig config, TimeProvider? time = null, params WebRoute[] routes)
    {
        var server = new WebServer(config, new WebSurface { Routes = routes, DescribeState = static () => "3 proxies" }, new Logger(Log), time);
        _servers.Add(server);
        await server.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    private protected Task<WebServer> StartAsync(params WebRoute[] routes) => StartAsync(Config, null, routes);

    private protected static Uri At(WebServer server, string path, string scheme = "http") => new($"{scheme}://127.0.0.1:{server.LocalEndPoint!.Port}{path}");

    private protected async Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri uri, string? user = null, string? password = null, byte[]? body = null)
    {
        using var request = new HttpRequestMessage(method, uri);
        if (user is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));
        if (body is not null) request.Content = new ByteArrayContent(body);
        return await Client.SendAsync(request);
    }

    private protected Task<HttpResponseMessage> GetAsync(WebServer server, string path, string? user = null, string? password = null) => SendAsync(HttpMethod.Get, At(server, path), user, password);

    private protected static async Task AnswersAsync(HttpResponseMessage response, HttpStatusCode status, string body, string? contentType)
    {
        using (response)
        {
            Assert.Equal(body, await response.Content.ReadAsStringAsync());
            Assert.Equal(status, response.StatusCode);
            Assert.Equal(contentType, response.Content.Headers.ContentType?.ToString());
        }
    }

    private protected static WebHandler Says(string text) => _ => ValueTask.FromResult(WebAnswer.Text(text));

    private sealed class Logger(CapturedText output) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            output.Append($"{logLevel}: {formatter(state, exception)}{exception}\n");
    }
}
