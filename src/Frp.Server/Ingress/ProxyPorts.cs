using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Frp.Config;
using Frp.Proxies;
using Frp.Transport;

namespace Frp.Server;

/// <summary>Hands out the ports on which proxies listen.</summary>
/// <remarks>
/// A port is claimed in the registry first and bound second; whoever fails at either gets the protocol's text for it. With port 0
/// the port that the same name had last is tried first, then a few at random (wire specification §13).
/// </remarks>
internal sealed class ProxyPorts(ServerConfig config, IIngressRegistry registry)
{
    private const int RandomAttempts = 5;
    private const int RandomPicks = 1024;

    /// <summary>Claims and binds a TCP port.</summary>
    /// <exception cref="PeerRefusedException">The port cannot be had.</exception>
    internal IUserListener ListenTcp(string owner, int port)
    {
        if (port != 0)
        {
            if (port is < 1 or > 65535 || !IsAllowed(port)) throw new PeerRefusedException("port not allowed");
            return TryListen(owner, port, out var refusal) ?? throw new PeerRefusedException(refusal);
        }
        if (registry.LastPort(IngressKind.TcpPort, owner) is { } last && IsAllowed(last) && TryListen(owner, last, out _) is { } again) return again;
        for (int attempt = 0; attempt < RandomAttempts && PickFree() is { } candidate; attempt++)
        {
            if (TryListen(owner, candidate, out _) is { } listener) return listener;
        }
        throw new PeerRefusedException("no available port");
    }

    private bool IsAllowed(int port) => config.AllowPorts.IsEmpty || config.AllowPorts.Contains(port);

    private int? PickFree()
    {
        for (int pick = 0; pick < RandomPicks; pick++)
        {
            int port = config.AllowPorts.IsEmpty ? RandomNumberGenerator.GetInt32(1024, 65536) : config.AllowPorts[RandomNumberGenerator.GetInt32(config.AllowPorts.Count)];
            if (!registry.IsClaimed(KeyOf(port))) return port;
        }
        return null;
    }

    private UserListener? TryListen(string owner, int port, out string refusal)
    {
        refusal = "port already used";
        var claim = registry.TryClaim(KeyOf(port), owner);
        if (claim is null) return null;
        try
        {
            return new UserListener(BoundSocket.Listen(config.ProxyBindAddr, port), claim);
        }
        catch (SocketException)
        {
            claim.Dispose();
            refusal = "port unavailable";
            return null;
        }
    }

    private static IngressKey KeyOf(int port) => new(IngressKind.TcpPort, port.ToString(CultureInfo.InvariantCulture));

    /// <summary>A bound port with its claim.</summary>
    private sealed class UserListener(Socket socket, IDisposable claim) : IUserListener
    {
        private int _disposed;

        public int Port { get; } = ((IPEndPoint)socket.LocalEndPoint!).Port;

        public async ValueTask<Connection?> AcceptAsync(CancellationToken cancellationToken)
        {
            try
            {
                return new SocketConnection(await socket.AcceptAsync(cancellationToken));
            }
            catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException || _disposed != 0)
            {
                return null;
            }
        }

        public ValueTask DisposeAsync()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                socket.Dispose();
                claim.Dispose();
            }
            return ValueTask.CompletedTask;
        }
    }
}
