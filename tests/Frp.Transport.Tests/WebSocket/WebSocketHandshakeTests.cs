using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Time.Testing;
using ProtocolViolationException = Frp.Wire.ProtocolViolationException;

namespace Frp.Transport.Tests;

public class WebSocketHandshakeTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 22, 17, 54, 12, TimeSpan.Zero));

    [Fact]
    public async Task Recorded_requests_get_the_recorded_answers()
    {
        Assert.NotEmpty(WebSocketVectors.Upgrades);
        foreach (var (name, request, response, after) in WebSocketVectors.Upgrades)
        {
            var (peer, ours) = MemoryDuplex.Pair();
            var upgrade = WebSocketListenerHandshake.RunAsync(ours, _time, Patience.Token).AsTask();
            await peer.WriteAndFlushAsync(Encoding.Latin1.GetBytes(request));
            Assert.Equal(response, Encoding.Latin1.GetString(await peer.Stream.ReadAsync(response.Length)));
            switch (after)
            {
                case "":
                    await upgrade.Soon();
                    break;
                case "closed":
                    Assert.Equal(0, await peer.Stream.ReadAsync(new byte[1], Patience.Token));
                    await peer.DisposeAsync();
                    await Assert.ThrowsAsync<ProtocolViolationException>(() => upgrade.Soon());
                    break;
                case "kept open":
                    Assert.False(upgrade.IsCompleted);
                    await peer.WriteAndFlushAsync(Encoding.Latin1.GetBytes(WebSocketVectors.Upgrades.First().Request));
                    var first = WebSocketVectors.Upgrades.First().Response;
                    Assert.Equal(first, Encoding.Latin1.GetString(await peer.Stream.ReadAsync(first.Length)));
                    await upgrade.Soon();
                    break;
                default:
                    Assert.Fail($"{name}: {after}");
                    break;
            }
        }
    }

    [Fact]
    public void Our_request_and_answer_are_the_recorded_ones()
    {
        Assert.NotEmpty(WebSocketVectors.Heads);
        foreach (var (request, response) in WebSocketVectors.Heads)
        {
            var host = Regex.Match(request, "Host: (.*)\r\n", RegexOptions.None, TimeSpan.FromSeconds(1)).Groups[1].Value;
            var key = Regex.Match(request, "Key: (.*)\r\n", RegexOptions.None, TimeSpan.FromSeconds(1)).Groups[1].Value;
            Assert.Equal(request, Encoding.Latin1.GetString(WebSocketHandshake.CreateRequest(host, key)));
            Assert.Equal((response, UpgradeOutcome.Upgraded, "http://" + host), WebSocketHandshake.Answer(Encoding.Latin1.GetBytes(request), _time.GetUtcNow()));
            WebSocketHandshake.CheckResponse(Encoding.Latin1.GetBytes(response), key);
        }
    }

    [Theory]
    [InlineData("HTTP/1.1 101", "HTTP/1.1 200", "refused: 200 Switching Protocols")]
    [InlineData("HTTP/1.1 101", "SSH-2.0", "malformed HTTP response")]
    [InlineData("Connection: Upgrade", "Connection: Upgrade, keep-alive", "did not upgrade")]
    [InlineData("Upgrade: websocket", "Upgrade: h2c", "did not upgrade")]
    [InlineData("Sec-WebSocket-Accept: s3p", "Sec-WebSocket-Accept: S3p", "another request")]
    [InlineData("\r\n\r\n", "\r\nSec-WebSocket-Extensions: x\r\n\r\n", "extensions")]
    [InlineData("\r\n\r\n", "\r\nSec-WebSocket-Protocol: x\r\n\r\n", "protocol")]
    public void A_client_checks_the_answer(string find, string replace, string error)
    {
        var good = WebSocketVectors.Upgrades.First().Response;
        WebSocketHandshake.CheckResponse(Encoding.Latin1.GetBytes(good.Replace("websocket", "WebSocket", StringComparison.Ordinal)), "dGhlIHNhbXBsZSBub25jZQ==");
        var e = Assert.Throws<ProtocolViolationException>(
            () => WebSocketHandshake.CheckResponse(Encoding.Latin1.GetBytes(good.Replace(find, replace, StringComparison.Ordinal)), "dGhlIHNhbXBsZSBub25jZQ=="));
        Assert.Contains(error, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET /~!frp HTTP/1.1\r\nbad line\r\n\r\n", "400 Bad Request")]
    [InlineData("GET /~!frp HTTP/1.1\r\nHost : a\r\n\r\n", "400 Bad Request")]
    [InlineData("GET /~!frp HTTP/1.1\r\nHost: a\0b\r\n\r\n", "400 Bad Request")]
    [InlineData("GET /~!frp HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400 Bad Request: too many Host headers")]
    [InlineData("GET /~!frp\r\nHost: a\r\n\r\n", "400 Bad Request")]
    [InlineData("GET /~!frp HTTP/2.0\r\nHost: a\r\n\r\n", "505 HTTP Version Not Supported")]
    [InlineData("POST /~!frp HTTP/1.1\r\nHost: a\r\n\r\n", "405 Method Not Allowed")]
    public void Bad_requests_are_named(string request, string status)
    {
        var (response, outcome, _) = WebSocketHandshake.Answer(Encoding.Latin1.GetBytes(request), _time.GetUtcNow());
        Assert.StartsWith("HTTP/1.1 " + status, response, StringComparison.Ordinal);
        Assert.Equal(UpgradeOutcome.Closed, outcome);
    }

    [Theory]
    [InlineData("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n", UpgradeOutcome.KeptOpen, false)]
    [InlineData("GET /x HTTP/1.0\r\n\r\n", UpgradeOutcome.Closed, true)]
    [InlineData("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", UpgradeOutcome.Closed, true)]
    [InlineData("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", UpgradeOutcome.Closed, true)]
    public void Other_paths_are_not_found(string request, object outcome, bool body)
    {
        var (response, actual, _) = WebSocketHandshake.Answer(Encoding.Latin1.GetBytes(request), _time.GetUtcNow());
        Assert.StartsWith("HTTP/1.1 404 Not Found\r\n", response, StringComparison.Ordinal);
        Assert.Equal(outcome, actual);
        Assert.Equal(body, response.EndsWith("404 page not found\n", StringComparison.Ordinal));
        Assert.Equal(actual == UpgradeOutcome.Closed, response.Contains("Connection: close", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Byte_by_byte_is_as_good_and_what_follows_the_head_is_kept()
    {
        var (peer, ours) = MemoryDuplex.Pair(largestRead: 1);
        var upgrade = WebSocketListenerHandshake.RunAsync(ours, _time, Patience.Token).AsTask();
        var request = Encoding.Latin1.GetBytes(WebSocketVectors.Upgrades.First().Request);
        foreach (var b in request) await peer.WriteAndFlushAsync(new[] { b });
        var connection = await upgrade.Soon();
        Assert.Equal("http://127.0.0.1:54083", connection.Origin);

        var (peer2, ours2) = MemoryDuplex.Pair();
        await peer2.WriteAndFlushAsync((byte[])[.. request, .. Convert.FromHexString("828100000000"), (byte)'x']);
        var connection2 = await WebSocketListenerHandshake.RunAsync(ours2, _time, Patience.Token).Soon();
        Assert.Equal("x"u8.ToArray(), await connection2.Stream.ReadAsync(1));
    }

    [Fact]
    public async Task Half_a_request_is_closed_after_its_time()
    {
        var (peer, ours) = MemoryDuplex.Pair();
        var upgrade = WebSocketListenerHandshake.RunAsync(ours, _time, Patience.Token).AsTask();
        await peer.WriteAndFlushAsync("GET /~!frp HTTP/1.1\r\nHost:"u8.ToArray());
        _time.Advance(WebSocketListenerHandshake.HeadTimeout);
        await Assert.ThrowsAsync<TimeoutException>(() => upgrade.Soon());
        Assert.Equal(0, await peer.Stream.ReadAsync(new byte[1], Patience.Token));
    }

    [Fact]
    public async Task A_head_without_end_is_refused()
    {
        var (peer, ours) = await Peers.PairAsync();
        var upgrade = WebSocketListenerHandshake.RunAsync(ours, TimeProvider.System, Patience.Token).AsTask();
        await peer.SendAsync("GET /~!frp HTTP/1.1\r\nX: " + new string('x', 30_000));
        var answer = Encoding.Latin1.GetString(await peer.ReceiveAllAsync());
        Assert.StartsWith("HTTP/1.1 431 Request Header Fields Too Large\r\n", answer, StringComparison.Ordinal);
        peer.Dispose();
        await Assert.ThrowsAsync<ProtocolViolationException>(() => upgrade.Soon());
    }

    [Fact]
    public async Task Requests_for_other_paths_are_not_answered_for_ever()
    {
        var (peer, ours) = MemoryDuplex.Pair();
        var upgrade = WebSocketListenerHandshake.RunAsync(ours, _time, Patience.Token).AsTask();
        for (var i = 0; i < 100; i++) await peer.Stream.WriteAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());
        await Assert.ThrowsAsync<ProtocolViolationException>(() => upgrade.Soon());
    }
}
