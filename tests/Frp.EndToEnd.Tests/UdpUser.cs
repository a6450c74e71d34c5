using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>A user of datagrams, who asks again when no answer comes: datagrams may be lost, here as anywhere.</summary>
internal sealed class UdpUser : IDisposable
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(1);

    private readonly Socket _socket;

    internal UdpUser(int port, IPAddress? address = null)
    {
        address ??= IPAddress.Loopback;
        _socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        _socket.Connect(address, port);
    }

    /// <summary>Sends something random until it comes back.</summary>
    /// <param name="length">How many bytes.</param>
    /// <param name="limit">How long it asks; until it must be there by default.</param>
    /// <exception cref="TimeoutException">It has not come back.</exception>
    internal async Task EchoAsync(int length = 100, TimeSpan? limit = null)
    {
        byte[] sent = RandomNumberGenerator.GetBytes(length), received = new byte[65536];
        long begin = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(begin) < (limit ?? Patience.Limit))
        {
            using var deadline = new CancellationTokenSource(AskAgain);
            try
            {
                await _socket.SendAsync(sent, deadline.Token);
                while (true)
                {
                    int count = await _socket.ReceiveAsync(received, deadline.Token);
                    if (received.AsSpan(0, count).SequenceEqual(sent)) return; // others are late answers
                }
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException { SocketErrorCode: SocketError.ConnectionRefused })
            {
                if (e is SocketException) await Task.Delay(TimeSpan.FromMilliseconds(25), TimeProvider.System, CancellationToken.None);
            }
        }
        throw new TimeoutException("no echo");
    }

    internal static async Task EchoOnceAsync(int port, int length = 100, IPAddress? address = null)
    {
        using var user = new UdpUser(port, address);
        await user.EchoAsync(length);
    }

    public void Dispose() => _socket.Dispose();
}

/// <summary>A UDP service on loopback that sends everything back.</summary>
internal sealed class UdpEcho : IAsyncDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Task _running;

    internal UdpEcho(int port = 0)
    {
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
        Port = ((IPEndPoint)_socket.LocalEndPoint!).Port;
        _running = RunAsync();
    }

    internal int Port { get; }

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _running.Soon();
    }

    private async Task RunAsync()
    {
        byte[] buffer = new byte[65536];
        var from = new SocketAddress(AddressFamily.InterNetwork);
        try
        {
            while (true)
            {
                int count = await _socket.ReceiveFromAsync(buffer.AsMemory(), SocketFlags.None, from);
                await _socket.SendToAsync(buffer.AsMemory(0, count), SocketFlags.None, from);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }
}
