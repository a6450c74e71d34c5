using System.Collections.Concurrent;
using System.Net.Sockets;
using Frp.Config;
using Frp.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Client.Tests;

/// <summary>How long tokens are kept, and what endpoints may answer.</summary>
public sealed class IssuedTokensTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly ConcurrentQueue<string> _answers = new();
    private readonly HttpService _endpoint;
    private readonly IssuedTokens _tokens;

    public IssuedTokensTests()
    {
        _endpoint = HttpService.Start(AnswerAsync);
        var config = new ClientOidcConfig { ClientId = "id", ClientSecret = "secret", TokenEndpointUrl = $"http://127.0.0.1:{_endpoint.Port}/token" };
        _tokens = new IssuedTokens(TokenEndpoint.Create(config, _time), _time);
    }

    public ValueTask DisposeAsync()
    {
        _tokens.Dispose();
        return _endpoint.DisposeAsync();
    }

    [Fact]
    public async Task A_token_is_kept_until_ten_seconds_before_its_end()
    {
        Answer("""{"access_token":"one","expires_in":60}""", """{"access_token":"two","expires_in":"60"}""", """{"access_token":"three","expires_in":10}""", """{"access_token":"four"}""");
        Assert.Equal("one", await GetAsync());
        _time.Advance(TimeSpan.FromSeconds(49.9));
        Assert.Equal("one", await GetAsync());
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal("two", await GetAsync());
        _time.Advance(TimeSpan.FromSeconds(49.9));
        Assert.Equal("two", await GetAsync());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("three", await GetAsync());
        Assert.Equal("four", await GetAsync()); // three would not have lasted
        Assert.Equal(4, _endpoint.Heads.Count);
    }

    [Fact]
    public async Task A_token_is_asked_for_anew_when_it_was_refused_or_has_no_end()
    {
        Answer("""{"access_token":"one","expires_in":3600}""", """{"access_token":"two"}""", "access_token=three&expires_in=3600");
        Assert.Equal("one", await GetAsync());
        _tokens.Forget();
        Assert.Equal("two", await GetAsync());
        Assert.Equal("three", await GetAsync()); // a form, as some endpoints send it
        Assert.Equal("three", await GetAsync());
    }

    [Fact]
    public async Task The_wall_clock_counts_too()
    {
        var clocks = new SetBackTime();
        var config = new ClientOidcConfig { ClientId = "id", TokenEndpointUrl = $"http://127.0.0.1:{_endpoint.Port}/token" };
        using var tokens = new IssuedTokens(TokenEndpoint.Create(config, clocks), clocks);
        Answer("""{"access_token":"one","expires_in":3600}""", """{"access_token":"two","expires_in":3600}""");
        Assert.Equal("one", await tokens.GetAsync(TestContext.Current.CancellationToken));
        clocks.Now = clocks.Now.AddHours(2); // the computer slept, and its steady clock with it
        Assert.Equal("two", await tokens.GetAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("{", "the answer of the token endpoint holds no access_token")]
    [InlineData("", "the answer of the token endpoint holds no access_token")]
    [InlineData("""{"access_token":7}""", "")]
    [InlineData("""{"access_token":["a"]}""", "the answer of the token endpoint holds no access_token")]
    [InlineData("""{"error":"invalid_scope","error_description":"we know secret\u0007"}""", "the answer of the token endpoint holds no access_token: invalid_scope, we know ***")]
    public async Task What_is_no_token_is_told(string body, string reason)
    {
        Answer(body, body);
        if (reason.Length == 0)
        {
            Assert.Equal("7", await GetAsync());
            return;
        }
        var fault = await Assert.ThrowsAnyAsync<IOException>(GetAsync);
        Assert.StartsWith(reason, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(fault.Message, char.IsControl);
        Assert.DoesNotContain("secret", fault.Message, StringComparison.Ordinal);
        Assert.Equal(2, _endpoint.Heads.Count); // by Basic, and in the form
        Answer("""{"access_token":"later"}""");
        Assert.Equal("later", await GetAsync());
    }

    [Fact]
    public async Task An_answer_without_end_is_refused()
    {
        Answer(new string(' ', 300 * 1024) + "{}");
        await Assert.ThrowsAnyAsync<IOException>(GetAsync);
    }

    [Fact]
    public async Task An_endpoint_that_does_not_answer_is_not_waited_for()
    {
        var asking = GetAsync();
        await Patience.UntilAsync(() => _endpoint.Heads.Count == 1, () => "the endpoint was not asked");
        _time.Advance(TimeSpan.FromSeconds(10));
        var fault = await Assert.ThrowsAnyAsync<IOException>(() => asking.Soon());
        Assert.Equal("no answer of the token endpoint within 10 s", fault.Message);
    }

    [Fact]
    public async Task Those_who_wait_together_share_an_answer_to_a_later_question()
    {
        var first = GetAsync();
        await Patience.UntilAsync(() => _endpoint.Heads.Count == 1, () => "the endpoint was not asked");
        var waiting = Enumerable.Range(0, 5).Select(_ => GetAsync()).ToArray();
        Answer("""{"access_token":"one"}""");
        Assert.Equal("one", await first.Soon());
        Answer("""{"access_token":"two"}""");
        Assert.All(await Task.WhenAll(waiting).Soon(), token => Assert.Equal("two", token));
        Assert.Equal(2, _endpoint.Heads.Count);
    }

    private Task<string> GetAsync() => _tokens.GetAsync(TestContext.Current.CancellationToken).AsTask();

    private void Answer(params string[] bodies)
    {
        foreach (string body in bodies) _answers.Enqueue(body);
    }

    // The form comes with the head or behind it; nothing in it ends a line.
    private async Task<bool> AnswerAsync(string head, Socket socket)
    {
        int length = int.Parse(head.Split("Content-Length: ")[1].Split("\r\n")[0], System.Globalization.CultureInfo.InvariantCulture);
        var form = new byte[length];
        for (int filled = 0; filled < length;) filled += await socket.ReceiveAsync(form.AsMemory(filled)) is var count and > 0 ? count : throw new EndOfStreamException();
        string? body;
        while (!_answers.TryDequeue(out body))
        {
            if (socket.Poll(TimeSpan.FromMilliseconds(10), SelectMode.SelectRead)) return false; // who asked has gone
        }
        return await HttpService.SendAsync(socket, $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}");
    }

    private sealed class SetBackTime : TimeProvider
    {
        internal DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch.AddYears(56);

        public override DateTimeOffset GetUtcNow() => Now;

        public override long GetTimestamp() => 0;
    }
}
