using System.Net.Sockets;
using Frp.Config;
using Frp.Transport;

namespace Frp.Proxies;

/// <summary>The local TCP port of a visitor whose users are byte streams.</summary>
/// <remarks>With a negative port there is no listener: users come from other visitors only.</remarks>
internal static class StreamDoor
{
    private const int MaxPort = 65535;

    /// <summary>Opens the port, says so, and serves it until it is cancelled.</summary>
    /// <param name="config">Says which.</param>
    /// <param name="host">The client.</param>
    /// <param name="serve">Gets each user, and owns it from then on. Must not wait.</param>
    /// <param name="cancellationToken">Closes it.</param>
    /// <exception cref="IOException">It cannot be opened.</exception>
    internal static async Task RunAsync(VisitorConfig config, IVisitorHost host, Action<Connection> serve, CancellationToken cancellationToken)
    {
        if (config.BindPort < 0)
        {
            host.ReportOpen();
            await Task.Delay(Timeout.InfiniteTimeSpan, host.Time, cancellationToken);
        }
        await using var listener = await ListenAsync(config, host, cancellationToken);
        host.ReportOpen();
        while (await listener.AcceptAsync(cancellationToken) is { } incoming)
        {
            if (await incoming.HandshakeAsync(cancellationToken) is { } user) serve(user);
        }
    }

    private static async ValueTask<TcpBindListener> ListenAsync(VisitorConfig config, IVisitorHost host, CancellationToken cancellationToken)
    {
        string address = AddressText.Join(config.BindAddr, config.BindPort);
        if (config.BindPort > MaxPort) throw new IOException($"listen tcp {address}: invalid port");
        try
        {
            return await TcpBindListener.BindAsync(config.BindAddr, config.BindPort, new TcpListenOptions(), host.Time, host.Logger, cancellationToken);
        }
        catch (SocketException e)
        {
            throw new IOException($"listen tcp {address}: {e.Message}", e);
        }
    }
}
