using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Users who end their direction behind the request, as <c>nc -N</c> does, and wait for the answer.</summary>
public sealed class HttpHalfCloseTests : HttpTest
{
    private const string Body = "0123456789";

    public static TheoryData<string, bool> Requests()
    {
        var data = new TheoryData<string, bool>();
        foreach (bool late in (bool[])[false, true])
        {
            data.Add("GET / HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n", late);
            data.Add("GET / HTTP/1.1\r\nHost: site.test\r\n\r\n", late);
            data.Add("GET / HTTP/1.0\r\nHost: site.test\r\n\r\n", late);
            data.Add("GET / HTTP/1.0\r\nHost: site.test\r\nConnection: keep-alive\r\n\r\n", late);
            data.Add("HEAD / HTTP/1.1\r\nHost: site.test\r\n\r\n", late);
            data.Add($"POST / HTTP/1.1\r\nHost: site.test\r\nContent-Length: 10\r\n\r\n{Body}", late);
            data.Add($"POST / HTTP/1.0\r\nHost: site.test\r\nContent-Length: 10\r\n\r\n{Body}", late);
            data.Add($"POST / HTTP/1.1\r\nHost: site.test\r\nTransfer-Encoding: chunked\r\n\r\na\r\n{Body}\r\n0\r\n\r\n", late);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task The_answer_reaches_a_user_who_has_ended_his_direction(string request, bool late)
    {
        var go = new TaskCompletionSource();
        await using var service = HttpService.Start(async (head, socket) =>
        {
            if (head.StartsWith("POST", StringComparison.Ordinal))
            {
                int framing = head.Contains("chunked", StringComparison.Ordinal) ? 10 : 0;
                Assert.Contains(Body, Encoding.Latin1.GetString(await socket.ReceiveExactlyAsync(Body.Length + framing)), StringComparison.Ordinal);
            }
            await go.Task.Soon();
            return await HttpService.SendAsync(socket, $"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n{(head.StartsWith("HEAD", StringComparison.Ordinal) ? "" : "answer")}");
        });
        await StartAsync([Web("web", service.Port, "site.test")]);
        using var user = await User.ConnectAsync(VhostPort);
        await user.SendAsync(request);
        if (!late) user.CompleteWrites();
        await Patience.UntilAsync(() => service.Heads.Count == 1, () => "the service was not asked");
        if (late) user.CompleteWrites();
        go.SetResult();
        bool isHead = request.StartsWith("HEAD", StringComparison.Ordinal);
        var answer = await HttpAnswer.ReceiveAsync(user.Socket, isHead);
        Assert.Equal((200, isHead ? "" : "answer"), (answer.Status, answer.Body));
        Assert.Empty(await user.ReceiveToEndAsync());
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: unknown.test\r\n\r\n", 404)]
    [InlineData("GET / HTTP/1.0\r\nHost: down.test\r\n\r\n", 404)]
    [InlineData("GET / HTTP/1.1\r\nHost: auth.test\r\n\r\n", 401)]
    [InlineData("POST / HTTP/1.1\r\nHost: slow.test\r\nContent-Length: 4\r\n\r\nbody", 504)]
    [InlineData("GET / HTTP/1.1\r\nHost: slow.te", 400)]
    [InlineData("GET / HTTP/1.1\r\n\r\n", 400)]
    [InlineData("CONNECT unknown.test:1 HTTP/1.1\r\n\r\n", 404)]
    [InlineData("P", 400)]
    public async Task So_does_the_page_that_says_what_is_wrong(string request, int status)
    {
        var silence = new TaskCompletionSource();
        await using var slow = HttpService.Start(async (_, _) =>
        {
            await silence.Task.Soon();
            return false;
        });
        await StartAsync([Web("down", Ports.Next(), "down.test"), Web("auth", slow.Port, "auth.test", "httpUser = \"u\""), Web("slow", slow.Port, "slow.test")], $"vhostHTTPTimeout = {(status == 504 ? 1 : 600)}");
        using var user = await User.ConnectAsync(VhostPort);
        await user.SendAsync(request);
        user.CompleteWrites();
        Assert.Equal(status, (await HttpAnswer.ReceiveAsync(user.Socket)).Status);
        silence.SetResult();
    }

    [Fact]
    public async Task All_that_was_asked_for_is_answered()
    {
        await using var mirror = HttpService.Mirror();
        await StartAsync([Web("web", mirror.Port, "site.test")]);
        using var user = await User.ConnectAsync(VhostPort);
        await user.SendAsync(string.Concat(Enumerable.Range(0, 20).Select(i => $"GET /{i} HTTP/1.1\r\nHost: site.test\r\n\r\n")));
        user.CompleteWrites();
        for (int i = 0; i < 20; i++) Assert.StartsWith($"GET /{i} ", (await HttpAnswer.ReceiveAsync(user.Socket)).Body, StringComparison.Ordinal);
        Assert.Empty(await user.ReceiveToEndAsync());
    }

    [Fact]
    public async Task A_long_answer_arrives_whole()
    {
        byte[] data = RandomNumberGenerator.GetBytes(20_000_000);
        await using var service = HttpService.Start(async (_, socket) =>
        {
            await HttpService.SendAsync(socket, $"HTTP/1.1 200 OK\r\nContent-Length: {data.Length}\r\n\r\n");
            await socket.SendAllAsync(data);
            return true;
        });
        await StartAsync([Web("web", service.Port, "site.test")]);
        using var user = await User.ConnectAsync(VhostPort);
        await user.SendAsync("GET / HTTP/1.1\r\nHost: site.test\r\n\r\n");
        user.CompleteWrites();
        await HttpService.ReceiveHeadAsync(user.Socket).Soon();
        Assert.Equal(SHA256.HashData(data), SHA256.HashData(await user.ReceiveToEndAsync()));
    }

    [Theory]
    [InlineData("PUT / HTTP/1.1\r\nHost: site.test\r\nContent-Length: 10\r\n\r\n01234")]
    [InlineData("PUT / HTTP/1.1\r\nHost: site.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: site.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")]
    public async Task A_body_that_is_not_all_there_and_an_upgraded_connection_end_both_ways(string request)
    {
        var asked = new TaskCompletionSource();
        await using var service = HttpService.Start(async (head, socket) =>
        {
            if (head.StartsWith("GET", StringComparison.Ordinal)) await HttpService.SendAsync(socket, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
            asked.SetResult();
            try
            {
                await socket.ReceiveToEndAsync();
            }
            catch (SocketException)
            {
                // A reset is an end too.
            }
            return false;
        });
        await StartAsync([Web("web", service.Port, "site.test")]);
        using var user = await User.ConnectAsync(VhostPort);
        await user.SendAsync(request);
        await asked.Task.Soon();
        user.CompleteWrites();
        await user.WaitForEndAsync();
        await Patience.UntilAsync(() => service.OpenCount == 0, () => "the connection to the service is still open");
    }

    [Fact]
    public async Task A_user_who_is_refused_while_he_still_speaks_gets_to_read_why()
    {
        await StartAsync([]);
        for (int i = 0; i < 20; i++)
        {
            using var user = await User.ConnectAsync(VhostPort);
            var sending = user.SendAsync($"\u0001garbage\r\n\r\n{new string('x', 200_000)}");
            Assert.Equal(400, (await HttpAnswer.ReceiveAsync(user.Socket)).Status);
            await sending;
        }
    }
}
