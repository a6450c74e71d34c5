using System.Globalization;
using System.IO.Compression;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Net.Http.Headers;

namespace Frp.Web;

/// <summary>The files of the dashboard, from a folder.</summary>
/// <remarks>
/// Only what lies below the folder by name is served; links are followed, since the folder is the operator's own. Files are opened at each
/// request, so they can be changed while the server runs. <b>Concurrency.</b> Any number of readers.
/// </remarks>
/// <param name="folder">The folder.</param>
internal sealed class AssetFolder(string folder)
{
    private const string Index = "index.html";

    private readonly string _folder = Path.GetFullPath(folder);
    private readonly FileExtensionContentTypeProvider _types = new();

    /// <summary>Answers with a file.</summary>
    /// <param name="path">Decoded, without a slash in front; empty for the index.</param>
    /// <param name="request">The request, for its conditions.</param>
    internal WebAnswer Answer(string path, WebRequest request)
    {
        if (Locate(path) is not { } file) return WebAnswer.NotFound;
        FileStream content;
        try
        {
            content = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.Asynchronous);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return WebAnswer.NotFound; // gone, a folder, or not for us
        }
        var modified = Seconds(File.GetLastWriteTimeUtc(file));
        if (request.Context.Request.GetTypedHeaders().IfModifiedSince is { } since && modified <= since)
        {
            content.Dispose();
            return WebAnswer.Empty with { Status = StatusCodes.Status304NotModified };
        }
        string type = TypeOf(file);
        bool packed = IsWorthPacking(type) && AcceptsGzip(request.Context.Request);
        return WebAnswer.Written(type, async (context, cancellationToken) =>
        {
            await using var owned = content;
            var response = context.Response;
            response.Headers.LastModified = modified.ToString("R", CultureInfo.InvariantCulture);
            response.Headers.Vary = HeaderNames.AcceptEncoding;
            if (!packed)
            {
                response.ContentLength = content.Length;
                await content.CopyToAsync(response.Body, cancellationToken);
                return;
            }
            response.Headers.ContentEncoding = "gzip";
            await using var gzip = new GZipStream(response.Body, CompressionLevel.Fastest, leaveOpen: true);
            await content.CopyToAsync(gzip, cancellationToken);
        });
    }

    /// <summary>The file of a path; null for paths that could lead elsewhere.</summary>
    internal string? Locate(string path)
    {
        if (path.Length == 0 || path.EndsWith('/')) path += Index;
        foreach (string segment in path.Split('/'))
        {
            if (segment is "" or "." or ".." || segment.AsSpan().ContainsAny('\\', '\0', ':')) return null;
        }
        return Path.Combine(_folder, path.Replace('/', Path.DirectorySeparatorChar));
    }

    private string TypeOf(string file)
    {
        if (!_types.TryGetContentType(file, out string? type)) return "application/octet-stream";
        return type.StartsWith("text/", StringComparison.Ordinal) ? type + "; charset=utf-8" : type;
    }

    private static bool IsWorthPacking(string type) =>
        type.StartsWith("text/", StringComparison.Ordinal) || type is "application/json" or "application/javascript" or "application/wasm" or "image/svg+xml" or "image/x-icon";

    private static bool AcceptsGzip(HttpRequest request) =>
        StringWithQualityHeaderValue.TryParseList(request.Headers.AcceptEncoding, out var accepted) && accepted.Any(a => a.Value.Equals("gzip", StringComparison.OrdinalIgnoreCase) && a.Quality is not 0);

    // As headers say it.
    private static DateTimeOffset Seconds(DateTime utc) => new(utc.Ticks - utc.Ticks % TimeSpan.TicksPerSecond, TimeSpan.Zero);
}
