using System.Net;
using System.Net.Sockets;

namespace Frp.Transport;

/// <summary>How a TCP connection is made.</summary>
public sealed record TcpDialOptions
{
    /// <summary>For the whole of it: look-up and all addresses.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Idle time before TCP probes the peer; negative switches probing off.</summary>
    public TimeSpan KeepAlive { get; init; } = TcpSettings.DefaultKeepAlive;

    /// <summary>The address to dial from; null for the system's choice.</summary>
    public IPAddress? LocalAddress { get; init; }

    /// <summary>Finds addresses; null for the system's resolver.</summary>
    public INameResolver? Resolver { get; init; }
}

/// <summary>Finds the addresses of a host.</summary>
public interface INameResolver
{
    /// <summary>The addresses, in the order to try them; never empty.</summary>
    /// <exception cref="SocketException">The name has none, or nobody would say.</exception>
    ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken cancellationToken);
}

/// <summary>Makes TCP connections.</summary>
public static class TcpDialer
{
    // Source: Go's dialer, which the reference uses, gives each address an even share, but no less than this.
    private static readonly TimeSpan ShortestTry = TimeSpan.FromSeconds(2);

    /// <summary>Dials a host: each of its addresses in turn, until one answers or the time is over.</summary>
    /// <param name="host">A name or an address; IPv6 with or without brackets.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="options">Settings.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="TimeoutException">Nobody answered in time.</exception>
    /// <exception cref="SocketException">The last address's refusal, or the look-up's.</exception>
    public static async ValueTask<SocketConnection> DialAsync(
        string host, int port, TcpDialOptions options, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        if (port is < 1 or > 65535) throw new SocketException((int)SocketError.AddressNotAvailable, $"dial {host}: port {port} is out of range");
        using var deadline = new Deadline(options.Timeout, timeProvider, cancellationToken);
        var start = timeProvider.GetTimestamp();
        try
        {
            var addresses = await ResolveAsync(host, options, deadline.Token);
            Exception? last = null;
            for (var i = 0; i < addresses.Count; i++)
            {
                var share = TimeSpan.FromTicks((options.Timeout - timeProvider.GetElapsedTime(start)).Ticks / (addresses.Count - i));
                if (options.Timeout == Timeout.InfiniteTimeSpan || i == addresses.Count - 1) share = Timeout.InfiniteTimeSpan; // the deadline is enough
                else if (share < ShortestTry) share = ShortestTry;
                using var attempt = new Deadline(share, timeProvider, deadline.Token);
                try
                {
                    return await ConnectAsync(new IPEndPoint(addresses[i], port), options, attempt.Token);
                }
                catch (OperationCanceledException) when (attempt.HasPassed)
                {
                    last = attempt.Passed($"answer from {addresses[i]}");
                }
                catch (SocketException e)
                {
                    last = new SocketException((int)e.SocketErrorCode, $"dial {EndPoints.Join(addresses[i].ToString(), port)}: {e.Message}");
                }
            }
            throw last!;
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Passed($"connection to {EndPoints.Join(host, port)}");
        }
    }

    /// <summary>The host's addresses that can be dialled from where the options say; never none.</summary>
    internal static async ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string host, TcpDialOptions options, CancellationToken cancellationToken)
    {
        IReadOnlyList<IPAddress> all;
        if (IPAddress.TryParse(host, out var literal)) all = [literal];
        else if (options.Resolver is { } resolver) all = await resolver.ResolveAsync(host, cancellationToken);
        else all = await Dns.GetHostAddressesAsync(host, cancellationToken);

        if (options.LocalAddress is { } local) all = [.. all.Where(a => a.AddressFamily == local.AddressFamily)];
        return all.Count > 0 ? all : throw new SocketException((int)SocketError.HostNotFound, $"no usable address for {host}");
    }

    // Compat: a wildcard as a destination means this machine, as it does for the reference (serverAddr defaults to 0.0.0.0).
    internal static IPEndPoint Destination(IPEndPoint remote) =>
        remote.Address.Equals(IPAddress.Any) ? new IPEndPoint(IPAddress.Loopback, remote.Port)
        : remote.Address.Equals(IPAddress.IPv6Any) ? new IPEndPoint(IPAddress.IPv6Loopback, remote.Port)
        : remote;

    private static async ValueTask<SocketConnection> ConnectAsync(IPEndPoint remote, TcpDialOptions options, CancellationToken cancellationToken)
    {
        remote = Destination(remote);
        var socket = new Socket(remote.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            TcpSettings.Apply(socket, options.KeepAlive);
            if (options.LocalAddress is { } local) socket.Bind(new IPEndPoint(local, 0));
            await socket.ConnectAsync(remote, cancellationToken);
            return new SocketConnection(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
