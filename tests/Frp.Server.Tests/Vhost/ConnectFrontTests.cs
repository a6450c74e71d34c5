using System.Text;
using System.Text.Json;
using Frp.Proxies;
using Frp.TestKit;
using Frp.Transport;
using Microsoft.Extensions.Logging.Abstractions;

namespace Frp.Server.Tests;

public sealed class ConnectFrontTests : FrontTest
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    private const string ProxyAuthenticationRequired = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"Restricted\"\r\nContent-Length: 0\r\n\r\n";

    public static TheoryData<bool, string, string, string?, string, string> Recorded()
    {
        var data = new TheoryData<bool, string, string, string?, string, string>();
        using var file = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Vectors", "tcpmux.json")));
        foreach (var c in file.RootElement.GetProperty("cases").EnumerateArray())
        {
            data.Add(c.GetProperty("passthrough").GetBoolean(), c.GetProperty("case").GetString()!, c.GetProperty("request").GetString()!,
                c.GetProperty("then_sent").GetString(), c.GetProperty("received").GetString()!, c.GetProperty("backend_saw").GetString()!);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Recorded))]
    public async Task A_recorded_exchange_is_the_same_here(bool passThrough, string name, string request, string? thenSent, string received, string backendSaw)
    {
        var front = Front(passThrough);
        await OpenAsync(front);
        var echoes = new[]
        {
            Listen(front, "plain.test"),
            Listen(front, "auth.test", user: "u", password: "p"),
            Listen(front, "route.test", routeByUser: "ru"),
        }.Select(listener => EchoAsync(listener, backendSaw.Length)).ToArray();
        using var user = await SendAsync(request);
        bool served = backendSaw.Length > 0;
        if (served && !passThrough) Assert.Equal(Ok, Encoding.Latin1.GetString(await user.ReceiveAsync(Ok.Length)));
        if (served) await user.SendAsync(thenSent!);
        string all = (served && !passThrough ? Ok : "") + Encoding.Latin1.GetString(await user.ReceiveToEndAsync());
        if (received.StartsWith("HTTP/1.1 404", StringComparison.Ordinal))
        {
            int head = all.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
            Assert.Equal(received.Replace("489", $"{Encoding.Latin1.GetByteCount(all[head..])}", StringComparison.Ordinal), all[..head]);
            Assert.Contains("<title>Not Found</title>", all, StringComparison.Ordinal);
        }
        else Assert.Equal(received, all);
        if (served) Assert.Equal(backendSaw, await (await Task.WhenAny(echoes).Soon()));
        else Assert.False(echoes.Any(static e => e.IsCompleted), name);
    }

    [Theory]
    [InlineData("u", "p", true)]
    [InlineData("u", "", false)]
    [InlineData("u", "pp", false)]
    [InlineData("U", "p", false)]
    [InlineData("", "p", false)]
    public async Task Admission_takes_the_very_user_and_password(string user, string password, bool admitted)
    {
        var front = Front();
        await OpenAsync(front);
        var proxy = Listen(front, "auth.test", user: "u", password: "p");
        using var client = await SendAsync(Connect("auth.test:80", user, password));
        Assert.Equal(Ok, Encoding.Latin1.GetString(await client.ReceiveAsync(Ok.Length)));
        if (!admitted) Assert.Equal(ProxyAuthenticationRequired, Encoding.Latin1.GetString(await client.ReceiveToEndAsync()));
        else await using (var connection = await proxy.AcceptAsync(CancellationToken.None).Soon()) Assert.NotNull(connection);
    }

    [Theory]
    [InlineData("Basic dTpw", true)]
    [InlineData("basic dTpw", true)]
    [InlineData("Basic  dTpw", false)]
    [InlineData("Basic dTpw=", false)]
    [InlineData("Basic dQ==", false)] // no colon
    [InlineData("Bearer dTpw", false)]
    [InlineData("Basic", false)]
    [InlineData("Basic dTr/", false)] // not UTF-8
    public void Credentials_are_read_strictly(string field, bool valid)
    {
        var credentials = BasicCredentials.Parse(field);
        Assert.Equal(valid, credentials.Matches("u", "p"));
        if (!valid) Assert.Same(BasicCredentials.None, credentials);
    }

    [Fact]
    public void Passwords_may_have_colons_and_any_letters()
    {
        var credentials = BasicCredentials.Parse("Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("joe:pä:ss")));
        Assert.Equal(new BasicCredentials("joe", "pä:ss"), credentials);
        Assert.True(credentials.Matches("joe", "pä:ss"));
        Assert.False(credentials.Matches("joe", "pä"));
    }

    [Fact]
    public async Task Routing_and_admission_see_the_same_user()
    {
        var front = Front();
        await OpenAsync(front);
        Listen(front, "h.test", routeByUser: "guest");
        Listen(front, "h.test", user: "root", password: "secret");
        // Two fields: the first counts, for both.
        string two = $"CONNECT h.test HTTP/1.1\r\nProxy-Authorization: {Basic("guest", "")}\r\nProxy-Authorization: {Basic("root", "secret")}\r\n\r\n";
        using var guest = await SendAsync(two);
        Assert.Equal(Ok, Encoding.Latin1.GetString(await guest.ReceiveAsync(Ok.Length)));
        string swapped = $"CONNECT h.test HTTP/1.1\r\nProxy-Authorization: {Basic("other", "")}\r\nProxy-Authorization: {Basic("root", "secret")}\r\n\r\n";
        using var other = await SendAsync(swapped);
        Assert.Equal(Ok + ProxyAuthenticationRequired, Encoding.Latin1.GetString(await other.ReceiveToEndAsync()));
    }

    [Theory]
    [InlineData("CONNECT H.test. HTTP/1.1", "", true)]
    [InlineData("CONNECT me@h.test:80 HTTP/1.1", "", true)]
    [InlineData("CONNECT h.test:80/path HTTP/1.1", "", true)]
    [InlineData("CONNECT /rpc HTTP/1.1", "Host: h.test:1\r\n", true)]
    [InlineData("CONNECT h.test:80 HTTP/1.2", "", true)]
    [InlineData("CONNECT h.test:http HTTP/1.1", "", false)]
    [InlineData("CONNECT h.test:80 HTTP/2.0", "", false)]
    [InlineData("CONNECT h.test:80", "", false)]
    [InlineData("CONNECT  h.test:80 HTTP/1.1", "", false)]
    [InlineData("connect h.test:80 HTTP/1.1", "", false)]
    [InlineData("CONNECT h.test:80 HTTP/1.1", "Host: a\r\nHost: b\r\n", false)]
    [InlineData("CONNECT h.test:80 HTTP/1.1", "no field\r\n", false)]
    [InlineData("CONNECT h.test:80 HTTP/1.1", "Bad : x\r\n", false)]
    [InlineData("CONNECT h.test:80 HTTP/1.1", "X: \u0001\r\n", false)]
    [InlineData("CONNECT h.test:80 HTTP/1.1", "X: a\r\n folded\r\n", false)]
    public async Task A_request_is_one_or_is_closed_without_a_word(string line, string fields, bool valid)
    {
        var front = Front();
        await OpenAsync(front);
        Listen(front, "h.test");
        using var user = await SendAsync($"{line}\r\n{fields}\r\n");
        if (valid) Assert.Equal(Ok, Encoding.Latin1.GetString(await user.ReceiveAsync(Ok.Length)));
        else Assert.Empty(await user.ReceiveToEndAsync());
    }

    [Fact]
    public async Task A_head_in_pieces_is_put_together_and_one_without_end_is_closed()
    {
        var front = Front();
        await OpenAsync(front);
        Listen(front, "h.test");
        string request = $"CONNECT h.test:80 HTTP/1.1\r\nX: {new string('x', 3000)}\r\n\r\n";
        using var slow = await User.ConnectAsync(Port);
        foreach (char c in request) await slow.SendAsync(c.ToString());
        Assert.Equal(Ok, Encoding.Latin1.GetString(await slow.ReceiveAsync(Ok.Length)));
        using var endless = await SendAsync($"CONNECT h.test:80 HTTP/1.1\r\nX: {new string('x', 70_000)}");
        await endless.WaitForEndAsync();
    }

    [Fact]
    public async Task Silence_and_half_a_head_end_in_time_and_harm_nobody()
    {
        var front = Front();
        await OpenAsync(front);
        Listen(front, "h.test");
        using var silent = await SendAsync("");
        using var half = await SendAsync("CONNECT h.test:80 HTTP/1.1\r\n");
        using var user = await SendAsync(Connect("h.test", "", ""));
        Assert.Equal(Ok, Encoding.Latin1.GetString(await user.ReceiveAsync(Ok.Length)));
        await UntilClosedAsync(silent, TimeSpan.FromSeconds(30));
        await half.WaitForEndAsync();
    }

    [Fact]
    public async Task The_page_is_the_configured_one_as_it_is_at_the_moment()
    {
        string file = Path.GetTempFileName();
        try
        {
            Config.Custom404Page = file;
            var front = Front();
            await OpenAsync(front);
            foreach (string page in new[] { "first", "second" })
            {
                await File.WriteAllTextAsync(file, page);
                Assert.EndsWith($"\r\n\r\n{page}", await AskAsync(), StringComparison.Ordinal);
            }
            File.Delete(file);
            Assert.Contains("<title>Not Found</title>", await AskAsync(), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }

        async Task<string> AskAsync()
        {
            using var user = await SendAsync(Connect("nobody.test", "", ""));
            return Encoding.UTF8.GetString(await user.ReceiveToEndAsync());
        }
    }

    [Fact]
    public async Task A_name_has_one_owner_for_each_user()
    {
        var front = Front();
        Listen(front, "h.test");
        var joe = Listen(front, "h.test", routeByUser: "joe");
        Listen(front, "h.test", routeByUser: "Joe");
        Assert.Equal("router config conflict", Assert.Throws<PeerRefusedException>(() => Listen(front, "H.test", routeByUser: "joe")).Message);
        Assert.Throws<PeerRefusedException>(() => Listen(front, "h.TEST"));
        await joe.DisposeAsync();
        Listen(front, "H.test", routeByUser: "joe");
    }

    private ConnectFront Front(bool passThrough = false) => new(Port, passThrough, new NotFoundPage(() => Config, NullLogger.Instance), Ingress, Time, NullLogger.Instance);

    private IUserListener Listen(ConnectFront front, string domain, string routeByUser = "", string user = "", string password = "") =>
        Keep(front.Listen(new ConnectRoute(domain, routeByUser, user, password), "proxy"));

    private static string Connect(string target, string user, string password) => $"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: {Basic(user, password)}\r\n\r\n";

    private static string Basic(string user, string password) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));

    /// <summary>A service that sends back so many bytes and closes.</summary>
    private static async Task<string> EchoAsync(IUserListener listener, int count)
    {
        if (await listener.AcceptAsync(CancellationToken.None) is not { } connection) return "";
        await using (connection)
        {
            var bytes = new byte[count];
            await connection.Stream.ReadExactlyAsync(bytes).Soon();
            await connection.Stream.WriteAsync(bytes).Soon();
            return Encoding.Latin1.GetString(bytes);
        }
    }
}
