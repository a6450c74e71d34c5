using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>How the programs end when they are asked to.</summary>
public sealed class StopTests : TunnelTest
{
    private const int ExitCodeOfTerminate = 128 + 15;

    [Theory]
    [InlineData("frps", true)]
    [InlineData("frps", false)]
    [InlineData("frpc", true)]
    [InlineData("frpc", false)]
    public async Task An_open_connection_may_finish_while_no_new_one_comes_in(string program, bool mux)
    {
        var (server, client, user, port, remotePort) = await TunnelAsync(mux);
        var stopping = program == "frps" ? server : client;
        stopping.Terminate();
        if (program == "frps") await UntilClosedAsync(port);
        await UntilClosedAsync(remotePort);
        await user.EchoAsync(100_000);
        Assert.True(stopping.IsRunning, $"it did not wait for its user: {stopping.Output}");
        user.CompleteWrites();
        Assert.Empty(await user.ReceiveToEndAsync());
        Assert.Equal(0, await stopping.WaitForExitAsync());
        user.Dispose();
    }

    [Theory]
    [InlineData("frps")]
    [InlineData("frpc")]
    public async Task A_connection_that_stays_is_cut_after_its_time(string program)
    {
        var (server, client, user, _, _) = await TunnelAsync(mux: true);
        var stopping = program == "frps" ? server : client;
        stopping.Terminate();
        await user.WaitForEndAsync();
        Assert.Equal(0, await stopping.WaitForExitAsync());
        Assert.Equal(1, stopping.Output.Count("were cut: they did not finish in time"));
        user.Dispose();
    }

    [Theory]
    [InlineData("frps")]
    [InlineData("frpc")]
    public async Task A_second_signal_ends_it_at_once(string program)
    {
        var (server, client, user, _, _) = await TunnelAsync(mux: true);
        var stopping = program == "frps" ? server : client;
        stopping.Terminate();
        await stopping.WaitForTextAsync("a second signal ends them now");
        stopping.Terminate();
        Assert.Equal(ExitCodeOfTerminate, await stopping.WaitForExitAsync());
        Assert.Equal(0, stopping.Output.Count("were cut"));
        await user.WaitForEndAsync();
        user.Dispose();
    }

    [Theory]
    [InlineData("frps")]
    [InlineData("frpc")]
    public async Task Without_users_it_ends_right_away(string program)
    {
        var (server, client, user, _, _) = await TunnelAsync(mux: true);
        var stopping = program == "frps" ? server : client;
        user.CompleteWrites();
        await user.ReceiveToEndAsync();
        user.Dispose();
        stopping.Terminate();
        Assert.Equal(0, await stopping.WaitForExitAsync());
        Assert.Equal(0, stopping.Output.Count("were cut"));
    }

    [Fact]
    public async Task A_client_that_cannot_reach_its_server_ends_too()
    {
        var client = StartClient(Ports.Next(), []);
        await client.WaitForTextAsync("connect to server error: ");
        client.Terminate();
        Assert.Equal(0, await client.WaitForExitAsync());
    }

    private async Task<(RunningProgram Server, RunningProgram Client, User User, int Port, int RemotePort)> TunnelAsync(bool mux)
    {
        var echo = TcpService.Echo();
        int port = Ports.Next();
        var proxy = new Proxy("stop", echo.Port, Ports.Next());
        string carrier = mux ? "" : NoMux;
        var server = await ServerAsync(port, carrier);
        var client = await ClientAsync(port, [carrier], proxy);
        var user = await User.ConnectAsync(proxy.RemotePort);
        await user.EchoAsync();
        return (server, client, user, port, proxy.RemotePort);
    }
}
