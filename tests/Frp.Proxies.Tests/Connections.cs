using System.Collections.Concurrent;
using Frp.TestKit;
using Frp.Transport;
using Microsoft.Extensions.Logging.Abstractions;

namespace Frp.Proxies.Tests;

internal static class Connections
{
    // A socket that a test has done with would be reset by its finalizer, whenever the collector comes by.
    private static readonly ConcurrentBag<Connection> Held = [];

    /// <summary>Both ends of a TCP connection over loopback, open until the test closes them or the process ends.</summary>
    internal static async Task<(Connection A, Connection B)> PairAsync()
    {
        await using var listener = await TcpBindListener.BindAsync("127.0.0.1", 0, new TcpListenOptions(), TimeProvider.System, NullLogger.Instance);
        var dialling = TcpDialer.DialAsync("127.0.0.1", listener.Port, new TcpDialOptions(), TimeProvider.System, CancellationToken.None).AsTask();
        var incoming = await listener.AcceptAsync(CancellationToken.None).Soon();
        var (dialled, accepted) = (await dialling.Soon(), (await incoming!.HandshakeAsync(CancellationToken.None).Soon())!);
        Held.Add(dialled);
        Held.Add(accepted);
        return (dialled, accepted);
    }
}
