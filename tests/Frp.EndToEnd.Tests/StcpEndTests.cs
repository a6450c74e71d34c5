using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>How connections through visitors end: in one direction, in both, or by reset.</summary>
public sealed class StcpEndTests : SecretTunnelTest
{
    private const string Layered = $"{Proxy.Encrypted}\n{Proxy.Compressed}";

    [Theory]
    [InlineData(true, true, "")]
    [InlineData(true, false, Layered)]
    [InlineData(false, true, Layered)]
    [InlineData(false, false, "")]
    [InlineData(false, false, Proxy.Encrypted)]
    public async Task The_end_of_one_direction_leaves_the_other_open(bool mux, bool tls, string layers)
    {
        var heard = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var digest = TcpService.Digest();
        await using var farewell = TcpService.Start(async socket =>
        {
            await socket.SendAllAsync("farewell"u8.ToArray());
            socket.Shutdown(SocketShutdown.Send);
            heard.TrySetResult(await socket.ReceiveToEndAsync());
        });
        var (asks, leaves) = (new Visitor("asks", "digest", Ports.Next(), layers), new Visitor("leaves", "farewell", Ports.Next(), layers));
        await TunnelAsync(mux, tls, [new SecretProxy("digest", digest.Port, layers), new SecretProxy("farewell", farewell.Port, layers)], asks, leaves);

        // The user ends its direction, and then gets the answer.
        var question = RandomNumberGenerator.GetBytes(200_000);
        using (var user = await User.ConnectAsync(asks.Port))
        {
            await user.SendAsync(question);
            user.CompleteWrites();
            Assert.Equal(SHA256.HashData(question), await user.ReceiveToEndAsync());
        }

        // The service ends its direction, and then still reads what the user says.
        using (var user = await User.ConnectAsync(leaves.Port))
        {
            Assert.Equal("farewell", Encoding.ASCII.GetString(await user.ReceiveToEndAsync()));
            await user.SendAsync("and thanks");
            user.CompleteWrites();
            Assert.Equal("and thanks", Encoding.ASCII.GetString(await heard.Task.Soon()));
        }
    }

    [Theory]
    [InlineData(true, "")]
    [InlineData(true, Layered)]
    [InlineData(false, "")]
    public async Task A_reset_passes_in_both_directions(bool mux, string layers)
    {
        var seen = new TaskCompletionSource<SocketError>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var patient = TcpService.Start(async socket =>
        {
            await socket.SendAllAsync("here"u8.ToArray());
            try
            {
                await socket.ReceiveToEndAsync();
                seen.TrySetResult(SocketError.Success);
            }
            catch (SocketException e)
            {
                seen.TrySetResult(e.SocketErrorCode);
            }
        });
        await using var brusque = TcpService.Start(async socket =>
        {
            await socket.ReceiveExactlyAsync(4);
            socket.LingerState = new LingerOption(enable: true, 0);
        });
        var (leaves, isLeft) = (new Visitor("leaves", "patient", Ports.Next(), layers), new Visitor("is-left", "brusque", Ports.Next(), layers));
        await TunnelAsync(mux, tls: mux, [new SecretProxy("patient", patient.Port, layers), new SecretProxy("brusque", brusque.Port, layers)], leaves, isLeft);
        using (var user = await User.ConnectAsync(leaves.Port))
        {
            await user.ReceiveAsync(4);
            user.Reset();
            Assert.Equal(SocketError.ConnectionReset, await seen.Task.Soon());
        }
        using (var user = await User.ConnectAsync(isLeft.Port))
        {
            await user.SendAsync("here");
            var error = await Assert.ThrowsAsync<SocketException>(user.ReceiveToEndAsync);
            Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
        }
    }

    [Fact]
    public async Task A_visitor_that_cannot_tell_a_FIN_from_a_close_ends_both_directions()
    {
        await using var digest = TcpService.Digest();
        int port = Ports.Next();
        await ServerAsync(port, NoMux);
        await OfferAsync(port, [NoMux, Clear], new SecretProxy("digest", digest.Port));
        using var visitor = await User.ConnectAsync(port);
        // It may even offer it: without a session that has agreed, the offer counts for nothing.
        await visitor.SendAsync(RawClient.Message('v', $$"""{"proxy_name":"digest","sign_key":"{{RawClient.ProofOf(SecretProxy.DefaultKey, 7)}}","timestamp":7,"half_close":true}"""));
        var (_, answer) = await RawClient.ReceiveAnswerAsync(visitor);
        Assert.Equal("""{"proxy_name":"digest"}""", answer.GetRawText());
        await visitor.SendAsync("question");
        visitor.CompleteWrites();
        Assert.Empty(await visitor.ReceiveToEndAsync());
        await Patience.UntilAsync(() => digest.OpenCount == 0, () => "the service's connection is still open");
    }

    private async Task TunnelAsync(bool mux, bool tls, SecretProxy[] proxies, params Visitor[] visitors)
    {
        int port = Ports.Next();
        string[] lines = [mux ? "" : NoMux, tls ? "" : Clear];
        await ServerAsync(port, lines[0]);
        await OfferAsync(port, lines, proxies);
        await VisitAsync(port, lines, visitors);
    }
}
