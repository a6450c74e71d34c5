using Frp.TestKit;
using Frp.Transport;
using Microsoft.Extensions.Logging.Abstractions;

namespace Frp.Proxies.Tests;

internal static class Connections
{
    /// <summary>Both ends of a TCP connection over loopback.</summary>
    internal static async Task<(Connection A, Connection B)> PairAsync()
    {
        await using var listener = await TcpBindListener.BindAsync("127.0.0.1", 0, new TcpListenOptions(), TimeProvider.System, NullLogger.Instance);
        var dialling = TcpDialer.DialAsync("127.0.0.1", listener.Port, new TcpDialOptions(), TimeProvider.System, CancellationToken.None).AsTask();
        var incoming = await listener.AcceptAsync(CancellationToken.None).Soon();
        return (await dialling.Soon(), (await incoming!.HandshakeAsync(CancellationToken.None).Soon())!);
    }
}
