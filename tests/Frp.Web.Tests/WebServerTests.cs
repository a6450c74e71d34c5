using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Serialization;
using Frp.Config;
using Frp.TestKit;

namespace Frp.Web.Tests;

/// <summary>The rules that hold for every place of a web server.</summary>
public sealed class WebServerTests : WebTest
{
    private const string Text = WebAnswer.PlainText;

    private static WebServerConfig Guarded => new() { Addr = "127.0.0.1", User = "admin", Password = "pa:ss" };

    [Fact]
    public async Task A_place_answers_and_is_logged()
    {
        var server = await StartAsync(WebRoute.Get("/api/thing/{name}/config", r => ValueTask.FromResult(WebAnswer.Text($"{r["name"]} {r.Query("q")} {r.QueryFlag("f")}"))));
        await AnswersAsync(await GetAsync(server, "/api/thing/a%20%C3%A4%3F/config?q=1%2F2&f=true"), HttpStatusCode.OK, "a ä? 1/2 True", Text);
        await Log.WaitForAsync("Information: http request: [/api/thing/a ä?/config]\nInformation: http response [/api/thing/a ä?/config]: code [200]\n");
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData("T", true)]
    [InlineData("true", true)]
    [InlineData("false", false)]
    [InlineData("yes", false)]
    [InlineData("", false)]
    public async Task A_flag_says_yes_in_one_of_few_ways(string value, bool meaning)
    {
        var server = await StartAsync(WebRoute.Get("/flag", r => ValueTask.FromResult(WebAnswer.Text($"{r.HasQuery("f")} {r.QueryFlag("f")} {r.QueryFlag("g")}"))));
        await AnswersAsync(await GetAsync(server, $"/flag?f={value}"), HttpStatusCode.OK, $"True {meaning} False", Text);
    }

    [Fact]
    public async Task Health_is_everybody_s_to_ask()
    {
        var server = await StartAsync(Guarded);
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Post, HttpMethod.Head, HttpMethod.Delete })
        {
            await AnswersAsync(await SendAsync(method, At(server, "/healthz")), HttpStatusCode.OK, "", null);
        }
        Assert.Empty(Log.ToString());
    }

    [Fact]
    public async Task Credentials_are_demanded_of_known_places_only()
    {
        var server = await StartAsync(Guarded, null, WebRoute.Get("/api/x", Says("in")));
        foreach (var (user, password) in new[] { (null, null), ("admin", "pa"), ("", ""), ("adm", "in:pa:ss"), ("admin", "pa:ss2") })
        {
            var refused = await GetAsync(server, "/api/x", user, password);
            Assert.Equal("Basic realm=\"Restricted\"", refused.Headers.WwwAuthenticate.ToString());
            await AnswersAsync(refused, HttpStatusCode.Unauthorized, "Unauthorized\n", Text);
        }
        await AnswersAsync(await GetAsync(server, "/api/unknown"), HttpStatusCode.NotFound, "404 page not found\n", Text);
        await AnswersAsync(await SendAsync(HttpMethod.Post, At(server, "/api/x")), HttpStatusCode.MethodNotAllowed, "", null);
        Assert.Empty(Log.ToString());
        await AnswersAsync(await GetAsync(server, "/api/x", "admin", "pa:ss"), HttpStatusCode.OK, "in", Text);
    }

    [Fact]
    public async Task A_refusal_comes_late_and_others_do_not_wait_for_it()
    {
        var time = new StoppedTime();
        var server = await StartAsync(Guarded, time);
        var refused = GetAsync(server, "/static/");
        await time.Waits(TimeSpan.FromMilliseconds(200)).Soon();
        await AnswersAsync(await GetAsync(server, "/healthz"), HttpStatusCode.OK, "", null);
        Assert.False(refused.IsCompleted);
        time.Pass();
        await AnswersAsync(await refused, HttpStatusCode.Unauthorized, "Unauthorized\n", Text);
    }

    [Fact]
    public async Task The_root_leads_to_the_dashboard()
    {
        var server = await StartAsync(Guarded);
        await AnswersAsync(await GetAsync(server, "/"), HttpStatusCode.Unauthorized, "Unauthorized\n", Text);
        var moved = await SendAsync(HttpMethod.Put, At(server, "/"), "admin", "pa:ss");
        Assert.Equal("/static/", moved.Headers.Location?.ToString());
        await AnswersAsync(moved, HttpStatusCode.MovedPermanently, "<a href=\"/static/\">Moved Permanently</a>.\n\n", "text/html; charset=utf-8");
        await AnswersAsync(await GetAsync(server, "/static/", "admin", "pa:ss"), HttpStatusCode.NotFound, "404 page not found\n", Text);
    }

    [Fact]
    public async Task Another_method_is_told_which_ones_there_are()
    {
        var server = await StartAsync(WebRoute.Get("/api/x", Says("got")), WebRoute.Put("/api/x", Says("put")));
        await AnswersAsync(await SendAsync(HttpMethod.Put, At(server, "/api/x")), HttpStatusCode.OK, "put", Text);
        using var refused = await SendAsync(HttpMethod.Delete, At(server, "/api/x"));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, refused.StatusCode);
        Assert.Equal("GET, PUT", string.Join(", ", refused.Content.Headers.Allow));
    }

    [Theory]
    [InlineData("/api/t/a%2Fb", 404)] // an encoded slash is a slash
    [InlineData("/api/t/", 404)]
    [InlineData("/api/t/%zz", 400)]
    [InlineData("/api/t/%4", 400)]
    [InlineData("http://elsewhere/api/t/a", 200)]
    [InlineData("http://elsewhere", 301)]
    public async Task A_name_is_one_decoded_segment(string target, int status)
    {
        var server = await StartAsync(WebRoute.Get("/api/t/{name}", Says("ok")));
        string answer = await RawAsync(server, $"GET {target} HTTP/1.1\r\nHost: elsewhere\r\nConnection: close\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        if (status == 400) Assert.EndsWith("\r\n\r\n400 Bad Request", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Errors_have_one_form_and_are_logged()
    {
        var server = await StartAsync(WebRoute.Get("/api/e", _ => ValueTask.FromResult(WebAnswer.Error(404, "proxy \"ä<b>\"\nnot found"))));
        await AnswersAsync(await GetAsync(server, "/api/e"), HttpStatusCode.NotFound, "{\"Code\":404,\"Msg\":\"proxy \\\"ä<b>\\\"\\nnot found\"}\n", "application/json");
        await Log.WaitForAsync("Warning: http response [/api/e]: error: proxy \"ä<b>\"\\nnot found\n");
        Assert.Equal(0, Log.Count("code ["));
    }

    [Fact]
    public async Task Values_are_JSON_with_a_line_break()
    {
        var server = await StartAsync(WebRoute.Get("/api/j", _ => ValueTask.FromResult(WebAnswer.Json(["a"], TestJson.Default.ListString))));
        await AnswersAsync(await GetAsync(server, "/api/j"), HttpStatusCode.OK, "[\"a\"]\n", "application/json");
    }

    [Fact]
    public async Task Bodies_are_read_whole_and_have_an_end()
    {
        byte[] body = [.. Enumerable.Range(0, 100_000).Select(i => (byte)i)];
        var server = await StartAsync(WebRoute.Put("/api/b", async r => WebAnswer.Bytes(await r.ReadBodyAsync(), "application/octet-stream")));
        using var echoed = await SendAsync(HttpMethod.Put, At(server, "/api/b"), body: body);
        Assert.Equal(body, await echoed.Content.ReadAsByteArrayAsync());
        string refused = await RawAsync(server, $"PUT /api/b HTTP/1.1\r\nHost: h\r\nContent-Length: {WebServer.MaxBodyBytes + 1}\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 413 ", refused, StringComparison.Ordinal);
        Assert.Contains("{\"Code\":413,", refused, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_does_not_come_is_not_waited_for()
    {
        var time = new StoppedTime();
        var server = await StartAsync(Config, time, WebRoute.Put("/api/b", async r => WebAnswer.Bytes(await r.ReadBodyAsync(), "application/octet-stream")));
        using var user = await User.ConnectAsync(server.LocalEndPoint!.Port);
        await user.SendAsync("PUT /api/b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabc");
        await time.Waits(WebRequest.ReadTime).Soon();
        time.Pass();
        using var reader = new StreamReader(new NetworkStream(user.Socket));
        Assert.StartsWith("HTTP/1.1 408 ", await reader.ReadLineAsync().Soon(), StringComparison.Ordinal);
        while (await reader.ReadLineAsync().Soon() is { Length: > 0 }) { }
        Assert.Equal("{\"Code\":408,\"Msg\":\"no request body within 60 s\"}", await reader.ReadLineAsync().Soon());
    }

    [Fact]
    public async Task What_comes_after_an_answer_comes_after_it()
    {
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var server = await StartAsync(WebRoute.Post("/api/stop", _ => ValueTask.FromResult(WebAnswer.Empty with { Afterwards = stop.SetResult })));
        var stopped = StopWhenAsync(server, stop.Task);
        await AnswersAsync(await SendAsync(HttpMethod.Post, At(server, "/api/stop")), HttpStatusCode.OK, "", null);
        await stopped.Soon();
        await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(server, "/healthz"));
    }

    [Fact]
    public async Task A_stop_waits_for_requests_and_no_longer_than_it_may()
    {
        var entered = new SemaphoreSlim(0);
        var leave = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        WebHandler slow = async _ =>
        {
            entered.Release();
            await leave.Task;
            return WebAnswer.Text("late");
        };
        var patient = await StartAsync(WebRoute.Get("/slow", slow));
        var impatient = await StartAsync(WebRoute.Get("/slow", slow));
        var (answered, cut) = (GetAsync(patient, "/slow"), GetAsync(impatient, "/slow"));
        await entered.WaitAsync(Patience.Limit);
        await entered.WaitAsync(Patience.Limit);
        await impatient.StopAsync(TimeSpan.Zero).Soon();
        await Assert.ThrowsAsync<HttpRequestException>(() => cut);
        var stopping = patient.StopAsync(Patience.Limit);
        leave.SetResult();
        await AnswersAsync(await answered, HttpStatusCode.OK, "late", Text);
        await stopping.Soon();
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named()
    {
        await using var other = TcpService.Echo();
        var config = Config;
        config.Port = other.Port;
        var fault = await Assert.ThrowsAsync<IOException>(() => StartAsync(config));
        Assert.StartsWith($"listen tcp 127.0.0.1:{other.Port}: ", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: x\r\nX: ", false)]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", true)]
    public async Task However_many_ask_for_nothing_others_are_answered(string begin, bool isRequest)
    {
        var server = await StartAsync();
        var users = new List<User>();
        for (int i = 0; i < WebServer.MaxIdle; i++)
        {
            users.Add(await User.ConnectAsync(server.LocalEndPoint!.Port));
            await users[i].SendAsync(begin);
            if (isRequest) Assert.Equal(200, (await HttpAnswer.ReceiveAsync(users[i].Socket)).Status);
        }
        await Patience.UntilAsync(async () =>
        {
            Assert.StartsWith("HTTP/1.1 200", await RawAsync(server, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
            return users.Exists(user => user.HasEnded); // one of those who had waited longest
        }, () => "nobody has made room");
        foreach (var user in users) user.Dispose();
        await Patience.UntilAsync(() => server.ConnectionCount == 0, () => $"{server.ConnectionCount} connections are left");
    }

    [Fact]
    public async Task Connections_are_bounded_and_end_in_order()
    {
        using var answers = new SemaphoreSlim(0);
        var server = await StartAsync(WebRoute.Get("/slow", async _ =>
        {
            await answers.WaitAsync().Soon();
            return WebAnswer.Text("at last");
        }));
        var users = new List<User>();
        for (int i = 0; i < WebServer.MaxConnections; i++)
        {
            users.Add(await User.ConnectAsync(server.LocalEndPoint!.Port));
            await users[i].SendAsync("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
        }
        await Patience.UntilAsync(() => server.ConnectionCount == WebServer.MaxConnections, () => $"{server.ConnectionCount} connections");
        await SurplusAsync(server);
        await Log.WaitForAsync("closed: there are too many");
        users[0].Dispose();
        answers.Release(WebServer.MaxConnections);
        await Patience.UntilAsync(() => server.ConnectionCount < WebServer.MaxConnections, () => "no room");
        await AnswersAsync(await GetAsync(server, "/healthz"), HttpStatusCode.OK, "", null);
        foreach (var user in users) user.Dispose();
        Client.Dispose();
        await Patience.UntilAsync(() => server.ConnectionCount == 0, () => $"{server.ConnectionCount} connections are left");
    }

    [Fact]
    public async Task Profiles_say_what_there_is_to_say()
    {
        var config = Guarded;
        config.PprofEnable = true;
        var server = await StartAsync(config);
        foreach (string place in new[] { "", "goroutine?debug=2", "heap", "allocs", "block", "mutex", "threadcreate", "cmdline", "profile", "symbol", "trace" })
        {
            using var answer = await GetAsync(server, "/debug/pprof/" + place);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(Text, answer.Content.Headers.ContentType?.ToString());
            Assert.NotEmpty(await answer.Content.ReadAsStringAsync());
        }
        using var state = await GetAsync(server, "/debug/pprof/goroutine?debug=2");
        Assert.StartsWith("state: 3 proxies\n", await state.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await AnswersAsync(await GetAsync(server, "/debug/pprof/unknown"), HttpStatusCode.NotFound, "404 page not found\n", Text);
        var without = await StartAsync();
        await AnswersAsync(await GetAsync(without, "/debug/pprof/"), HttpStatusCode.NotFound, "404 page not found\n", Text);
    }

    [Fact]
    public async Task A_stranger_s_path_cannot_forge_the_log()
    {
        var server = await StartAsync(WebRoute.Get("/api/{name}", Says("ok")));
        await AnswersAsync(await GetAsync(server, "/api/a%0A%1b[2Jb"), HttpStatusCode.OK, "ok", Text);
        await Log.WaitForAsync("http request: [/api/a\\n\\x1b[2Jb]\n");
    }

    private static async Task SurplusAsync(WebServer server)
    {
        try
        {
            using var surplus = await User.ConnectAsync(server.LocalEndPoint!.Port);
            await surplus.WaitForEndAsync();
        }
        catch (SocketException)
        {
            // Closed before it was quite open.
        }
    }

    private static async Task StopWhenAsync(WebServer server, Task signal)
    {
        await signal;
        await server.StopAsync(Patience.Limit);
    }

    private static async Task<string> RawAsync(WebServer server, string request)
    {
        using var user = await User.ConnectAsync(server.LocalEndPoint!.Port);
        await user.SendAsync(request);
        return Encoding.UTF8.GetString(await user.ReceiveToEndAsync());
    }
}

[JsonSerializable(typeof(List<string>))]
internal sealed partial class TestJson : JsonSerializerContext;
