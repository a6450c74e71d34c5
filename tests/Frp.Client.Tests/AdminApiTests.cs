using System.Net;
using System.Net.Http.Headers;
using System.Runtime.Versioning;
using System.Text;
using Frp.Config;
using Frp.Proxies;
using Frp.TestKit;
using Microsoft.Extensions.Logging;

namespace Frp.Client.Tests;

/// <summary>The admin API of a client that has no server. The answers were recorded from the reference.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class AdminApiTests : IAsyncDisposable
{
    private const string Stored = """{"name":"st1","type":"tcp","tcp":{"name":"st1","type":"tcp","transport":{"bandwidthLimit":""},"loadBalancer":{"group":""},"healthCheck":{"type":"","intervalSeconds":0},"localPort":46055,"plugin":null,"remotePort":59839}}""";
    private const string Asked = """{"name": "st1", "type": "tcp", "tcp": {"localPort": 46055, "remotePort": 59839, "unknownField": 1}, "unknown": {}}""";
    private const string VisitorStored = """{"name":"sv1","type":"stcp","stcp":{"name":"sv1","type":"stcp","transport":{},"secretKey":"vector-sk","serverName":"stcp1","bindPort":-1,"plugin":null}}""";
    private const string VisitorAsked = """{"name": "sv1", "type": "stcp", "stcp": {"serverName": "stcp1", "secretKey": "vector-sk", "bindPort": -1}}""";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("frp-admin-");
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = Patience.Limit };
    private readonly int _port = Ports.Next();
    private readonly Loggers _log = new();
    private FrpClient? _client;

    private string File => Path.Combine(_folder.FullName, "frpc.toml");

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (_client is not null) await _client.DisposeAsync().AsTask().Soon();
        _folder.Delete(recursive: true);
        await Ports.UntilFreeAsync(_port);
        Assert.Equal(0, _log.Text.Count("fault"));
    }

    [Fact]
    public async Task The_store_is_edited_in_the_references_words()
    {
        await StartAsync("store.path = 's/store.json'");
        await AnswersAsync("GET", "/api/store/proxies", null, 200, """{"proxies":[]}""");
        await AnswersAsync("POST", "/api/store/proxies", Asked, 200, Stored);
        await AnswersAsync("POST", "/api/store/proxies", Asked, 409, """{"Code":409,"Msg":"conflict: already exists: proxy \"st1\""}""");
        await AnswersAsync("GET", "/api/store/proxies", null, 200, $$"""{"proxies":[{{Stored}}]}""");
        await AnswersAsync("GET", "/api/store/proxies/st1", null, 200, Stored);
        await AnswersAsync("GET", "/api/store/proxies/nope", null, 404, """{"Code":404,"Msg":"not found: proxy \"nope\""}""");
        await AnswersAsync("PUT", "/api/store/proxies/st1", Asked.Replace("st1", "other", StringComparison.Ordinal), 400, """{"Code":400,"Msg":"proxy name in URL must match name in body"}""");
        await AnswersAsync("PUT", "/api/store/proxies/st1", Asked.Replace("46055", "1", StringComparison.Ordinal), 200, Stored.Replace("46055", "1", StringComparison.Ordinal));
        await AnswersAsync("PUT", "/api/store/proxies/nope", Asked.Replace("st1", "nope", StringComparison.Ordinal), 404, """{"Code":404,"Msg":"not found: not found: proxy \"nope\""}""");
        await AnswersAsync("POST", "/api/store/visitors", VisitorAsked, 200, VisitorStored);
        await AnswersAsync("GET", "/api/store/visitors", null, 200, $$"""{"visitors":[{{VisitorStored}}]}""");
        await AnswersAsync("GET", "/api/store/visitors/sv1", null, 200, VisitorStored);
        await AnswersAsync("DELETE", "/api/store/visitors/sv1", null, 200, null);
        await AnswersAsync("DELETE", "/api/store/visitors/sv1", null, 404, """{"Code":404,"Msg":"not found: not found: visitor \"sv1\""}""");
        await AnswersAsync("DELETE", "/api/store/proxies/st1", null, 200, null);
        await AnswersAsync("GET", "/api/store/proxies", null, 200, """{"proxies":[]}""");
        Assert.Contains("\"plugin\":{\"type\":\"socks5\"}", await AnswersAsync("POST", "/api/store/proxies", """{"name":"pl","type":"tcp","tcp":{"plugin":{"type":"socks5","unknown":1}}}""", 200, null), StringComparison.Ordinal);
        foreach (string line in (string[])["created proxy \"st1\"", "updated proxy \"st1\"", "created visitor \"sv1\"", "deleted visitor \"sv1\"", "deleted proxy \"st1\""])
            Assert.Equal(1, _log.Text.Count($"store: {line}"));
    }

    [Theory]
    [InlineData("{", "parse JSON error: unexpected end of JSON input")]
    [InlineData("", "parse JSON error: unexpected end of JSON input")]
    [InlineData("{}", "proxy name is required")]
    [InlineData("""{"name":" ","type":"tcp","tcp":{}}""", "proxy name is required")]
    [InlineData("""{"name":"q","type":"bogus","tcp":{}}""", "invalid proxy type: bogus")]
    [InlineData("""{"name":"q","tcp":{}}""", "invalid proxy type: ")]
    [InlineData("""{"name":"q","type":"tcp"}""", "exactly one proxy type block is required")]
    [InlineData("""{"name":"q","type":"tcp","tcp":{},"udp":{}}""", "exactly one proxy type block is required")]
    [InlineData("""{"name":"q","type":"tcp","udp":{}}""", "proxy type block \"udp\" does not match type \"tcp\"")]
    [InlineData("""{"name":"q","type":"tcp","tcp":{"localPort":99999}}""", "invalid argument: validation error: localPort: localPort: port number 99999 must be in the range 0..65535")]
    public async Task Bodies_that_will_not_do_are_refused_with_the_references_words(string body, string words)
    {
        await StartAsync("store.path = 'store.json'");
        await AnswersAsync("POST", "/api/store/proxies", body, 400, $$"""{"Code":400,"Msg":"{{words.Replace("\"", "\\\"", StringComparison.Ordinal)}}"}""");
        string visitor = body.Replace("\"tcp\"", "\"stcp\"", StringComparison.Ordinal).Replace("\"udp\"", "\"sudp\"", StringComparison.Ordinal);
        if (!body.Contains("99999", StringComparison.Ordinal))
        {
            string visitorWords = words.Replace("proxy", "visitor", StringComparison.Ordinal).Replace("tcp", "stcp", StringComparison.Ordinal).Replace("udp", "sudp", StringComparison.Ordinal);
            await AnswersAsync("POST", "/api/store/visitors", visitor, 400, $$"""{"Code":400,"Msg":"{{visitorWords.Replace("\"", "\\\"", StringComparison.Ordinal)}}"}""");
        }
        Assert.False(System.IO.File.Exists(Path.Combine(_folder.FullName, "store.json")));
    }

    [Theory]
    [InlineData("""{"name":1}""")]
    [InlineData("[]")]
    [InlineData("""{"name":"q","type":"tcp","tcp":{"localPort":"1"}}""")]
    [InlineData("""{"name":"q","type":"tcp","tcp":{"plugin":{"type":"nothing"}}}""")]
    [InlineData("""{"name":"q","type":"tcp","tcp":[]}""")]
    [InlineData("""{"name":"\ud800","type":"tcp","tcp":{}}""")]
    [InlineData("""{"name":"q","type":"tcp","t\udc00cp":{}}""")]
    [InlineData("""{"name":"q","type":"tcp","tcp":{"localIP":"\ud800"}}""")]
    [InlineData("""{"name":"q","type":"tcp","tcp":{}} more""")]
    public async Task So_are_values_of_the_wrong_type(string body)
    {
        await StartAsync("store.path = 'store.json'");
        string answer = await AnswersAsync("POST", "/api/store/proxies", body, 400, null);
        Assert.StartsWith("""{"Code":400,"Msg":"parse JSON error: """, answer, StringComparison.Ordinal);
        Assert.DoesNotContain("LineNumber", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_disk_refuses_is_taken_back()
    {
        await StartAsync("store.path = 'store.json'");
        await AnswersAsync("POST", "/api/store/proxies", Asked, 200, Stored);
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "store.json.tmp"));
        foreach (var (method, path, body) in ((string, string, string?)[])
            [("POST", "/api/store/proxies", Asked.Replace("st1", "st2", StringComparison.Ordinal)), ("PUT", "/api/store/proxies/st1", Asked.Replace("46055", "1", StringComparison.Ordinal)), ("DELETE", "/api/store/proxies/st1", null)])
        {
            Assert.StartsWith("""{"Code":500,"Msg":"failed to persist: """, await AnswersAsync(method, path, body, 500, null), StringComparison.Ordinal);
            await AnswersAsync("GET", "/api/store/proxies", null, 200, $$"""{"proxies":[{{Stored}}]}""");
        }
        Assert.Equal("st1", Assert.Single(_client!.Proxies).Name);
    }

    [Fact]
    public async Task Edits_of_the_store_at_the_same_time_are_made_one_after_another()
    {
        await StartAsync("store.path = 'store.json'");
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => AnswersAsync("POST", "/api/store/proxies", Asked.Replace("st1", $"p{i}", StringComparison.Ordinal), 200, null)));
        Assert.Equal(40, _client!.Proxies.Count);
        var again = ClientConfigFile.Open(File, ProxyKinds.Catalog);
        Assert.Equal(40, again.Store!.Entries.Proxies.Count);
    }

    [Fact]
    public async Task An_entry_that_cannot_be_put_into_effect_stays_stored()
    {
        await StartAsync("store.path = 'store.json'\n[[proxies]]\nname = 'a'\ntype = 'tcp'\nlocalPort = 1");
        await AnswersAsync("POST", "/api/store/proxies", Asked.Replace("st1", "a", StringComparison.Ordinal), 200, null);
        // Without the stored one, the file's would run: it is not valid.
        Write("store.path = 'store.json'\n[[proxies]]\nname = 'a'\ntype = 'tcp'\nlocalPort = 70000");
        await AnswersAsync("GET", "/api/reload", null, 200, null);
        Assert.Contains("apply config failed: ", await AnswersAsync("DELETE", "/api/store/proxies/a", null, 500, null), StringComparison.Ordinal);
        await AnswersAsync("GET", "/api/store/proxies", null, 200, """{"proxies":[]}""");
        Assert.Contains("46055", await AnswersAsync("GET", "/api/proxy/a/config", null, 200, null), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_store_its_places_are_not_there()
    {
        await StartAsync("");
        await AnswersAsync("GET", "/api/store/proxies", null, 404, "404 page not found");
        await AnswersAsync("POST", "/api/status", null, 405, null);
        await AnswersAsync("GET", "/healthz", null, 200, null);
        await AnswersAsync("GET", "/", null, 301, "<a href=\"/static/\">Moved Permanently</a>.\n");
        await AnswersAsync("GET", "/api/status", null, 200, "{}");
    }

    [Fact]
    public async Task Configurations_are_shown_with_defaults_or_as_they_are_stored()
    {
        await StartAsync("start = ['tcp1', 'vis1']\nstore.path = 'store.json'\n[[proxies]]\nname = 'tcp1'\ntype = 'tcp'\nlocalPort = 46055\n[[visitors]]\nname = 'vis1'\ntype = 'stcp'\nserverName = 'stcp1'\nsecretKey = 'vector-sk'\nbindPort = -1");
        await AnswersAsync("GET", "/api/proxy/tcp1/config", null, 200, """{"name":"tcp1","type":"tcp","tcp":{"name":"tcp1","type":"tcp","transport":{"bandwidthLimit":"","bandwidthLimitMode":"client"},"loadBalancer":{"group":""},"healthCheck":{"type":"","intervalSeconds":0},"localIP":"127.0.0.1","localPort":46055,"plugin":null}}""");
        await AnswersAsync("GET", "/api/visitor/vis1/config", null, 200, """{"name":"vis1","type":"stcp","stcp":{"name":"vis1","type":"stcp","transport":{},"secretKey":"vector-sk","serverName":"stcp1","bindAddr":"127.0.0.1","bindPort":-1,"plugin":null}}""");
        await AnswersAsync("GET", "/api/proxy/nope/config", null, 404, """{"Code":404,"Msg":"proxy \"nope\" not found"}""");
        await AnswersAsync("GET", "/api/visitor/nope/config", null, 404, """{"Code":404,"Msg":"visitor \"nope\" not found"}""");
        // start keeps a stored entry from running; it is shown raw.
        await AnswersAsync("POST", "/api/store/proxies", Asked, 200, Stored);
        await AnswersAsync("GET", "/api/proxy/st1/config", null, 200, Stored);
        Assert.DoesNotContain("st1", _client!.Proxies.Select(p => p.Name));
    }

    [Fact]
    public async Task The_file_is_read_and_written_as_it_is()
    {
        await StartAsync("# a comment\r\nuser = 'é'");
        string text = System.IO.File.ReadAllText(File);
        using (var response = await SendAsync("GET", "/api/config", null))
        {
            Assert.Equal(("text/plain; charset=utf-8", text), (response.Content.Headers.ContentType!.ToString(), await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)));
        }
        await AnswersAsync("PUT", "/api/config", "", 400, """{"Code":400,"Msg":"body can't be empty"}""");
        await AnswersAsync("PUT", "/api/config", "nonsense that nobody checks", 200, null);
        Assert.Equal("nonsense that nobody checks", System.IO.File.ReadAllText(File));
        Assert.Contains("\"Msg\":\"invalid argument: ", await AnswersAsync("GET", "/api/reload", null, 400, null), StringComparison.Ordinal);
        System.IO.File.Delete(File);
        Assert.Contains("no such file or directory", await AnswersAsync("GET", "/api/config", null, 400, null), StringComparison.Ordinal);
        Assert.Contains("no such file or directory", await AnswersAsync("GET", "/api/reload", null, 400, null), StringComparison.Ordinal);
        await AnswersAsync("PUT", "/api/config", text, 200, null);
        Assert.Equal(DurableFile.OwnerOnly, System.IO.File.GetUnixFileMode(File));
        await AnswersAsync("GET", "/api/reload", null, 200, null);
    }

    [Fact]
    public async Task A_reload_is_lenient_unless_it_is_asked_to_be_strict()
    {
        await StartAsync("");
        Write("unknownKey = 1\n[[proxies]]\nname = 'new'\ntype = 'tcp'");
        Assert.Contains("json: unknown field \\\"unknownKey\\\"", await AnswersAsync("GET", "/api/reload?strictConfig=true", null, 400, null), StringComparison.Ordinal);
        Assert.Empty(_client!.Proxies);
        await AnswersAsync("GET", "/api/reload?strictConfig=perhaps", null, 200, null);
        Assert.Equal("new", Assert.Single(_client.Proxies).Name);
        Write("[[proxies]]\nname = 'other'\ntype = 'bogus'");
        Assert.Contains("decode proxy at index 0: unknown proxy type: bogus", await AnswersAsync("GET", "/api/reload", null, 400, null), StringComparison.Ordinal);
        Assert.Equal("new", Assert.Single(_client.Proxies).Name);
        Assert.Equal(1, _log.Text.Count("success reload conf"));
        Assert.Equal(2, _log.Text.Count("http response [/api/reload]: error: invalid argument: "));
    }

    [Fact]
    public async Task What_cannot_be_put_into_effect_is_applied_nowhere()
    {
        // A kind of visitor that files may name and that this client cannot make.
        var known = ProxyKinds.Catalog;
        var catalog = new ClientCatalog(known.Proxies, known.Visitors.Append(KeyValuePair.Create("novel", known.Visitors["stcp"])), known.Plugins, known.VisitorPlugins);
        Write("[[proxies]]\nname = 'old'\ntype = 'tcp'");
        _client = new FrpClient(ClientConfigFile.Open(File, catalog), _log);
        await _client.StartAsync(TestContext.Current.CancellationToken);
        Write("[[proxies]]\nname = 'new'\ntype = 'tcp'\n[[visitors]]\nname = 'v'\ntype = 'novel'\nserverName = 's'\nbindPort = -1");
        await AnswersAsync("GET", "/api/reload", null, 500, """{"Code":500,"Msg":"apply config failed: unknown visitor type: novel (Parameter 'config')"}""");
        Assert.Equal("old", Assert.Single(_client.Proxies).Name);
        Assert.Equal(0, _log.Text.Count("success reload conf"));
    }

    [Fact]
    public async Task Options_that_need_a_restart_are_named_and_do_not_take_effect()
    {
        await StartAsync("");
        string text = System.IO.File.ReadAllText(File);
        System.IO.File.WriteAllText(File, text.Replace("serverPort", "auth.token = 'secret'\ntransport.poolCount = 7\nserverPort", StringComparison.Ordinal));
        await _client!.ReloadAsync(cancellationToken: TestContext.Current.CancellationToken).Soon();
        Assert.Contains("these options have changed and take effect after a restart: auth.token, transport.poolCount\n", _log.Text.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", _log.Text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Credentials_are_asked_for()
    {
        await StartAsync("webServer.user = 'admin'\nwebServer.password = 'pw'");
        await AnswersAsync("GET", "/api/status", null, 401, "Unauthorized");
        await AnswersAsync("GET", "/", null, 401, "Unauthorized");
        await AnswersAsync("GET", "/healthz", null, 200, null);
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String("admin:pw"u8));
        await AnswersAsync("GET", "/api/status", null, 200, "{}");
    }

    [Fact]
    public async Task A_client_that_is_asked_to_stop_answers_and_ends()
    {
        await StartAsync("");
        await AnswersAsync("POST", "/api/stop", null, 200, null);
        await _client!.Completion.Soon();
        await Ports.UntilFreeAsync(_port);
        await Assert.ThrowsAnyAsync<IOException>(() => _client.ReloadAsync(cancellationToken: TestContext.Current.CancellationToken).Soon());
    }

    [Fact]
    public async Task A_first_login_that_fails_releases_the_port()
    {
        await StartAsync("loginFailExit = true");
        await Assert.ThrowsAsync<LoginFailedException>(() => _client!.Completion.Soon());
        await Ports.UntilFreeAsync(_port);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_an_error_of_the_start()
    {
        await using (TcpService.Echo(_port))
        {
            var e = await Assert.ThrowsAsync<IOException>(() => StartAsync(""));
            Assert.StartsWith($"listen tcp 127.0.0.1:{_port}: ", e.Message, StringComparison.Ordinal);
        }
        await _client!.StartAsync(TestContext.Current.CancellationToken);
        await AnswersAsync("GET", "/healthz", null, 200, null);
    }

    private void Write(string more) => System.IO.File.WriteAllText(File, $"serverAddr = '127.0.0.1'\nserverPort = {Ports.Next()}\n{(more.Contains("loginFailExit", StringComparison.Ordinal) ? "" : "loginFailExit = false")}\nwebServer.port = {_port}\n{more}\n");

    private Task StartAsync(string more)
    {
        Write(more);
        _client = new FrpClient(ClientConfigFile.Open(File, ProxyKinds.Catalog), _log);
        return _client.StartAsync(TestContext.Current.CancellationToken);
    }

    private async Task<HttpResponseMessage> SendAsync(string method, string path, string? body)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri($"http://127.0.0.1:{_port}{path}"));
        if (body is not null) request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        return await _http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>Asks, and compares the answer; a body of null is not compared.</summary>
    private async Task<string> AnswersAsync(string method, string path, string? body, int status, string? expected)
    {
        using var response = await SendAsync(method, path, body);
        string answer = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True((HttpStatusCode)status == response.StatusCode, $"{method} {path}: {response.StatusCode} {answer}");
        if (expected is not null) Assert.Equal(expected + "\n", answer);
        return answer;
    }

    /// <summary>Loggers that keep what they are told.</summary>
    private sealed class Loggers : ILoggerFactory, ILogger
    {
        internal CapturedText Text { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose() { }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Text.Append($"{formatter(state, exception)}{exception}\n");
    }
}
