using System.Net.Sockets;
using System.Text;
using Frp.TestKit;
using Frp.Transport;
using Frp.Web;
using Yamux;

namespace Frp.Server.Tests;

public sealed class PooledStreamTests : IAsyncDisposable
{
    private const int ClientsBuffer = 4096; // what the HTTP client reads heads into
    private const string Head = "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n";

    private readonly TaskScope _closing = new("closing");

    public ValueTask DisposeAsync() => _closing.DisposeAsync();

    [Fact]
    public async Task The_read_of_a_head_ends_with_it_where_more_of_the_body_follows()
    {
        string answer = Head + new string('b', 60_000);
        await using var work = Serving(answer);
        Assert.Equal(Head, await ReadAsync(work, ClientsBuffer));
        Assert.Equal(0, await work.ReadAsync(Memory<byte>.Empty));
        string body = await ReadAsync(work, 100) + await ReadAsync(work, 64 * 1024);
        while (await ReadAsync(work, 64 * 1024) is { Length: > 0 } more) body += more;
        Assert.Equal(answer[Head.Length..], body);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nshort", "all of it is there")]
    [InlineData("no head of HTTP/1 \r\n\r\n", "another protocol")]
    [InlineData("HTTP/1.1 200 OK\r\nX: a", "a head that goes on")]
    public async Task Other_reads_are_left_as_they_are(string begin, string why)
    {
        string said = why == "all of it is there" ? begin : begin + new string('x', 2 * ClientsBuffer);
        await using var work = Serving(said);
        Assert.Equal(said[..Math.Min(said.Length, ClientsBuffer)], await ReadAsync(work, ClientsBuffer));
    }

    [Fact]
    public async Task Only_the_first_read_of_an_answer_is_looked_at()
    {
        await using var work = Serving("HTTP/1.1 200 OK\r\n\r\n" + new string('x', ClientsBuffer) + Head + new string('x', 2 * ClientsBuffer));
        await ReadAsync(work, ClientsBuffer);
        await ReadAsync(work, ClientsBuffer);
        Assert.Equal(ClientsBuffer, (await ReadAsync(work, ClientsBuffer)).Length);
    }

    [Fact]
    public async Task What_is_kept_is_joined_by_what_has_come_meanwhile()
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        using var near = new TcpClient();
        await near.ConnectAsync((System.Net.IPEndPoint)listener.LocalEndpoint).Soon();
        using var far = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken).Soon();
        await using var ours = new YamuxSession(near.GetStream(), YamuxRole.Server, new YamuxOptions());
        await using var theirs = new YamuxSession(far.GetStream(), YamuxRole.Client, new YamuxOptions());
        var running = Task.WhenAll(ours.RunAsync(CancellationToken.None), theirs.RunAsync(CancellationToken.None));
        await using var service = await theirs.OpenStreamAsync().Soon();
        byte[] answer = Encoding.ASCII.GetBytes(Head + new string('b', 60_000));
        await service.WriteAsync(answer).Soon();
        var stream = (await ours.AcceptStreamAsync().Soon())!;
        await Patience.UntilAsync(() => stream.QueuedReceiveBytes == answer.Length, () => "the answer has not arrived");
        await using (var work = new PooledStream(new MuxConnection(stream, null, null), _closing))
        {
            Assert.Equal(Head, await ReadAsync(work, ClientsBuffer));
            Assert.Equal(60_000, (await ReadAsync(work, 64 * 1024)).Length);
        }
        await ours.DisposeAsync();
        await theirs.DisposeAsync();
        await running.Soon();
    }

    private PooledStream Serving(string answer) => new(new FakeConnection { Content = new MemoryStream(Encoding.ASCII.GetBytes(answer)) }, _closing);

    private static async Task<string> ReadAsync(PooledStream work, int room)
    {
        var buffer = new byte[room];
        return Encoding.ASCII.GetString(buffer, 0, await work.ReadAsync(buffer).Soon());
    }
}
