using System.Net;
using System.Net.Sockets;

namespace Frp.Transport;

/// <summary>Addresses to listen on, as configuration writes them.</summary>
public static class BindAddress
{
    /// <summary>Whether the address means every interface: empty, <c>0.0.0.0</c> or <c>::</c>.</summary>
    public static bool IsWildcard(string host) => host.Length == 0 || (IPAddress.TryParse(host, out var ip) && IsWildcard(ip));

    /// <summary>The end point for a configured host and port. A name is looked up; its IPv4 address is preferred.</summary>
    /// <exception cref="SocketException">The name has no address.</exception>
    public static async ValueTask<IPEndPoint> ResolveAsync(string host, int port, CancellationToken cancellationToken)
    {
        if (host.Length == 0) return new IPEndPoint(IPAddress.IPv6Any, port);
        if (IPAddress.TryParse(host, out var ip)) return new IPEndPoint(ip, port);
        var found = await Dns.GetHostAddressesAsync(host, cancellationToken);
        var best = Array.Find(found, static a => a.AddressFamily == AddressFamily.InterNetwork) ?? found.FirstOrDefault();
        return best is null ? throw new SocketException((int)SocketError.HostNotFound) : new IPEndPoint(best, port);
    }

    /// <summary>A bound socket. A wildcard of either family is bound for both, where the machine has both.</summary>
    /// <remarks>Peers of a dual-stack socket appear as <c>::ffff:a.b.c.d</c>: see <see cref="EndPoints.Unmap"/>.</remarks>
    /// <exception cref="SocketException">The port is taken, forbidden, or the address is not ours.</exception>
    public static Socket Bind(IPEndPoint endPoint, SocketType socketType, ProtocolType protocolType)
    {
        if (IsWildcard(endPoint.Address) && Socket.OSSupportsIPv6)
        {
            try
            {
                return BindOne(new IPEndPoint(IPAddress.IPv6Any, endPoint.Port), socketType, protocolType, dual: true);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable
                or SocketError.ProtocolOption or SocketError.ProtocolFamilyNotSupported)
            {
                // The system knows IPv6 but has none configured.
                endPoint = new IPEndPoint(IPAddress.Any, endPoint.Port);
            }
        }
        return BindOne(endPoint, socketType, protocolType, dual: false);
    }

    private static bool IsWildcard(IPAddress ip) => ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any);

    private static Socket BindOne(IPEndPoint endPoint, SocketType socketType, ProtocolType protocolType, bool dual)
    {
        var socket = new Socket(endPoint.AddressFamily, socketType, protocolType);
        try
        {
            if (dual) socket.DualMode = true;
            socket.Bind(endPoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
