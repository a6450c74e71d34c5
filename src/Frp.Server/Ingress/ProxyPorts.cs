using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>Hands out the ports on which proxies listen.</summary>
/// <remarks>
/// A port is claimed in the registry first and bound second; whoever fails at either gets the protocol's text for it. With port 0
/// the port that the same name had last is tried first, then a few at random (wire specification §13). What is allowed is asked for at each
/// claim; a port that has been handed out stays with its proxy.
/// </remarks>
internal sealed class ProxyPorts(Func<ServerConfig> config, IIngressRegistry registry, TimeProvider time, ILogger logger)
{
    private const int RandomAttempts = 5;
    private const int RandomPicks = 1024;

    /// <summary>Opens a claimed port. The claim belongs to what it returns.</summary>
    private delegate ValueTask<T> Opener<T>(int port, IDisposable claim, CancellationToken cancellationToken);

    /// <summary>Claims a TCP port and listens on it.</summary>
    /// <exception cref="PeerRefusedException">The port cannot be had.</exception>
    internal ValueTask<IUserListener> ListenTcpAsync(string owner, int port, CancellationToken cancellationToken) =>
        AcquireAsync(IngressKind.TcpPort, owner, port, OpenTcpAsync, cancellationToken);

    /// <summary>Claims and binds a UDP port. The ports of UDP are not those of TCP: the same number may be had in both.</summary>
    /// <exception cref="PeerRefusedException">The port cannot be had.</exception>
    internal async ValueTask<IUdpPort> BindUdpAsync(string owner, int port, CancellationToken cancellationToken)
    {
        try
        {
            return await AcquireAsync(IngressKind.UdpPort, owner, port, OpenUdpAsync, cancellationToken);
        }
        catch (PeerRefusedException e)
        {
            // Source: wire specification §23.
            throw new PeerRefusedException(string.Create(CultureInfo.InvariantCulture, $"acquire port {port} error: {e.Message}"));
        }
    }

    private async ValueTask<T> AcquireAsync<T>(IngressKind kind, string owner, int port, Opener<T> open, CancellationToken cancellationToken) where T : class
    {
        if (port != 0)
        {
            if (!IsAllowed(port)) throw new PeerRefusedException("port not allowed");
            var claim = registry.TryClaim(KeyOf(kind, port), owner) ?? throw new PeerRefusedException("port already used");
            return await TryOpenAsync(port, claim, open, cancellationToken) ?? throw new PeerRefusedException("port unavailable");
        }
        if (registry.LastPort(kind, owner) is { } last && IsAllowed(last) && await TryClaimAndOpenAsync(kind, owner, last, open, cancellationToken) is { } again) return again;
        for (int attempt = 0; attempt < RandomAttempts && PickFree(kind) is { } candidate; attempt++)
        {
            if (await TryClaimAndOpenAsync(kind, owner, candidate, open, cancellationToken) is { } opened) return opened;
        }
        throw new PeerRefusedException("no available port");
    }

    private bool IsAllowed(int port) => config().AllowedPorts.Contains(port);

    private int? PickFree(IngressKind kind)
    {
        for (int pick = 0; pick < RandomPicks; pick++)
        {
            int port = PickAllowed();
            if (!registry.IsClaimed(KeyOf(kind, port))) return port;
        }
        return null;
    }

    private int PickAllowed()
    {
        var current = config();
        // Without a list every port is allowed, but those below 1024 are nobody's idea of a random one.
        if (current.AllowPorts.Count == 0) return RandomNumberGenerator.GetInt32(1024, 65536);
        int index = RandomNumberGenerator.GetInt32(current.AllowedPorts.Count);
        foreach (var (first, last) in current.AllowedPorts.Ranges)
        {
            int length = last - first + 1;
            if (index < length) return first + index;
            index -= length;
        }
        throw new InvalidOperationException("the ranges hold fewer ports than they count");
    }

    private async ValueTask<T?> TryClaimAndOpenAsync<T>(IngressKind kind, string owner, int port, Opener<T> open, CancellationToken cancellationToken) where T : class =>
        registry.TryClaim(KeyOf(kind, port), owner) is { } claim ? await TryOpenAsync(port, claim, open, cancellationToken) : null;

    /// <summary>Opens a claimed port; gives the claim back when the machine says no.</summary>
    private static async ValueTask<T?> TryOpenAsync<T>(int port, IDisposable claim, Opener<T> open, CancellationToken cancellationToken) where T : class
    {
        try
        {
            return await open(port, claim, cancellationToken);
        }
        catch (SocketException)
        {
            claim.Dispose();
            return null;
        }
        catch (Exception)
        {
            claim.Dispose();
            throw;
        }
    }

    private async ValueTask<IUserListener> OpenTcpAsync(int port, IDisposable claim, CancellationToken cancellationToken) =>
        new UserListener(await TcpBindListener.BindAsync(config().ProxyBindAddr, port, new TcpListenOptions(), time, logger, cancellationToken), claim);

    private async ValueTask<IUdpPort> OpenUdpAsync(int port, IDisposable claim, CancellationToken cancellationToken)
    {
        var endPoint = await BindAddress.ResolveAsync(config().ProxyBindAddr, port, cancellationToken);
        return new UdpPort(BindAddress.Bind(endPoint, SocketType.Dgram, ProtocolType.Udp), port, claim);
    }

    private static IngressKey KeyOf(IngressKind kind, int port) => new(kind, port.ToString(CultureInfo.InvariantCulture));

    /// <summary>A bound port with its claim.</summary>
    private sealed class UserListener(TcpBindListener listener, IDisposable claim) : IUserListener
    {
        public int Port => listener.Port;

        public async ValueTask<Connection?> AcceptAsync(CancellationToken cancellationToken) =>
            await listener.AcceptAsync(cancellationToken) is { } incoming ? await incoming.HandshakeAsync(cancellationToken) : null;

        public async ValueTask DisposeAsync()
        {
            await listener.DisposeAsync();
            claim.Dispose();
        }
    }
    /// <summary>A bound UDP port with its claim.</summary>
    private sealed class UdpPort(Socket socket, int port, IDisposable claim) : IUdpPort
    {
        public int Port => port;

        public Socket Socket => socket;

        public ValueTask DisposeAsync()
        {
            socket.Dispose();
            claim.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
