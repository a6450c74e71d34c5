using System.IO.Compression;
using System.Text.Encodings.Web;
using Frp.Proxies;
using Frp.Proxies.Plugins;
using Frp.Transport;
using Frp.Web;
using Frp.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Frp.Client;

/// <summary>The plug-in <c>static_file</c>: a folder's files and their listing.</summary>
/// <remarks>
/// ASP.NET Core's own file server, put together by hand: types, ranges, conditions, compression and the way from a path to a file are its affair.
/// Source: wire specification §20.
/// </remarks>
internal sealed partial class StaticFiles : IHttpApplication<HttpContext>, IAsyncDisposable
{
    // Source: wire specification §20.
    private static readonly TimeSpan RefusalDelay = TimeSpan.FromMilliseconds(200);

    private readonly StaticFilePluginConfig _config;
    private readonly IClientProxyHost _host;
    private readonly ServedFolder _folder;
    private readonly PathString _prefix;
    private readonly RequestDelegate _files;

    internal StaticFiles(StaticFilePluginConfig config, IClientProxyHost host)
    {
        (_config, _host, _folder) = (config, host, new ServedFolder(config.LocalPath));
        string prefix = config.StripPrefix.Trim('/');
        _prefix = prefix.Length == 0 ? default : new PathString("/" + prefix);
        _files = Server();
    }

    public HttpContext CreateContext(IFeatureCollection contextFeatures)
    {
        contextFeatures.Get<HandedConnection>()?.BeginRequest();
        return new DefaultHttpContext(contextFeatures);
    }

    public void DisposeContext(HttpContext context, Exception? exception) => context.Features.Get<HandedConnection>()?.EndRequest();

    public async Task ProcessRequestAsync(HttpContext context)
    {
        // Off the thread that saw the request come: files are read here.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await ServeAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The user has gone.
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            // The file is not for us, or went away meanwhile.
            Log.Unreadable(_host.Logger, PeerText.Escape(context.Request.Path.Value ?? "", 512), e.Message);
            if (context.Response.HasStarted) context.Abort();
            else await SayAsync(context, e is UnauthorizedAccessException ? StatusCodes.Status403Forbidden : StatusCodes.Status404NotFound, "not readable\n");
        }
        catch (Exception e)
        {
            Log.Fault(_host.Logger, e);
            context.Abort();
        }
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task ServeAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        // Compat: HEAD neither.
        if (!HttpMethods.IsGet(request.Method))
        {
            response.Headers.Allow = "GET";
            await SayAsync(context, StatusCodes.Status405MethodNotAllowed, "");
            return;
        }
        if (!IsAdmitted(request))
        {
            if (request.Headers.Authorization.Count > 0) Log.Refused(_host.Logger, context.Connection.RemoteIpAddress?.ToString() ?? "");
            // A guess costs time; the number of connections bounds how many wait.
            await Task.Delay(RefusalDelay, _host.Time, context.RequestAborted);
            response.Headers.WWWAuthenticate = "Basic realm=\"Restricted\"";
            await SayAsync(context, StatusCodes.Status401Unauthorized, "Unauthorized\n");
            return;
        }
        if (!request.Path.StartsWithSegments(_prefix, StringComparison.Ordinal, out var path) || !path.HasValue)
        {
            await NotFoundAsync(context);
            return;
        }
        request.Path = path;
        if (!path.Value!.EndsWith('/') && _folder.GetDirectoryContents(path.Value).Exists)
        {
            // Relative, since nobody here knows by which scheme, host and path users come.
            response.Headers.Location = Uri.EscapeDataString(path.Value[(path.Value.LastIndexOf('/') + 1)..]) + "/" + request.QueryString;
            await SayAsync(context, StatusCodes.Status301MovedPermanently, "");
            return;
        }
        await _files(context);
    }

    private bool IsAdmitted(HttpRequest request) =>
        (_config.HttpUser.Length == 0 && _config.HttpPassword.Length == 0)
        || BasicCredentials.Parse(request.Headers.Authorization).Matches(_config.HttpUser, _config.HttpPassword);

    private RequestDelegate Server()
    {
        var environment = new Environment(_folder);
        var files = new StaticFileMiddleware(NotFoundAsync, environment, Options.Create(new StaticFileOptions
        {
            FileProvider = _folder,
            ServeUnknownFileTypes = true,
            DefaultContentType = "application/octet-stream",
            RedirectToAppendTrailingSlash = false,
            OnPrepareResponse = static file =>
            {
                var response = file.Context.Response;
                if (response.ContentType is { } type && type.StartsWith("text/", StringComparison.Ordinal) && !type.Contains(';', StringComparison.Ordinal)) response.ContentType = type + "; charset=utf-8";
            },
        }), NullLoggerFactory.Instance);
        var listing = new DirectoryBrowserMiddleware(files.Invoke, environment, HtmlEncoder.Default, Options.Create(new DirectoryBrowserOptions
        {
            FileProvider = _folder,
            Formatter = new FolderListing(),
            RedirectToAppendTrailingSlash = false,
        }));
        var index = new DefaultFilesMiddleware(listing.Invoke, environment, Options.Create(new DefaultFilesOptions
        {
            FileProvider = _folder,
            DefaultFileNames = ["index.html"],
            RedirectToAppendTrailingSlash = false,
        }));
        return new ResponseCompressionMiddleware(index.Invoke, Compression()).Invoke;
    }

    private static ResponseCompressionProvider Compression()
    {
        var options = new ResponseCompressionOptions { MimeTypes = ["text/*", "application/javascript", "application/json", "application/wasm", "application/xml", "image/svg+xml"] };
        options.Providers.Add(new GzipCompressionProvider(Options.Create(new GzipCompressionProviderOptions { Level = CompressionLevel.Fastest })));
        var services = new ServiceCollection();
        services.AddSingleton<ILogger<ResponseCompressionProvider>>(NullLogger<ResponseCompressionProvider>.Instance);
        return new ResponseCompressionProvider(services.BuildServiceProvider(), Options.Create(options));
    }

    private static Task NotFoundAsync(HttpContext context) => SayAsync(context, StatusCodes.Status404NotFound, "404 page not found\n");

    private static Task SayAsync(HttpContext context, int status, string text)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.ContentLength = text.Length;
        if (text.Length == 0) return Task.CompletedTask;
        response.ContentType = "text/plain; charset=utf-8";
        response.Headers.XContentTypeOptions = "nosniff";
        return response.WriteAsync(text, context.RequestAborted);
    }

    /// <summary>What the parts of the file server ask for beside their options.</summary>
    private sealed class Environment(IFileProvider files) : IWebHostEnvironment
    {
        public string WebRootPath { get; set; } = "";

        public IFileProvider WebRootFileProvider { get; set; } = files;

        public string ApplicationName { get; set; } = "";

        public IFileProvider ContentRootFileProvider { get; set; } = files;

        public string ContentRootPath { get; set; } = "";

        public string EnvironmentName { get; set; } = "Production";
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "static_file: user [{User}] was refused: wrong credentials")]
        internal static partial void Refused(ILogger logger, string user);

        [LoggerMessage(2, LogLevel.Warning, "static_file: [{Path}] cannot be read: {Cause}")]
        internal static partial void Unreadable(ILogger logger, string path, string cause);

        [LoggerMessage(3, LogLevel.Error, "fault in a request")]
        internal static partial void Fault(ILogger logger, Exception exception);
    }
}
