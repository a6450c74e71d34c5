using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Frp.Config;
using Frp.Proxies;
using Frp.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using ProtocolViolationException = Frp.Wire.ProtocolViolationException;

namespace Frp.Server.Tests;

public sealed class ServerHooksTests
{
    private static readonly Login Client = new() { User = "me", RunId = "0123456789abcdef", Metas = { ["a"] = "<b>" } };

    [Fact]
    public async Task An_answer_that_does_not_come_is_a_refusal()
    {
        var time = new FakeTimeProvider();
        var silent = new Hook(ServerOperations.Ping, (_, token) => new ValueTask(new TaskCompletionSource().Task.WaitAsync(token)));
        var asking = Hooks(time, silent).AskAsync(new PingEvent(Client, new Ping()), TestContext.Current.CancellationToken).AsTask();
        time.Advance(ServerHooks.AnswerTimeout - TimeSpan.FromMilliseconds(1));
        Assert.False(asking.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("send Ping request to plugin error", (await Assert.ThrowsAsync<PeerRefusedException>(() => asking)).Message);
    }

    [Fact]
    public async Task Who_gives_up_asking_has_not_been_refused()
    {
        using var gone = new CancellationTokenSource();
        var silent = new Hook(ServerOperations.Ping, (_, token) => new ValueTask(new TaskCompletionSource().Task.WaitAsync(token)));
        var asking = Hooks(TimeProvider.System, silent).AskAsync(new PingEvent(Client, new Ping()), gone.Token).AsTask();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
    }

    [Fact]
    public async Task Each_is_asked_about_what_it_wants_with_what_the_one_before_has_left()
    {
        var heard = new List<string>();
        Hook Adding(string letter, ServerOperations wanted) => new(wanted, (e, _) =>
        {
            var login = (LoginEvent)e;
            heard.Add(login.Login.User);
            login.Login = login.Login with { User = login.Login.User + letter };
            return ValueTask.CompletedTask;
        });
        var hooks = Hooks(TimeProvider.System, Adding("a", ServerOperations.Login), Adding("x", ServerOperations.Ping), Adding("b", ServerOperations.Login | ServerOperations.Ping));
        var asked = new LoginEvent(new Login(), null);
        await hooks.AskAsync(asked, TestContext.Current.CancellationToken);
        Assert.Equal(["", "a"], heard);
        Assert.Equal("ab", asked.Login.User);
        Assert.True(hooks.Want(ServerOperations.Ping));
        Assert.False(hooks.Want(ServerOperations.NewProxy));
    }

    [Fact]
    public async Task What_has_happened_is_told_to_everybody()
    {
        int told = 0;
        Hook Failing(Exception failure) => new(ServerOperations.CloseProxy, (_, _) =>
        {
            told++;
            throw failure;
        });
        var hooks = Hooks(TimeProvider.System, Failing(new PeerRefusedException("no")), Failing(new HttpRequestException("away")), Failing(new InvalidOperationException("broken")));
        await hooks.TellAsync(new CloseProxyEvent(Client, "p"), TestContext.Current.CancellationToken);
        Assert.Equal(3, told);
    }

    [Fact]
    public void A_plugin_is_told_who_the_client_is()
    {
        using var body = JsonDocument.Parse(PluginCall.Request(new NewUserConnEvent(Client, new NewProxy { ProxyName = "me.p", ProxyType = "tcp" }, new IPEndPoint(IPAddress.IPv6Loopback, 7))));
        using var expected = JsonDocument.Parse("""{"proxy_name":"me.p","proxy_type":"tcp","remote_addr":"[::1]:7","user":{"user":"me","metas":{"a":"<b>"},"run_id":"0123456789abcdef"}}""");
        Assert.True(JsonElement.DeepEquals(expected.RootElement, body.RootElement.GetProperty("content")), body.RootElement.GetRawText());
    }

    [Fact]
    public void Content_replaces_all_of_the_message()
    {
        var asked = new NewProxyEvent(Client, new NewProxy { ProxyName = "p", ProxyType = "tcp", UseEncryption = true });
        PluginCall.Apply("""{"unchange":false,"content":{"user":{"user":"forged"},"proxy_name":"q","remote_port":7}}"""u8, asked, "test");
        Assert.Equal(new NewProxy { ProxyName = "q", RemotePort = 7 }, asked.Proxy with { CustomDomains = [], Locations = [], AllowUsers = [] }, SameText);
        Assert.Equal("me", asked.Client.User);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"reject\":1}")]
    [InlineData("{\"content\":[]}")]
    [InlineData("{\"content\":{\"remote_port\":\"x\"}}")]
    [InlineData("")]
    public void Nonsense_is_a_violation(string answer) =>
        Assert.Throws<ProtocolViolationException>(() => PluginCall.Apply(Encoding.UTF8.GetBytes(answer), new NewProxyEvent(Client, new NewProxy()), "test"));

    [Fact]
    public void What_cannot_be_changed_is_not()
    {
        var asked = new NewUserConnEvent(Client, new NewProxy { ProxyName = "p" }, null);
        PluginCall.Apply("""{"content":{"proxy_name":"q"}}"""u8, asked, "test");
        Assert.Equal("p", asked.Proxy.ProxyName);
    }

    [Theory]
    [InlineData("gopher://x")]
    [InlineData("127.0.0.1:99999")]
    public void An_address_must_be_one(string address)
    {
        using var clients = new PluginClients();
        Assert.Throws<ConfigException>(() => new HttpPlugin(new HttpPluginConfig { Name = "x", Addr = address }, clients));
    }

    [Fact]
    public async Task A_plugin_may_close_a_kept_connection_behind_its_answer()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var clients = new PluginClients();
        var plugin = new HttpPlugin(new HttpPluginConfig { Name = "x", Addr = listener.LocalEndpoint.ToString()!, Ops = ["Login"] }, clients);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30), TimeProvider.System);

        var asked = AskAsync();
        using (var kept = await listener.AcceptSocketAsync(limit.Token))
        {
            await AnswerAsync(kept);
            await asked;
            asked = AskAsync();
            await ReadRequestAsync(kept); // and goes without an answer
        }
        using (var another = await listener.AcceptSocketAsync(limit.Token))
        {
            await AnswerAsync(another);
            await asked;
        }

        asked = AskAsync();
        for (int i = 0; i < 2; i++)
        {
            using var broken = await listener.AcceptSocketAsync(limit.Token);
            await ReadRequestAsync(broken);
        }
        await Assert.ThrowsAsync<HttpRequestException>(() => asked); // not for ever

        Task AskAsync() => plugin.OnEventAsync(new LoginEvent(Client, null), limit.Token).AsTask();

        async Task AnswerAsync(Socket connection)
        {
            await ReadRequestAsync(connection);
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 34\r\n\r\n{\"reject\":false, \"unchange\": true}"u8.ToArray(), limit.Token);
        }

        async Task ReadRequestAsync(Socket connection)
        {
            var buffer = new byte[4096];
            string request = "";
            while (!(request.Contains("\r\n\r\n", StringComparison.Ordinal) && request.EndsWith('}')))
            {
                int count = await connection.ReceiveAsync(buffer, limit.Token);
                Assert.NotEqual(0, count);
                request += Encoding.UTF8.GetString(buffer, 0, count);
            }
        }
    }

    private static bool SameText(NewProxy one, NewProxy other) => MessageTypes.OfType<NewProxy>().ToJson(one).ToJsonString() == MessageTypes.OfType<NewProxy>().ToJson(other).ToJsonString();

    private static ServerHooks Hooks(TimeProvider time, params IServerHook[] hooks) => new(hooks, NullLogger.Instance, time);

    private sealed record Hook(ServerOperations Operations, Func<ServerEvent, CancellationToken, ValueTask> Do) : IServerHook
    {
        public string Name => "test";

        public ValueTask OnEventAsync(ServerEvent serverEvent, CancellationToken cancellationToken) => Do(serverEvent, cancellationToken);
    }
}
