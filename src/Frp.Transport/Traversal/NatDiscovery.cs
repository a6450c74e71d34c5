using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Frp.Transport;

/// <summary>How this host looks from outside, as STUN servers say.</summary>
/// <param name="Local">The socket's own address.</param>
/// <param name="External">Its address as each server saw it; one or two.</param>
public sealed record NatDiscovery(IPEndPoint Local, IReadOnlyList<IPEndPoint> External)
{
    private const int ReceiveBuffer = 1024 * 1024; // the system may grant less

    // Source: wire specification §17.1; nothing is sent twice.
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(3);

    private const int DefaultPort = 3478; // RFC 8489 §18.6
    private const int MostAssisted = 10;
    private const int DatagramSize = 1500;

    /// <summary>Asks a server, and its other address if it has one, from one socket.</summary>
    /// <param name="server"><c>host:port</c>; IPv4.</param>
    /// <param name="local">Where to ask from; null for the system's choice.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="TimeoutException">No answer within three seconds.</exception>
    /// <exception cref="IOException">The server refuses, does not say what it sees, or has no address; or the socket cannot be had.</exception>
    public static async Task<NatDiscovery> AskAsync(string server, IPEndPoint? local, TimeProvider time, CancellationToken cancellationToken)
    {
        using var socket = BindSocket(local);
        return await AskAsync(socket, server, time, cancellationToken);
    }

    /// <summary>Asks from a socket that goes on to be used: what the servers see is its address.</summary>
    /// <param name="socket">Of <see cref="BindSocket"/>; stays its owner's.</param>
    /// <param name="server"><c>host:port</c>; IPv4.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="TimeoutException">No answer within three seconds.</exception>
    /// <exception cref="IOException">The server refuses, does not say what it sees, or has no address.</exception>
    public static async Task<NatDiscovery> AskAsync(Socket socket, string server, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(socket);
        try
        {
            var first = await AskAsync(socket, await ResolveAsync(server, cancellationToken), time, cancellationToken);
            List<IPEndPoint> external = [first.Mapped!];
            if (first.Other is { Port: > 0 } other) external.Add((await AskAsync(socket, other, time, cancellationToken)).Mapped!);
            return new NatDiscovery((IPEndPoint)socket.LocalEndPoint!, external);
        }
        catch (SocketException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    /// <summary>A socket to ask from.</summary>
    /// <param name="local">Its address; null for the system's choice.</param>
    /// <returns>The caller's.</returns>
    /// <exception cref="IOException">It cannot be had.</exception>
    public static Socket BindSocket(IPEndPoint? local = null)
    {
        Socket? socket = null;
        try
        {
            // Hundreds of packets of a peer may arrive at once when a way is opened, and the one that counts is the last.
            socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = ReceiveBuffer };
            socket.Bind(local ?? new IPEndPoint(IPAddress.Any, 0));
            return socket;
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            throw new IOException(e.Message, e);
        }
    }

    /// <summary>Addresses of this host's interfaces that others might reach it by: of IPv4, neither loopback nor link-local, ten at most.</summary>
    public static IReadOnlyList<IPAddress> OwnAddresses() =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces()
            .Where(n => n.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown)
            .SelectMany(n => n.GetIPProperties().UnicastAddresses)
            .Select(a => a.Address)
            .Where(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a) && !IsLinkLocal(a))
            .Distinct()
            .Take(MostAssisted),
    ];

    private static bool IsLinkLocal(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[4];
        return address.TryWriteBytes(bytes, out _) && bytes[0] == 169 && bytes[1] == 254;
    }

    private static async Task<StunAnswer> AskAsync(Socket socket, IPEndPoint server, TimeProvider time, CancellationToken cancellationToken)
    {
        var id = RandomNumberGenerator.GetBytes(StunMessage.IdSize);
        var request = new byte[StunMessage.HeaderSize];
        StunMessage.WriteRequest(request, id);
        using var deadline = new Deadline(AnswerTimeout, time, cancellationToken);
        try
        {
            await socket.SendToAsync(request, server, deadline.Token);
            var datagram = new byte[DatagramSize];
            while (true)
            {
                var received = await socket.ReceiveFromAsync(datagram, new IPEndPoint(IPAddress.Any, 0), deadline.Token);
                // What somebody else sends is no answer, and neither is what does not know the question.
                if (!received.RemoteEndPoint.Equals(server) || !StunMessage.TryReadAnswer(datagram.AsSpan(0, received.ReceivedBytes), id, out var answer)) continue;
                if (answer.IsError) throw new IOException($"stun server {server} answers with an error");
                return answer.Mapped is not null ? answer : throw new IOException("no external address found");
            }
        }
        catch (OperationCanceledException e) when (deadline.HasPassed)
        {
            throw new TimeoutException("wait response from stun server timeout", e);
        }
    }

    private static async Task<IPEndPoint> ResolveAsync(string server, CancellationToken cancellationToken)
    {
        int colon = server.LastIndexOf(':');
        int port = DefaultPort;
        if (colon >= 0 && (!ushort.TryParse(server.AsSpan(colon + 1), out var given) || (port = given) == 0)) throw new IOException($"[{server}] is not host:port");
        var addresses = await Dns.GetHostAddressesAsync(colon >= 0 ? server[..colon] : server, AddressFamily.InterNetwork, cancellationToken);
        return addresses.Length > 0 ? new IPEndPoint(addresses[0], port) : throw new IOException($"[{server}] has no IPv4 address");
    }
}
