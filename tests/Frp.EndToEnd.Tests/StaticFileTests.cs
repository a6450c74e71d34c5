using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>The plug-in <c>static_file</c>, with curl as the user.</summary>
public sealed class StaticFileTests : ClientPluginTest
{
    private const string Secret = "not for everybody";

    private string Root => Path.Combine(Work.Folder, "root");

    private string Url => $"http://127.0.0.1:{UserPort}";

    private async Task<RunningProgram> ServeAsync(string[]? options = null, string more = "")
    {
        Put("a.txt", new string('a', 5000));
        Put("sub/a b&<c>.txt", "odd");
        Put("site/index.html", "<h1>index</h1>");
        Put(".dot", "dotted");
        Put("empty", "");
        await File.WriteAllTextAsync(Path.Combine(Work.Folder, "outside"), Secret, TestContext.Current.CancellationToken);
        return await StartAsync("static_file", [$"localPath = \"{Root}\"", .. options ?? []], more);
    }

    private void Put(string name, string content)
    {
        string file = Path.Combine(Root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, content);
    }

    private async Task<HttpAnswer> GetAsync(string path, string fields = "", string method = "GET")
    {
        using var user = await User.ConnectAsync(UserPort);
        await user.SendAsync($"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n");
        return await HttpAnswer.ReceiveAsync(user.Socket, isHead: method == "HEAD");
    }

    [Theory]
    [InlineData("")]
    [InlineData($"{Proxy.Encrypted}\n{Proxy.Compressed}")]
    public async Task Curl_gets_files(string more)
    {
        await ServeAsync(more: more);
        string all = new('a', 5000);
        Assert.Equal((0, all), await CurlAsync($"{Url}/a.txt"));
        Assert.Equal((0, all), await CurlAsync("--compressed", $"{Url}/a.txt"));
        Assert.Equal((0, "aaa"), await CurlAsync("-r", "4990-4992", $"{Url}/a.txt"));
        Assert.Equal((0, "aaa206"), await CurlAsync("--compressed", "-r", "1-3", "-w", "%{http_code}", $"{Url}/a.txt"));
        Assert.Equal((0, "odd"), await CurlAsync($"{Url}/sub/a%20b%26%3Cc%3E.txt"));
        Assert.Equal((0, "dotted"), await CurlAsync($"{Url}/.dot"));
        Assert.Equal((0, "200 0"), await CurlAsync("-w", "%{http_code} %{size_download}", $"{Url}/empty"));
        Assert.Equal((0, "<h1>index</h1>"), await CurlAsync("-L", $"{Url}/site"));
        Assert.Equal((0, "text/plain; charset=utf-8 5000"), await CurlAsync("-o", "/dev/null", "-w", "%header{content-type} %header{content-length}", $"{Url}/a.txt"));
        var (code, output) = await CurlAsync("--compressed", "-o", "/dev/null", "-w", "%header{content-encoding} %{size_download}", $"{Url}/a.txt");
        Assert.Equal(0, code);
        Assert.StartsWith("gzip ", output, StringComparison.Ordinal);
        Assert.InRange(int.Parse(output[5..], null), 1, 1000);
    }

    [Fact]
    public async Task A_file_that_has_not_changed_is_not_sent_again()
    {
        await ServeAsync();
        var first = await GetAsync("/a.txt");
        Assert.Equal(304, (await GetAsync("/a.txt", $"If-Modified-Since: {first.All("Last-Modified")[0]}\r\n")).Status);
        File.SetLastWriteTimeUtc(Path.Combine(Root, "a.txt"), DateTime.UnixEpoch.AddYears(50));
        Assert.Equal(200, (await GetAsync("/a.txt", $"If-None-Match: {first.All("ETag")[0]}\r\n")).Status);
    }

    [Fact]
    public async Task A_folder_shows_what_is_in_it()
    {
        await ServeAsync();
        Assert.Equal("""
            <!doctype html>
            <meta name="viewport" content="width=device-width">
            <pre>
            <a href=".dot">.dot</a>
            <a href="a.txt">a.txt</a>
            <a href="empty">empty</a>
            <a href="site/">site/</a>
            <a href="sub/">sub/</a>
            </pre>

            """.ReplaceLineEndings("\n"), (await GetAsync("/")).Body);
        Assert.Contains("<a href=\"a%20b%26%3Cc%3E.txt\">a b&amp;&lt;c&gt;.txt</a>", (await GetAsync("/sub/")).Body, StringComparison.Ordinal);
        var moved = await GetAsync("/sub?x");
        Assert.Equal((301, "sub/?x"), (moved.Status, moved.All("Location")[0]));
        Assert.Equal(404, (await GetAsync("/a.txt/")).Status);
        Assert.Equal(404, (await GetAsync("/none")).Status);
    }

    [Fact]
    public async Task Nothing_leads_out_of_the_folder()
    {
        await ServeAsync();
        string[] paths =
        [
            "/../outside", "/sub/../../outside", "/%2e%2e/outside", "/..%2foutside", "/%2e%2e%2foutside", "/sub/%2e%2e/%2e%2e/outside", "/..%5coutside", "/..\\outside", "//outside",
            "/%00/../outside", $"{Work.Folder}/outside", $"/{Work.Folder}/outside", "http://x/../outside",
        ];
        foreach (string path in paths)
        {
            var answer = await GetAsync(path);
            Assert.InRange(answer.Status, 400, 404);
            Assert.DoesNotContain(Secret, answer.Body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Links_are_followed_and_pipes_are_not_waited_for()
    {
        string? mkfifo = ForeignPrograms.Find("mkfifo");
        Assert.SkipWhen(mkfifo is null, "mkfifo is not installed");
        await ServeAsync();
        File.CreateSymbolicLink(Path.Combine(Root, "link"), "../outside");
        File.CreateSymbolicLink(Path.Combine(Root, "broken"), "nowhere");
        File.CreateSymbolicLink(Path.Combine(Root, "circle"), "circle");
        Assert.Equal(0, await Work.RunForeign(mkfifo!, Path.Combine(Root, "pipe")).WaitForExitAsync());
        Assert.Equal(Secret, (await GetAsync("/link")).Body);
        Assert.Equal(404, (await GetAsync("/broken")).Status);
        Assert.Equal(404, (await GetAsync("/circle")).Status);
        Assert.Equal((200, ""), ((await GetAsync("/pipe")).Status, (await GetAsync("/pipe")).Body));
        Assert.Equal(200, (await GetAsync("/")).Status);
    }

    [Fact]
    public async Task There_is_only_GET()
    {
        await ServeAsync();
        foreach (string method in new[] { "HEAD", "POST", "PUT", "DELETE" })
        {
            var answer = await GetAsync("/a.txt", method == "HEAD" ? "" : "Content-Length: 0\r\n", method);
            Assert.Equal((405, "GET"), (answer.Status, answer.All("Allow")[0]));
        }
    }

    [Theory]
    [InlineData("files")]
    [InlineData("/files/")]
    public async Task A_prefix_is_not_part_of_the_path(string prefix)
    {
        await ServeAsync([$"stripPrefix = \"{prefix}\""]);
        Assert.Equal("dotted", (await GetAsync("/files/.dot")).Body);
        Assert.Contains("\"site/\"", (await GetAsync("/files/")).Body, StringComparison.Ordinal);
        foreach (string path in new[] { "/files", "/.dot", "/", "/filesx/.dot", "/files/files/.dot" }) Assert.Equal(404, (await GetAsync(path)).Status);
    }

    [Fact]
    public async Task A_user_has_to_say_who_he_is()
    {
        var client = await ServeAsync(["httpUser = \"u\"", "httpPassword = \"p\""]);
        Assert.Equal((0, "dotted"), await CurlAsync("-u", "u:p", $"{Url}/.dot"));
        foreach (string[] credentials in new string[][] { [], ["-u", "u:x"], ["-u", "x:p"], ["-H", "Authorization: Basic !"] })
        {
            Assert.Equal((0, "Unauthorized\n401 Basic realm=\"Restricted\""), await CurlAsync([.. credentials, "-w", "%{http_code} %header{www-authenticate}", $"{Url}/.dot"]));
        }
        await client.WaitForTextAsync("static_file: user [127.0.0.1] was refused: wrong credentials", times: 3);
    }

    [Fact]
    public async Task A_folder_may_come_later()
    {
        await StartAsync("static_file", [$"localPath = \"{Path.Combine(Work.Folder, "root")}\""]);
        Assert.Equal(404, (await GetAsync("/a.txt")).Status);
        Put("a.txt", "here");
        Assert.Equal("here", (await GetAsync("/a.txt")).Body);
        Directory.Delete(Root, recursive: true);
        Assert.Equal(404, (await GetAsync("/a.txt")).Status);
        Assert.Equal(404, (await GetAsync("/")).Status);
    }

    [Fact]
    public async Task One_connection_carries_many_requests_and_waits_for_nobody_at_the_end()
    {
        var client = await ServeAsync();
        using var user = await User.ConnectAsync(UserPort);
        for (int i = 0; i < 3; i++)
        {
            await user.SendAsync("GET /.dot HTTP/1.1\r\nHost: x\r\n\r\n");
            Assert.Equal("dotted", (await HttpAnswer.ReceiveAsync(user.Socket)).Body);
        }
        client.Terminate();
        await user.WaitForEndAsync();
        Assert.Equal(0, await client.WaitForExitAsync());
        Assert.DoesNotContain("were cut", client.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_asks_and_ends_his_direction_gets_his_answer()
    {
        await ServeAsync();
        using var user = await User.ConnectAsync(UserPort);
        await user.SendAsync("GET /.dot HTTP/1.1\r\nHost: x\r\n\r\n");
        user.CompleteWrites();
        Assert.EndsWith("dotted", Encoding.ASCII.GetString(await user.ReceiveToEndAsync()), StringComparison.Ordinal);
    }
}
