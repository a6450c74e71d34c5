using System.Globalization;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Many users, and much to carry.</summary>
public sealed class LoadTests : TunnelTest
{
    private static readonly long Size = long.Parse(Environment.GetEnvironmentVariable("FRP_BIG_MB") ?? "64", CultureInfo.InvariantCulture) << 20;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Two_hundred_users_at_once_are_served(bool mux)
    {
        const int Count = 200;
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("many", echo.Port, Ports.Next());
        await TunnelAsync(mux, "", proxy);
        var users = await Task.WhenAll(Enumerable.Range(0, Count).Select(_ => User.ConnectAsync(proxy.RemotePort)));
        try
        {
            // All are open at the same time before any of them ends.
            await Task.WhenAll(users.Select(user => user.EchoAsync(5000)));
            await Task.WhenAll(users.Select(user => user.EchoAsync()));
            Assert.Equal(Count, echo.OpenCount);
        }
        finally
        {
            foreach (var user in users) user.Dispose();
        }
        await Patience.UntilAsync(() => echo.OpenCount == 0, () => $"{echo.OpenCount} connections to the service are still open");
    }

    [Theory]
    [InlineData(true, "")]
    [InlineData(false, "")]
    [InlineData(true, $"{Proxy.Encrypted}\n{Proxy.Compressed}")]
    public async Task Much_arrives_unharmed_both_ways(bool mux, string layers)
    {
        await using var service = TcpService.Transfers();
        var proxy = new Proxy("much", service.Port, Ports.Next(), layers);
        await TunnelAsync(mux, Clear, proxy);
        foreach (var (up, down) in new[] { (Size, 0L), (0L, Size), (Size / 4, Size / 4) })
        {
            using var user = await User.ConnectAsync(proxy.RemotePort);
            Assert.True(await user.TransferAsync(up, down).WaitAsync(Patience.Limit + TimeSpan.FromSeconds(Size >> 21), TestContext.Current.CancellationToken));
        }
    }

    private async Task TunnelAsync(bool mux, string lines, Proxy proxy)
    {
        int port = Ports.Next();
        string carrier = mux ? "" : NoMux;
        await ServerAsync(port, carrier);
        await ClientAsync(port, [carrier, lines], proxy);
    }
}
