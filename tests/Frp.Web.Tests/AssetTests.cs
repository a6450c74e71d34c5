using System.IO.Compression;
using System.Net;
using System.Text;
using Frp.TestKit;

namespace Frp.Web.Tests;

/// <summary>The files of a dashboard that a folder brings along.</summary>
public sealed class AssetTests : WebTest
{
    [Fact]
    public async Task Files_of_the_folder_are_served()
    {
        var server = await StartAsync(await FolderAsync());
        await AnswersAsync(await GetAsync(server, "/static/"), HttpStatusCode.OK, "<p>index</p>", "text/html; charset=utf-8");
        await AnswersAsync(await GetAsync(server, "/static/js/a%20b.js"), HttpStatusCode.OK, "js()", "text/javascript; charset=utf-8");
        await AnswersAsync(await GetAsync(server, "/static/strange"), HttpStatusCode.OK, "?", "application/octet-stream");
        await AnswersAsync(await GetAsync(server, "/favicon.ico"), HttpStatusCode.OK, "icon", "image/x-icon");
        await AnswersAsync(await GetAsync(server, "/static/js/"), HttpStatusCode.NotFound, "404 page not found\n", WebAnswer.PlainText);
        await AnswersAsync(await GetAsync(server, "/static/js"), HttpStatusCode.NotFound, "404 page not found\n", WebAnswer.PlainText);
        await AnswersAsync(await SendAsync(HttpMethod.Post, At(server, "/static/")), HttpStatusCode.MethodNotAllowed, "", null);
    }

    [Theory]
    [InlineData("/static/../secret")]
    [InlineData("/static/%2e%2e/secret")]
    [InlineData("/static/..%2fsecret")]
    [InlineData("/static/js/..%2f..%2fsecret")]
    [InlineData("/static/..%5csecret")]
    [InlineData("/static//etc/passwd")]
    [InlineData("/static/%2Fetc%2Fpasswd")]
    [InlineData("/static/./index.html")]
    public async Task Nothing_else_is(string path)
    {
        var server = await StartAsync(await FolderAsync());
        using var user = await User.ConnectAsync(server.LocalEndPoint!.Port);
        await user.SendAsync($"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        string answer = Encoding.UTF8.GetString(await user.ReceiveToEndAsync());
        Assert.StartsWith("HTTP/1.1 404 ", answer, StringComparison.Ordinal);
        Assert.EndsWith("404 page not found\n", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gzip", true)]
    [InlineData("br, GZIP;q=0.5", true)]
    [InlineData("gzip;q=0", false)]
    [InlineData("br", false)]
    public async Task Text_is_packed_for_whom_it_may_be(string accepts, bool packed)
    {
        var server = await StartAsync(await FolderAsync());
        using var request = new HttpRequestMessage(HttpMethod.Get, At(server, "/static/index.html"));
        request.Headers.TryAddWithoutValidation("Accept-Encoding", accepts);
        using var answer = await Client.SendAsync(request);
        Assert.Equal(packed, answer.Content.Headers.ContentEncoding.Contains("gzip"));
        Assert.Equal("Accept-Encoding", answer.Headers.Vary.ToString());
        Stream body = await answer.Content.ReadAsStreamAsync();
        if (packed) body = new GZipStream(body, CompressionMode.Decompress);
        using var reader = new StreamReader(body);
        Assert.Equal("<p>index</p>", await reader.ReadToEndAsync());
    }

    [Fact]
    public async Task A_file_that_has_not_changed_is_not_sent_again()
    {
        var server = await StartAsync(await FolderAsync());
        using var first = await GetAsync(server, "/static/index.html");
        using var request = new HttpRequestMessage(HttpMethod.Get, At(server, "/static/index.html"));
        request.Headers.IfModifiedSince = first.Content.Headers.LastModified;
        await AnswersAsync(await Client.SendAsync(request), HttpStatusCode.NotModified, "", null);
        File.SetLastWriteTimeUtc(Path.Combine(Folder, "www", "index.html"), first.Content.Headers.LastModified!.Value.UtcDateTime.AddSeconds(2));
        using var again = new HttpRequestMessage(HttpMethod.Get, At(server, "/static/index.html"));
        again.Headers.IfModifiedSince = first.Content.Headers.LastModified;
        await AnswersAsync(await Client.SendAsync(again), HttpStatusCode.OK, "<p>index</p>", "text/html; charset=utf-8");
    }

    private async Task<Config.WebServerConfig> FolderAsync()
    {
        string root = Path.Combine(Folder, "www");
        Directory.CreateDirectory(Path.Combine(root, "js"));
        await File.WriteAllTextAsync(Path.Combine(Folder, "secret"), "secret");
        await File.WriteAllTextAsync(Path.Combine(root, "index.html"), "<p>index</p>");
        await File.WriteAllTextAsync(Path.Combine(root, "strange"), "?");
        await File.WriteAllTextAsync(Path.Combine(root, "favicon.ico"), "icon");
        await File.WriteAllTextAsync(Path.Combine(root, "js", "a b.js"), "js()");
        var config = Config;
        config.AssetsDir = root;
        return config;
    }
}
