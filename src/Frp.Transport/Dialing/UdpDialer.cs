using System.Net;
using System.Net.Sockets;

namespace Frp.Transport;

/// <summary>Connects UDP sockets, which sends nothing: whether anybody is there is found out by whoever uses them.</summary>
internal static class UdpDialer
{
    /// <summary>A socket for the first of a host's addresses that there is a way to.</summary>
    /// <param name="host">A name or an address; IPv6 with or without brackets.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="options">Time and resolver; what else there is concerns TCP.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="TimeoutException">The look-up took too long.</exception>
    /// <exception cref="SocketException">The last address's refusal, or the look-up's.</exception>
    internal static async ValueTask<Socket> DialAsync(
        string host, int port, TcpDialOptions options, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        if (port is < 1 or > 65535) throw new SocketException((int)SocketError.AddressNotAvailable, $"dial {host}: port {port} is out of range");
        using var deadline = new Deadline(options.Timeout, timeProvider, cancellationToken);
        try
        {
            SocketException? last = null;
            foreach (var address in await TcpDialer.ResolveAsync(host, options, deadline.Token))
            {
                var remote = TcpDialer.Destination(new IPEndPoint(address, port));
                var socket = new Socket(remote.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
                try
                {
                    await socket.ConnectAsync(remote, deadline.Token);
                    return socket;
                }
                catch (SocketException e)
                {
                    socket.Dispose();
                    last = new SocketException(e.ErrorCode, $"dial udp {EndPoints.Join(address.ToString(), port)}: {e.Message}");
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            }
            throw last!;
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Passed($"address of {host}");
        }
    }
}
