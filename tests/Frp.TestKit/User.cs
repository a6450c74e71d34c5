using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Frp.TestKit;

/// <summary>A user of a tunnel: one TCP connection to a port. Every wait has a deadline.</summary>
public sealed class User : IDisposable
{
    private User(Socket socket) => Socket = socket;

    /// <summary>The connection.</summary>
    public Socket Socket { get; }

    /// <summary>Whether everything has been read that the peer sent before it ended or reset the connection.</summary>
    public bool HasEnded => Socket.Poll(0, SelectMode.SelectRead) && Socket.Available == 0;

    /// <summary>Connects to a port on loopback.</summary>
    /// <param name="port">The port.</param>
    /// <param name="address">The address; 127.0.0.1 by default.</param>
    /// <param name="from">The user's own address, of the same family; the system's choice by default.</param>
    public static async Task<User> ConnectAsync(int port, IPAddress? address = null, IPAddress? from = null)
    {
        address ??= IPAddress.Loopback;
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (from is not null) socket.Bind(new IPEndPoint(from, 0));
            await socket.ConnectAsync(address, port).Soon();
            return new User(socket);
        }
        catch (Exception)
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Connects, sends something random to an echo service, and checks what comes back.</summary>
    public static async Task EchoOnceAsync(int port, int length = 32, IPAddress? address = null)
    {
        using var user = await ConnectAsync(port, address);
        await user.EchoAsync(length);
    }

    /// <summary>Whether an echo service can be reached through a port now.</summary>
    public static async Task<bool> CanEchoAsync(int port)
    {
        try
        {
            await EchoOnceAsync(port);
            return true;
        }
        catch (Exception e) when (e is SocketException or EndOfStreamException)
        {
            return false;
        }
    }

    /// <summary>Sends something random to an echo service and checks what comes back. Sends and receives at the same time.</summary>
    public async Task EchoAsync(int length = 32)
    {
        var data = RandomNumberGenerator.GetBytes(length);
        var sending = Socket.SendAllAsync(data);
        var received = await Socket.ReceiveExactlyAsync(length).Soon();
        await sending.Soon();
        if (!received.AsSpan().SequenceEqual(data)) throw new InvalidDataException($"the echo of {length} bytes differs");
    }

    /// <summary>Sends a text.</summary>
    public Task SendAsync(string text) => Socket.SendAllAsync(Encoding.Latin1.GetBytes(text)).Soon();

    /// <summary>Sends bytes.</summary>
    public Task SendAsync(ReadOnlyMemory<byte> data) => Socket.SendAllAsync(data).Soon();

    /// <summary>Receives so many bytes.</summary>
    public Task<byte[]> ReceiveAsync(int count) => Socket.ReceiveExactlyAsync(count).Soon();

    /// <summary>Receives until the peer's end.</summary>
    public Task<byte[]> ReceiveToEndAsync() => Socket.ReceiveToEndAsync().Soon();

    /// <summary>Waits until the peer has ended the connection in whatever way.</summary>
    public async Task WaitForEndAsync()
    {
        try
        {
            await ReceiveToEndAsync();
        }
        catch (SocketException)
        {
            // A reset is an end too.
        }
    }

    /// <summary>Ends our direction only.</summary>
    public void CompleteWrites() => Socket.Shutdown(SocketShutdown.Send);

    /// <summary>Ends the connection with a reset.</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(enable: true, 0);
        Socket.Dispose();
    }

    /// <summary>Sends and receives at the same time through <see cref="TcpService.Transfers"/>.</summary>
    /// <returns>Whether both sides have received what the other one sent.</returns>
    public Task<bool> TransferAsync(long up, long down) => Bulk.AskAsync(Socket, up, down);

    /// <inheritdoc/>
    public void Dispose() => Socket.Dispose();
}
