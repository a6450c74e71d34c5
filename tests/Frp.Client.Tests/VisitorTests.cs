using System.Text;
using System.Text.Json;
using Frp.Config;
using Frp.Proxies;
using Frp.TestKit;
using Frp.Transport;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Client.Tests;

/// <summary>Visitors against a server that is played by hand, with a clock that stands still.</summary>
public sealed class VisitorTests : IAsyncDisposable
{
    private const string Accepted = """{"proxy_name":"x"}""";

    private readonly WatchedTime _time = new();
    private readonly TaskScope _users = new("users");
    private readonly Sayings _log = new();
    private readonly List<IAsyncDisposable> _rest = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var rest in _rest) await rest.DisposeAsync();
        await _users.DisposeAsync();
    }

    [Fact]
    public async Task A_door_that_cannot_be_opened_is_tried_again_every_ten_seconds()
    {
        var squatter = TcpService.Echo();
        var table = NewTable($"{Visitor("door", squatter.Port)}\n{Visitor("other", Ports.Next())}");
        Assert.Equal([VisitorPhase.New, VisitorPhase.New], table.Statuses.Select(s => s.Phase));
        table.OnSession(new Session("run-1"));
        await table.WaitUntilOpenAsync("other", CancellationToken.None).Soon();
        for (int failures = 1; failures <= 3; failures++)
        {
            await _log.Text.WaitForAsync($"[run-1] [door] start error: listen tcp 127.0.0.1:{squatter.Port}: ", failures);
            await _time.PauseAsync(TimeSpan.FromSeconds(10));
            Assert.Equal((VisitorPhase.StartError, true), (table.Statuses[0].Phase, table.Statuses[0].Error.StartsWith("listen tcp", StringComparison.Ordinal)));
            if (failures == 3) break;
            _time.Advance(TimeSpan.FromSeconds(9.999));
            Assert.Equal(failures - 1, _log.Text.Count("try to start visitor [door]"));
            _time.Advance(TimeSpan.FromSeconds(0.001));
        }
        await squatter.DisposeAsync();
        await Ports.UntilFreeAsync(squatter.Port);
        _time.Advance(TimeSpan.FromSeconds(10));
        await table.WaitUntilOpenAsync("door", CancellationToken.None).Soon();
        Assert.Equal(new VisitorStatus("door", "stcp", VisitorPhase.Running, ""), table.Statuses[0]);
        await table.DisposeAsync();
        Assert.All(table.Statuses, s => Assert.Equal(VisitorPhase.Closed, s.Phase));
        Assert.False(await Ports.AnswersAsync(squatter.Port));
    }

    [Fact]
    public async Task The_door_stays_open_over_sessions_and_users_without_one_are_sent_away()
    {
        int port = Ports.Next();
        var table = NewTable(Visitor("door", port));
        await using var server = Server(Accepted, echoes: true);
        table.OnSession(new Session("run-1", server));
        await table.WaitUntilOpenAsync("door", CancellationToken.None).Soon();
        await User.EchoOnceAsync(port);
        table.OnSessionLost();
        using (var user = await User.ConnectAsync(port)) Assert.Empty(await user.ReceiveToEndAsync());
        await _log.Text.WaitForAsync("[door] start new visitor connection error: there is no session with the server");
        table.OnSession(new Session("run-2", server));
        await User.EchoOnceAsync(port);
        Assert.Equal(1, _log.Text.Count("start visitor success"));
        Assert.Equal(1, _log.Text.Count("visitor added: [door]"));
    }

    [Theory]
    [InlineData("", "", "x")]
    [InlineData("me", "", "me.x")]
    [InlineData("me", "you", "you.x")]
    [InlineData("", "you", "you.x")]
    public async Task The_server_is_told_who_comes_and_for_whom(string user, string serverUser, string target)
    {
        var asked = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = Server(Accepted, asked: asked);
        var visitor = NewVisitor($"user = '{user}'", $"serverUser = '{serverUser}'\ntransport.useCompression = true", new Session("run-1", server));
        var work = await visitor.ConnectAsync(CancellationToken.None).Soon();
        Assert.Equal(RelayEnd.CloseBoth, work.End);
        long now = _time.GetUtcNow().ToUnixTimeSeconds();
        Assert.Equal(
            $$"""{"run_id":"run-1","proxy_name":"{{target}}","sign_key":"{{RawClient.ProofOf("key", now)}}","timestamp":{{now}},"use_compression":true}""",
            (await asked.Task.Soon()).GetRawText());
        await work.Connection.DisposeAsync();
    }

    [Theory]
    [InlineData(true, """{"proxy_name":"x","half_close":true}""", RelayEnd.HalfClose)]
    [InlineData(true, Accepted, RelayEnd.CloseBoth)]
    [InlineData(false, """{"proxy_name":"x","half_close":true}""", RelayEnd.CloseBoth)]
    public async Task Half_close_is_what_both_have_agreed_to(bool offered, string answer, RelayEnd expected)
    {
        var asked = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = Server(answer, asked: asked);
        var work = await NewVisitor("", "", new Session("run-1", server) { HalfClose = offered }).ConnectAsync(CancellationToken.None).Soon();
        Assert.Equal(expected, work.End);
        Assert.Equal(offered, (await asked.Task.Soon()).TryGetProperty("half_close", out _));
        await work.Connection.DisposeAsync();
    }

    [Fact]
    public async Task Payload_that_comes_with_the_answer_is_kept()
    {
        await using var server = Server(Accepted, more: "and more"u8.ToArray());
        var work = await NewVisitor("", "", new Session("run-1", server)).ConnectAsync(CancellationToken.None).Soon();
        var payload = new byte[8];
        await work.Connection.Stream.ReadExactlyAsync(payload, TestContext.Current.CancellationToken).Soon();
        Assert.Equal("and more", Encoding.ASCII.GetString(payload));
        await work.Connection.DisposeAsync();
    }

    [Fact]
    public async Task A_refusal_is_told_in_the_servers_words_and_closes_the_connection()
    {
        await using var server = Server("""{"proxy_name":"x","error":"not\u001byou"}""");
        var visitor = NewVisitor("", "", new Session("run-1", server));
        var refusal = await Assert.ThrowsAsync<PeerRefusedException>(() => visitor.ConnectAsync(CancellationToken.None).Soon());
        Assert.DoesNotContain('\u001b', refusal.Message);
        Assert.StartsWith("not", refusal.Message, StringComparison.Ordinal);
        await Patience.UntilAsync(() => server.OpenCount == 0, () => "the connection is still open");
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_given_ten_seconds()
    {
        await using var server = TcpService.Start(static socket => socket.ReceiveToEndAsync());
        var connecting = NewVisitor("", "", new Session("run-1", server)).ConnectAsync(CancellationToken.None).AsTask();
        await Patience.UntilAsync(() => server.OpenCount == 1, () => "nobody has connected");
        await _time.PauseAsync(TimeSpan.FromSeconds(10), times: 2); // the time for dialling is the same
        _time.Advance(TimeSpan.FromSeconds(9.999));
        Assert.False(connecting.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.001));
        await Assert.ThrowsAsync<TimeoutException>(() => connecting.Soon());
        await Patience.UntilAsync(() => server.OpenCount == 0, () => "the connection is still open");
    }

    [Fact]
    public async Task A_server_that_ends_or_babbles_is_an_error_of_the_connection()
    {
        await using var mute = TcpService.Start(static _ => Task.CompletedTask);
        await Assert.ThrowsAnyAsync<IOException>(() => NewVisitor("", "", new Session("run-1", mute)).ConnectAsync(CancellationToken.None).Soon());
        await using var babbling = TcpService.Start(static socket => socket.SendAllAsync(RawClient.Message('4', "{}")));
        await Assert.ThrowsAnyAsync<IOException>(() => NewVisitor("", "", new Session("run-1", babbling)).ConnectAsync(CancellationToken.None).Soon());
        await Assert.ThrowsAnyAsync<IOException>(() => NewVisitor("", "", null).ConnectAsync(CancellationToken.None).Soon());
    }

    [Fact]
    public async Task A_visitor_without_a_port_takes_users_from_others()
    {
        await using var server = Server(Accepted, echoes: true);
        var table = NewTable($"{Visitor("inner", -1)}\n{Visitor("s", -1).Replace("stcp", "xtcp", StringComparison.Ordinal)}");
        table.OnSession(new Session("run-1", server));
        await table.WaitUntilOpenAsync("inner", CancellationToken.None).Soon();
        await using var entrance = await TcpBindListener.BindAsync("127.0.0.1", Ports.Next(), new TcpListenOptions(), _time, _log, CancellationToken.None);
        using var user = await User.ConnectAsync(entrance.Port);
        var handed = await (await entrance.AcceptAsync(CancellationToken.None).Soon())!.HandshakeAsync(CancellationToken.None);
        Assert.False(table.TryHandOver("nobody", handed!));
        Assert.True(table.TryHandOver("inner", handed!));
        await user.EchoAsync(10_000);
    }

    [Fact]
    public async Task A_reload_leaves_doors_alone_that_are_wanted_as_they_are()
    {
        int kept = Ports.Next(), moved = Ports.Next(), gone = Ports.Next(), next = Ports.Next();
        await using var server = Server(Accepted, echoes: true);
        var table = NewTable($"{Visitor("kept", kept)}\n{Visitor("moved", moved)}\n{Visitor("gone", gone)}");
        table.OnSession(new Session("run-1", server));
        foreach (string name in (string[])["kept", "moved", "gone"]) await table.WaitUntilOpenAsync(name, CancellationToken.None).Soon();
        using User keptUser = await User.ConnectAsync(kept), goneUser = await User.ConnectAsync(gone);
        await goneUser.EchoAsync();
        var visitor = table.Find("kept");
        await ApplyAsync(table, $"{Visitor("moved", next)}\n{Visitor("kept", kept)}\n{Visitor("added", gone)}");
        await table.WaitUntilOpenAsync("moved", CancellationToken.None).Soon();
        await table.WaitUntilOpenAsync("added", CancellationToken.None).Soon(); // where another door has just been
        Assert.Same(visitor, table.Find("kept"));
        Assert.Equal(["added", "kept", "moved"], table.Statuses.Select(s => s.Name));
        Assert.All(table.Statuses, s => Assert.Equal(VisitorPhase.Running, s.Phase));
        Assert.False(await Ports.AnswersAsync(moved));
        await User.EchoOnceAsync(next);
        await User.EchoOnceAsync(gone);
        await keptUser.EchoAsync();
        await goneUser.EchoAsync(100_000); // closing a door cuts nobody
        Assert.Contains("[run-1] visitor removed: [gone moved]\n[run-1] visitor added: [added moved]\n", _log.Text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reload_before_the_first_login_opens_no_door()
    {
        int port = Ports.Next();
        var table = NewTable($"{Visitor("a", port)}");
        await ApplyAsync(table, Visitor("b", port));
        Assert.Equal([new VisitorStatus("b", "stcp", VisitorPhase.New, "")], table.Statuses);
        Assert.False(await Ports.AnswersAsync(port));
        table.OnSession(new Session("run-1"));
        await table.WaitUntilOpenAsync("b", CancellationToken.None).Soon();
        Assert.Equal("visitor removed: [a]\n[run-1] visitor added: [b]\n[run-1] [b] start visitor success\n", _log.Text.ToString());
    }

    [Fact]
    public async Task Whoever_waits_for_a_door_that_is_wanted_no_more_is_told()
    {
        var table = NewTable(Visitor("a", Ports.Next()));
        var waiting = table.WaitUntilOpenAsync("a", CancellationToken.None);
        await ApplyAsync(table, "");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Soon());
    }

    private static string Visitor(string name, int port) => $"[[visitors]]\nname = '{name}'\ntype = 'stcp'\nserverName = 'x'\nsecretKey = 'key'\nbindPort = {port}";

    private static ClientConfig Load(string text) => ConfigLoader.LoadClient(Encoding.UTF8.GetBytes(text), "client", ProxyKinds.Catalog).Config;

    private static Task ApplyAsync(VisitorTable table, string wanted) => table.ApplyAsync(table.Prepare(Load(wanted).Visitors)).Soon();

    private VisitorTable NewTable(string text)
    {
        var table = new VisitorTable(Load(text), _users, _log, _time);
        _rest.Add(table);
        return table;
    }

    private ManagedVisitor NewVisitor(string common, string more, Session? session)
    {
        var config = Load($"{common}\n{Visitor("door", -1)}\n{more}");
        var table = new VisitorTable(config, _users, _log, _time);
        _rest.Add(table);
        if (session is not null) table.OnSession(session);
        return new ManagedVisitor(config.Visitors[0], config, table, _log);
    }

    /// <summary>A server that answers every visitor the same.</summary>
    private static TcpService Server(string answer, bool echoes = false, byte[]? more = null, TaskCompletionSource<JsonElement>? asked = null) => TcpService.Start(async socket =>
    {
        const int Head = 9;
        var head = await socket.ReceiveExactlyAsync(Head);
        var body = await socket.ReceiveExactlyAsync(head[^1] + 256 * head[^2]);
        asked?.TrySetResult(JsonDocument.Parse(body).RootElement);
        byte[] reply = [.. RawClient.Message('3', answer), .. more ?? []];
        await socket.SendAllAsync(reply);
        var buffer = new byte[4096];
        while (await socket.ReceiveAsync(buffer.AsMemory()) is var count and > 0)
        {
            if (echoes) await socket.SendAllAsync(buffer.AsMemory(0, count));
        }
    });

    /// <summary>A session that dials a service instead of a server.</summary>
    private sealed record Session(string RunId, TcpService? Server = null) : IVisitorSession
    {
        public bool HalfClose { get; init; }

        public TraversalQuestions Traversal => throw new IOException("there is no broker");

        public async ValueTask<Connection> OpenAsync(CancellationToken cancellationToken) =>
            await TcpDialer.DialAsync("127.0.0.1", Server!.Port, new TcpDialOptions { Timeout = Patience.Limit }, TimeProvider.System, cancellationToken);
    }

    /// <summary>A clock that says when somebody has begun to wait.</summary>
    private sealed class WatchedTime : FakeTimeProvider
    {
        private readonly CapturedText _pauses = new();
        private int _seen;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            _pauses.Append($"<{dueTime}>");
            return timer;
        }

        /// <summary>Waits until a wait of this length has begun that nobody has waited for here.</summary>
        internal Task PauseAsync(TimeSpan length, int times = 1) => _pauses.WaitForAsync($"<{length}>", _seen += times);
    }

    private sealed class Sayings : ILogger
    {
        internal CapturedText Text { get; } = new();

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Text.Append($"{formatter(state, exception)}\n");
    }
}
