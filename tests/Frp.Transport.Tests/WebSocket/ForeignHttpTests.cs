namespace Frp.Transport.Tests;

/// <summary>curl on the bind port.</summary>
public class ForeignHttpTests
{
    [Fact]
    public async Task Curl_is_upgraded()
    {
        Foreign.RequireTool("curl");
        await using var listener = await Peers.ListenAsync();
        var curl = Foreign.RunAsync(
            "curl", "", "-s", "-i", "-N", "--http1.1", "-H", "Upgrade: websocket", "-H", "Connection: Upgrade", "-H", "Origin: http://x", "-H", "Sec-WebSocket-Version: 13",
            "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", $"http://127.0.0.1:{listener.Port}/~!frp");
        var accepted = await listener.AcceptConnectionAsync();
        // curl sends no "GET /~!frp" in one go with its headers in another: the classifier and the parser see one head all the same
        var connection = await WebSocketListenerHandshake.RunAsync(accepted, TimeProvider.System, Patience.Token).Soon();
        await connection.WriteAndFlushAsync("hello"u8.ToArray());
        await connection.DisposeAsync();
        var (_, output) = await curl.Soon();
        Assert.StartsWith("HTTP/1.1 101 Switching Protocols\r\n", output, StringComparison.Ordinal);
        Assert.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", output, StringComparison.Ordinal);
        Assert.Contains("\x05hello", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Curl_gets_a_404_and_keeps_the_connection()
    {
        Foreign.RequireTool("curl");
        await using var listener = await Peers.ListenAsync();
        var url = $"http://127.0.0.1:{listener.Port}/~!frp/x";
        var curl = Foreign.RunAsync("curl", "", "-s", "-w", "%{http_code} %{num_connects}\n", url, url);
        var accepted = await listener.AcceptConnectionAsync();
        await Assert.ThrowsAnyAsync<IOException>(() => WebSocketListenerHandshake.RunAsync(accepted, TimeProvider.System, Patience.Token).Soon());
        Assert.Equal("404 page not found\n404 1\n404 page not found\n404 0\n", (await curl.Soon()).Output);
    }
}
