using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>How a connection ends, seen through a tunnel between our own programs: in one direction, in both, or by reset.</summary>
public sealed class HalfCloseTests : TunnelTest
{
    public static IEnumerable<TheoryDataRow<bool, bool, string>> Modes() =>
        from mux in new[] { true, false }
        from tls in new[] { true, false }
        from layers in new[] { "", Proxy.Encrypted, $"{Proxy.Encrypted}\n{Proxy.Compressed}" }
        select new TheoryDataRow<bool, bool, string>(mux, tls, layers);

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task The_end_of_one_direction_leaves_the_other_open(bool mux, bool tls, string layers)
    {
        await using var digest = TcpService.Digest();
        await using var farewell = TcpService.Start(EndsFirstAsync);
        var asks = new Proxy("asks", digest.Port, Ports.Next(), layers);
        var leaves = new Proxy("leaves", farewell.Port, Ports.Next(), layers);
        await TunnelAsync(mux, tls, asks, leaves);

        // The user ends its direction, and then gets the answer.
        var question = RandomNumberGenerator.GetBytes(200_000);
        using (var user = await User.ConnectAsync(asks.RemotePort))
        {
            await user.SendAsync(question);
            user.CompleteWrites();
            Assert.Equal(SHA256.HashData(question), await user.ReceiveToEndAsync());
        }

        // The service ends its direction, and then still reads what the user says.
        using (var user = await User.ConnectAsync(leaves.RemotePort))
        {
            Assert.Equal("farewell", Encoding.ASCII.GetString(await user.ReceiveToEndAsync()));
            await user.SendAsync("and thanks");
            user.CompleteWrites();
            Assert.Equal("and thanks", await _heard.Task.Soon());
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_reset_by_the_user_reaches_the_service_as_a_reset(bool mux, bool tls, string layers)
    {
        var seen = new TaskCompletionSource<SocketError>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var service = TcpService.Start(async socket =>
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
        var proxy = new Proxy("reset", service.Port, Ports.Next(), layers);
        await TunnelAsync(mux, tls, proxy);
        using var user = await User.ConnectAsync(proxy.RemotePort);
        await user.ReceiveAsync(4);
        user.Reset();
        Assert.Equal(SocketError.ConnectionReset, await seen.Task.Soon());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reset_by_the_service_reaches_the_user_as_a_reset(bool mux)
    {
        await using var service = TcpService.Start(async socket =>
        {
            await socket.ReceiveExactlyAsync(4);
            socket.LingerState = new LingerOption(enable: true, 0);
        });
        var proxy = new Proxy("reset", service.Port, Ports.Next());
        await TunnelAsync(mux, tls: true, proxy);
        using var user = await User.ConnectAsync(proxy.RemotePort);
        await user.SendAsync("here");
        var error = await Assert.ThrowsAsync<SocketException>(user.ReceiveToEndAsync);
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    private readonly TaskCompletionSource<string> _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task EndsFirstAsync(Socket socket)
    {
        await socket.SendAllAsync("farewell"u8.ToArray());
        socket.Shutdown(SocketShutdown.Send);
        try
        {
            _heard.TrySetResult(Encoding.ASCII.GetString(await socket.ReceiveToEndAsync()));
        }
        catch (SocketException e)
        {
            _heard.TrySetException(e);
        }
    }

    private async Task TunnelAsync(bool mux, bool tls, params Proxy[] proxies)
    {
        int port = Ports.Next();
        string carrier = mux ? "" : NoMux;
        await ServerAsync(port, carrier);
        await ClientAsync(port, [carrier, tls ? "" : Clear], proxies);
    }
}
