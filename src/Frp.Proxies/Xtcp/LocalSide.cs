using System.Net;
using System.Net.Sockets;
using Frp.Transport;

namespace Frp.Proxies;

/// <summary>This side of an attempt: a socket, and the addresses by which the peer may reach it.</summary>
/// <param name="socket">Owned until it is taken.</param>
/// <param name="mapped">As STUN servers see it, <c>ip:port</c>.</param>
/// <param name="assisted">The host's own addresses, with the socket's port.</param>
internal sealed class LocalSide(Socket socket, List<string> mapped, List<string> assisted) : IDisposable
{
    // Two servers are waited for three seconds each; the rest is for the look-up of a name.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private Socket? _socket = socket;

    internal List<string> Mapped => mapped;

    internal List<string> Assisted => assisted;

    /// <summary>Finds out how this host looks from outside.</summary>
    /// <exception cref="IOException">It cannot be found out.</exception>
    internal static async Task<LocalSide> DiscoverAsync(ITraversalHost host, NatTraversalConfig? config, TimeProvider time, CancellationToken cancellationToken)
    {
        var socket = NatDiscovery.BindSocket();
        using var deadline = new Deadline(Timeout, time, cancellationToken);
        try
        {
            var found = await NatDiscovery.AskAsync(socket, host.StunServer, time, deadline.Token);
            if (found.External.Count < 2) throw new IOException("not enough addresses");
            IEnumerable<IPAddress> own = config is { DisableAssistedAddrs: true } ? [] : NatDiscovery.OwnAddresses();
            return new LocalSide(socket, [.. found.External.Select(e => e.ToString())], [.. own.Select(a => new IPEndPoint(a, found.Local.Port).ToString())]);
        }
        catch (Exception e)
        {
            socket.Dispose();
            if (deadline.HasPassed) e = deadline.Passed("answer of the STUN server");
            if (e is IOException or TimeoutException or SocketException) throw new IOException($"discover error: {e.Message}", e);
            throw;
        }
    }

    /// <summary>Opens the way as the broker has said. The socket is the hole's from here on.</summary>
    /// <inheritdoc cref="HolePunch.RunAsync"/>
    internal Task<PunchedHole> PunchAsync(PunchPlan plan, byte[] key, TimeProvider time, CancellationToken cancellationToken)
    {
        var taken = _socket ?? throw new InvalidOperationException("the socket has been taken");
        _socket = null;
        return HolePunch.RunAsync(taken, plan, key, time, cancellationToken);
    }

    public void Dispose() => _socket?.Dispose();
}
