using System.Net;
using System.Net.Sockets;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Which proxy serves a request, who may ask, and what happens when nobody serves it.</summary>
public sealed class HttpRoutingTests : HttpTest
{
    [Fact]
    public async Task Hosts_patterns_and_locations_choose_the_proxy()
    {
        await using var root = HttpService.Saying("root");
        await using var api = HttpService.Saying("api");
        await using var wild = HttpService.Saying("wild");
        await using var sub = HttpService.Saying("sub");
        await using var rest = HttpService.Saying("rest");
        await StartAsync(
        [
            Web("root", root.Port, "Site.test", "locations = [\"/\", \"/foo\"]"),
            Web("api", api.Port, "site.test", "locations = [\"/api\"]"),
            Web("wild", wild.Port, "*.site.test"),
            $"[[proxies]]\nname = \"sub\"\ntype = \"http\"\nlocalPort = {sub.Port}\nsubdomain = \"sub\"\n",
            Web("rest", rest.Port, "*", "locations = [\"/rest\"]"),
        ], "subDomainHost = \"frp.test\"");

        Assert.Equal("root", (await GetAsync("site.test", "/x")).Body);
        Assert.Equal("root", (await GetAsync("SITE.test.:8080", "/foo")).Body);
        Assert.Equal("api", (await GetAsync("site.test", "/api/1?x=/foo")).Body);
        Assert.Equal("api", (await GetAsync("site.test", "/%61pi")).Body);
        Assert.Equal("root", (await GetAsync("site.test", "/API")).Body);
        Assert.Equal("wild", (await GetAsync("a.site.test")).Body);
        Assert.Equal("wild", (await GetAsync("a.b.site.test")).Body);
        Assert.Equal("sub", (await GetAsync("sub.frp.test")).Body);
        Assert.Equal("rest", (await GetAsync("anything", "/rest/of")).Body);
        Assert.Equal(404, (await GetAsync("anything")).Status);
        Assert.Equal(404, (await GetAsync("other.frp.test")).Status);
    }

    [Fact]
    public async Task User_names_choose_the_proxy()
    {
        await using var one = HttpService.Saying("one");
        await using var two = HttpService.Saying("two");
        await using var any = HttpService.Saying("any");
        await StartAsync(
        [
            Web("one", one.Port, "site.test", "routeByHTTPUser = \"user1\""),
            Web("two", two.Port, "site.test", "routeByHTTPUser = \"user2\""),
            Web("any", any.Port, "site.test"),
        ]);
        Assert.Equal("one", (await GetAsync("site.test", headers: Basic("Authorization", "user1", "x"))).Body);
        Assert.Equal("two", (await GetAsync("site.test", headers: Basic("authorization", "user2", ""))).Body);
        Assert.Equal("any", (await GetAsync("site.test", headers: Basic("Authorization", "user3", "x"))).Body);
        Assert.Equal("any", (await GetAsync("site.test")).Body);
    }

    [Fact]
    public async Task Credentials_are_demanded_of_sites_and_of_proxies()
    {
        await using var site = HttpService.Mirror();
        await StartAsync([Web("site", site.Port, "site.test", "routeByHTTPUser = \"alice\"", "httpUser = \"alice\"", "httpPassword = \"secret\"")]);
        const string Proxy = "Proxy-Authorization", Site = "Authorization", Absolute = "http://site.test/p";

        Assert.Equal(404, (await GetAsync("site.test")).Status);
        var admitted = await GetAsync("site.test", headers: Basic(Site, "alice", "secret"));
        Assert.Equal(200, admitted.Status);
        Assert.Contains("Authorization: Basic", admitted.Body, StringComparison.Ordinal);
        var refused = await GetAsync("site.test", headers: Basic(Site, "alice", "wrong"));
        Assert.Equal(401, refused.Status);
        Assert.Equal("Unauthorized\n", refused.Body);
        Assert.Equal(["Basic realm=\"Restricted\""], refused.All("WWW-Authenticate"));

        var passed = await GetAsync("other.test", Absolute, Basic(Proxy, "alice", "secret"));
        Assert.Equal(200, passed.Status);
        Assert.StartsWith("GET http://site.test/p HTTP/1.1\r\n", passed.Body, StringComparison.Ordinal);
        Assert.Contains("\r\nHost: site.test\r\n", passed.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("Proxy-Authorization", passed.Body, StringComparison.OrdinalIgnoreCase);
        var stopped = await GetAsync("site.test", Absolute, Basic(Proxy, "alice", "wrong"));
        Assert.Equal(407, stopped.Status);
        Assert.Equal("Proxy Authentication Required\n", stopped.Body);
        Assert.Equal(["Basic realm=\"Restricted\""], stopped.All("Proxy-Authenticate"));
        Assert.Equal(407, (await GetAsync("site.test", Absolute, Basic(Site, "alice", "secret"))).Status);
        Assert.Equal(407, (await GetAsync("site.test", Absolute, Basic(Proxy, "alice", "wrong") + Basic(Site, "alice", "secret"))).Status);
        Assert.Equal(401, (await GetAsync("site.test", headers: Basic(Site, "alice", "wrong") + Basic(Proxy, "alice", "secret"))).Status);
    }

    [Fact]
    public async Task Each_request_of_an_HTTP_2_connection_is_routed_and_admitted_on_its_own()
    {
        await using var open = HttpService.Saying("open");
        await using var alices = HttpService.Saying("alice's");
        await using var closed = HttpService.Saying("closed");
        await StartAsync(
        [
            Web("open", open.Port, "open.test"), Web("alices", alices.Port, "open.test", "routeByHTTPUser = \"alice\""),
            Web("closed", closed.Port, "closed.test", "httpUser = \"u\"", "httpPassword = \"p\""),
        ]);
        int connections = 0;
        using var client = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, cancellation) =>
            {
                Interlocked.Increment(ref connections);
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, VhostPort, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        (string Host, string Credentials, int Status, string? Body)[] cases =
        [
            ("open.test", "", 200, "open"), ("OPEN.test", "alice:x", 200, "alice's"), ("open.test", "bob:x", 200, "open"), ("closed.test", "u:p", 200, "closed"),
            ("closed.test", "u:wrong", 401, "Unauthorized\n"), ("closed.test", "", 401, "Unauthorized\n"), ("closed.test", "alice:p", 401, "Unauthorized\n"), ("nobody.test", "u:p", 404, null),
        ];
        // All of them at once, in many orders.
        await Task.WhenAll(Enumerable.Range(0, 20).SelectMany(i => cases[(i % cases.Length)..].Concat(cases[..(i % cases.Length)])).Select(async one =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{VhostPort}/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            request.Headers.Host = one.Host;
            if (one.Credentials.Length > 0) request.Headers.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(one.Credentials)));
            using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken).Soon();
            string body = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken).Soon();
            Assert.Equal((one.Host, one.Credentials, one.Status, one.Body ?? body), (one.Host, one.Credentials, (int)answer.StatusCode, body));
        }));
        Assert.Equal(1, connections);
    }

    [Fact]
    public async Task Members_of_a_group_take_turns()
    {
        await using var a = HttpService.Saying("a");
        await using var b = HttpService.Saying("b");
        const string Group = "loadBalancer.group = \"g\"\nloadBalancer.groupKey = \"k\"";
        var (_, client) = await StartAsync([Web("a", a.Port, "site.test", Group), Web("b", b.Port, "site.test", Group)]);
        string[] seen = [(await GetAsync("site.test")).Body, (await GetAsync("site.test")).Body, (await GetAsync("site.test")).Body, (await GetAsync("site.test")).Body];
        Assert.Equal(seen[0], seen[2]);
        Assert.Equal(seen[1], seen[3]);
        Assert.NotEqual(seen[0], seen[1]);
        await client.KillAsync();
        await Patience.UntilAsync(async () => (await GetAsync("site.test")).Status == 404, () => "the group outlives its members");
    }

    [Theory]
    [InlineData("site.test", "locations = [\"/x\"]", "k", "group params invalid")]
    [InlineData("other.test", "", "k", "group params invalid")]
    [InlineData("site.test", "routeByHTTPUser = \"u\"", "k", "group params invalid")]
    [InlineData("site.test", "", "other", "group auth failed")]
    public async Task A_group_takes_equals_only(string domain, string more, string key, string text)
    {
        await using var service = HttpService.Saying("first");
        int port = Ports.Next();
        await ServerAsync(port, $"vhostHTTPPort = {VhostPort}");
        string Member(string name, string memberDomain, string memberKey, string lines) =>
            Web(name, service.Port, memberDomain, "loadBalancer.group = \"g\"", $"loadBalancer.groupKey = \"{memberKey}\"", lines);
        await StartClient(port, [Member("first", "site.test", "k", "")]).WaitForTextAsync("start proxy success");
        await StartClient(port, [Member("second", domain, key, more)]).WaitForTextAsync(text);
        Assert.Equal("first", (await GetAsync("site.test")).Body);
    }

    [Fact]
    public async Task A_route_has_one_owner_at_a_time()
    {
        await using var service = HttpService.Saying("first");
        int port = Ports.Next();
        await ServerAsync(port, $"vhostHTTPPort = {VhostPort}");
        var first = StartClient(port, [Web("first", service.Port, "Site.test")]);
        await first.WaitForTextAsync("start proxy success");
        var second = StartClient(port, [Web("second", service.Port, "site.TEST")]);
        await second.WaitForTextAsync("router config conflict");
        await first.KillAsync();
        await Patience.UntilAsync(async () => (await GetAsync("site.test")).Status == 404, () => "the route outlives its owner");
    }

    [Fact]
    public async Task Without_the_port_the_kind_is_refused()
    {
        int port = Ports.Next();
        await ServerAsync(port);
        await StartClient(port, [Web("web", 1, "site.test")]).WaitForTextAsync("type [http] not supported when vhost http port is not set");
    }

    [Fact]
    public async Task What_nobody_serves_gets_the_page_that_is_configured()
    {
        string page = Path.Combine(Work.Folder, "404.html");
        await using var closing = HttpService.Start((_, _) => Task.FromResult(false));
        await using var talking = HttpService.Raw("this is not http\r\n\r\n", thenClose: true);
        await using var cut = HttpService.Raw("HTTP/1.1 200 OK\r\nContent-Le", thenClose: true);
        await using var resetting = TcpService.Start(socket =>
        {
            socket.LingerState = new LingerOption(enable: true, 0);
            return Task.CompletedTask;
        });
        int nobody = Ports.Next();
        await StartAsync(
        [
            Web("closing", closing.Port, "closing.test"), Web("talking", talking.Port, "talking.test"), Web("cut", cut.Port, "cut.test"),
            Web("resetting", resetting.Port, "resetting.test"), Web("nobody", nobody, "nobody.test"),
        ], $"custom404Page = \"{page}\"");

        var builtIn = await GetAsync("unknown.test");
        Assert.Equal(404, builtIn.Status);
        Assert.Contains("<title>Not Found</title>", builtIn.Body, StringComparison.Ordinal);
        Assert.StartsWith("text/html", builtIn.All("Content-Type")[0], StringComparison.Ordinal);
        await File.WriteAllTextAsync(page, "mine", TestContext.Current.CancellationToken);
        foreach (string host in (string[])["unknown", "closing", "talking", "cut", "resetting", "nobody"])
        {
            var answer = await GetAsync($"{host}.test");
            Assert.Equal((host, 404, "mine"), (host, answer.Status, answer.Body));
        }
        Assert.Equal("", (await AskAsync("HEAD / HTTP/1.1\r\nHost: unknown.test\r\n\r\n")).Body);
    }

    [Fact]
    public async Task A_service_that_never_answers_is_waited_for_as_configured()
    {
        var silence = new TaskCompletionSource();
        await using var silent = HttpService.Start(async (_, _) =>
        {
            await silence.Task;
            return false;
        });
        await StartAsync([Web("silent", silent.Port, "silent.test")], "vhostHTTPTimeout = 1");
        var answer = await GetAsync("silent.test");
        silence.SetResult();
        Assert.Equal((504, ""), (answer.Status, answer.Body));
        Assert.Equal(["0"], answer.All("Content-Length"));
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task After_a_failure_of_the_service_the_next_request_of_the_same_user_is_answered(string method)
    {
        await using var service = HttpService.Start(async (head, socket) =>
        {
            if (method == "POST") await socket.ReceiveExactlyAsync(4);
            switch (head.Split(' ')[1])
            {
                case "/well":
                    return await HttpService.SendAsync(socket, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell");
                case "/garbage":
                    await HttpService.SendAsync(socket, "this is not http\r\n\r\n");
                    break;
                case "/cut":
                    await HttpService.SendAsync(socket, "HTTP/1.1 200 OK\r\nContent-Le");
                    break;
                case "/reset":
                    socket.LingerState = new LingerOption(enable: true, 0);
                    break;
                case "/silence":
                    // Whoever waits no longer has to say so, or this does not end.
                    await socket.ReceiveToEndAsync();
                    break;
            }
            return false;
        });
        await StartAsync([Web("web", service.Port, "site.test")], "vhostHTTPTimeout = 1");
        using var user = await User.ConnectAsync(VhostPort);
        Assert.Equal(200, await StatusAsync("/well"));
        foreach (var (failure, status) in new[] { ("/close", 404), ("/reset", 404), ("/garbage", 404), ("/cut", 404), ("/silence", 504) })
        {
            Assert.Equal((failure, status), (failure, await StatusAsync(failure)));
            Assert.Equal(200, await StatusAsync("/well"));
        }
        await Patience.UntilAsync(() => service.OpenCount == 1, () => $"{service.OpenCount} connections to the service are open");

        async Task<int> StatusAsync(string path)
        {
            await user.SendAsync($"{method} {path} HTTP/1.1\r\nHost: site.test\r\n{(method == "POST" ? "Content-Length: 4\r\n\r\nbody" : "\r\n")}");
            return (await HttpAnswer.ReceiveAsync(user.Socket)).Status;
        }
    }

    private static string Basic(string header, string user, string password) => $"{header}: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"))}\r\n";
}
