using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Proxies whose bytes are rationed, on either side.</summary>
public sealed class BandwidthTests : TunnelTest
{
    [Theory]
    [InlineData("client", true, "")]
    [InlineData("client", false, $"{Proxy.Encrypted}\n{Proxy.Compressed}")]
    [InlineData("server", true, "")]
    [InlineData("server", true, $"{Proxy.Encrypted}\n{Proxy.Compressed}")]
    public async Task A_limit_holds_for_both_directions_and_all_users_together(string mode, bool mux, string layers)
    {
        const int Limit = 256 << 10, Length = 96 << 10, Users = 4;
        await using var echo = TcpService.Echo();
        int port = Ports.Next();
        string carrier = mux ? "" : NoMux;
        await ServerAsync(port, carrier);
        var free = new Proxy("free", echo.Port, Ports.Next(), layers);
        var limited = new Proxy("limited", echo.Port, Ports.Next(), $"transport.bandwidthLimit = \"256KB\"\ntransport.bandwidthLimitMode = \"{mode}\"\n{layers}");
        await ClientAsync(port, [carrier], free, limited);
        long begin = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Users).Select(_ => User.EchoOnceAsync(limited.RemotePort, Length)));
        // A bound from below, which no slow machine breaks: random bytes cannot be compressed, and one second's worth is free.
        // Timers go by a coarser clock than this one, and end a tick of it early.
        var shortest = TimeSpan.FromSeconds((2.0 * Users * Length - Limit) / Limit) - TimeSpan.FromMilliseconds(50);
        Assert.InRange(TimeProvider.System.GetElapsedTime(begin), shortest, Patience.Limit);
        await User.EchoOnceAsync(free.RemotePort, 8 << 20);
    }
}
