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
/// the port that the same name had last is tried first, then a few at random (wire specification §13).
/// </remarks>
internal sealed class ProxyPorts(ServerConfig config, IIngressRegistry registry, TimeProvider time, ILogger logger)
{
    private const int RandomAttempts = 5;
    private const int RandomPicks = 1024;

    /// <summary>Claims and binds a TCP port.</summary>
    /// <exception cref="PeerRefusedException">The port cannot be had.</exception>
    internal async ValueTask<IUserListener> ListenTcpAsync(string owner, int port, CancellationToken cancellationToken)
    {
        if (port != 0)
        {
            if (!IsAllowed(port)) throw new PeerRefusedException("port not allowed");
            var claim = registry.TryClaim(KeyOf(port), owner) ?? throw new PeerRefusedException("port already used");
            return await TryBindAsync(port, claim, cancellationToken) ?? throw new PeerRefusedException("port unavailable");
        }
        if (registry.LastPort(IngressKind.TcpPort, owner) is { } last && IsAllowed(last) && await TryListenAsync(owner, last, cancellationToken) is { } again) return again;
        for (int attempt = 0; attempt < RandomAttempts && PickFree() is { } candidate; attempt++)
        {
            if (await TryListenAsync(owner, candidate, cancellationToken) is { } listener) return listener;
        }
        throw new PeerRefusedException("no available port");
    }

    private bool IsAllowed(int port) => config.AllowedPorts.Contains(port);

    private int? PickFree()
    {
        for (int pick = 0; pick < RandomPicks; pick++)
        {
            int port = PickAllowed();
            if (!registry.IsClaimed(KeyOf(port))) return port;
        }
        return null;
    }

    private int PickAllowed()
    {
        // Without a list every port is allowed, but those below 1024 are nobody's idea of a random one.
        if (config.AllowPorts.Count == 0) return RandomNumberGenerator.GetInt32(1024, 65536);
        int index = RandomNumberGenerator.GetInt32(config.AllowedPorts.Count);
        foreach (var (first, last) in config.AllowedPorts.Ranges)
        {
            int length = last - first + 1;
            if (index < length) return first + index;
            index -= length;
        }
        throw new InvalidOperationException("the ranges hold fewer ports than they count");
    }

    private async ValueTask<UserListener?> TryListenAsync(string owner, int port, CancellationToken cancellationToken) =>
        registry.TryClaim(KeyOf(port), owner) is { } claim ? await TryBindAsync(port, claim, cancellationToken) : null;

    /// <summary>Binds a claimed port; gives the claim back when the machine says no.</summary>
    private async ValueTask<UserListener?> TryBindAsync(int port, IDisposable claim, CancellationToken cancellationToken)
    {
        try
        {
            return new UserListener(await TcpBindListener.BindAsync(config.ProxyBindAddr, port, new TcpListenOptions(), time, logger, cancellationToken), claim);
        }
        catch (SocketException)
        {
            claim.Dispose();
            return null;
        }
    }

    private static IngressKey KeyOf(int port) => new(IngressKind.TcpPort, port.ToString(CultureInfo.InvariantCulture));

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
}
