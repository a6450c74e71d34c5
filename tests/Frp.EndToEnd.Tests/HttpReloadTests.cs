using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>What of the HTTP virtual host follows the file.</summary>
public sealed class HttpReloadTests : ReloadTest
{
    [Fact]
    public async Task The_page_for_nothing_and_the_patience_with_services_follow()
    {
        int vhost = Ports.Next();
        string page = Work.Write("<p>ours</p>"), own = $"vhostHTTPPort = {vhost}";
        await using var web = HttpService.Start(async (head, socket) => head.StartsWith("GET /slow", StringComparison.Ordinal) || await HttpService.SendAsync(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
        var server = await StartAsync(own, "vhostHTTPTimeout = 600");
        var client = StartClient(server.Port, [$"[[proxies]]\nname = \"web\"\ntype = \"http\"\nlocalPort = {web.Port}\ncustomDomains = [\"a.test\"]"]);
        await client.WaitForTextAsync("start proxy success");
        using var user = await User.ConnectAsync(vhost);
        Assert.Equal("ok", (await AskAsync(user, "a.test")).Body);
        var missing = await AskAsync(user, "nobody.test");
        Assert.Equal(404, missing.Status);
        Assert.DoesNotContain("ours", missing.Body, StringComparison.Ordinal);

        string ours = $"custom404Page = \"{page}\"";
        await server.ReloadAsync(own, "vhostHTTPTimeout = 600", ours);
        // On the connection that there was.
        missing = await AskAsync(user, "nobody.test");
        Assert.Equal((404, "<p>ours</p>"), (missing.Status, missing.Body));
        Assert.Equal("ok", (await AskAsync(user, "a.test")).Body);
        await server.ReloadAsync(own, "vhostHTTPTimeout = 1", ours);
        Assert.Equal(504, (await AskAsync(user, "a.test", "/slow")).Status);
    }

    private static async Task<HttpAnswer> AskAsync(User user, string host, string path = "/")
    {
        await user.SendAsync($"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        return await HttpAnswer.ReceiveAsync(user.Socket);
    }
}
