using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Frp.TestKit;

/// <summary>A TCP service on loopback that does one thing with every connection.</summary>
/// <remarks><b>Ownership.</b> The handler's connection is closed when the handler is done. Disposing the service cuts all of them.</remarks>
public sealed class TcpService : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly Func<Socket, Task> _handler;
    private readonly Lock _lock = new();
    private readonly HashSet<Socket> _open = [];
    private readonly List<Task> _tasks = [];
    private readonly Task _accepting;
    private bool _disposed;

    private TcpService(int port, Func<Socket, Task> handler)
    {
        _handler = handler;
        _listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen(512);
        Port = port;
        _accepting = AcceptAsync();
    }

    /// <summary>Where it is.</summary>
    public int Port { get; }

    /// <summary>Connections that are open now.</summary>
    public int OpenCount
    {
        get
        {
            lock (_lock) return _open.Count;
        }
    }

    /// <summary>Starts a service.</summary>
    /// <param name="handler">What it does with a connection. Socket errors end the connection and are not the service's business.</param>
    /// <param name="port">Where; any free port by default.</param>
    public static TcpService Start(Func<Socket, Task> handler, int? port = null) => new(port ?? Ports.Next(), handler);

    /// <summary>Starts a service that sends back what it receives, and closes when the peer ends.</summary>
    public static TcpService Echo(int? port = null) => Start(EchoAsync, port);

    /// <summary>Starts a service for <see cref="User.TransferAsync"/>: receives and sends at the same time, and says what it has received.</summary>
    public static TcpService Transfers() => Start(Bulk.AnswerAsync);

    /// <summary>Starts a service that reads to the end, answers with the SHA-256 of what it has read, and closes.</summary>
    public static TcpService Digest() => Start(async socket => await socket.SendAllAsync(SHA256.HashData(await socket.ReceiveToEndAsync())));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Task[] tasks;
        lock (_lock)
        {
            _disposed = true;
            _listener.Dispose();
            foreach (var socket in _open) socket.Dispose();
            tasks = [.. _tasks];
        }
        await _accepting.Soon();
        await Task.WhenAll(tasks).Soon();
    }

    private static async Task EchoAsync(Socket socket)
    {
        var buffer = new byte[64 * 1024];
        while (await socket.ReceiveAsync(buffer.AsMemory()) is var count and > 0) await socket.SendAllAsync(buffer.AsMemory(0, count));
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
            lock (_lock)
            {
                if (_disposed)
                {
                    socket.Dispose();
                    return;
                }
                _open.Add(socket);
                _tasks.RemoveAll(t => t.IsCompletedSuccessfully);
                _tasks.Add(HandleAsync(socket));
            }
        }
    }

    private async Task HandleAsync(Socket socket)
    {
        await Task.Yield();
        try
        {
            await _handler(socket);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or EndOfStreamException)
        {
            // The user has gone, or the service has been disposed.
        }
        finally
        {
            lock (_lock) _open.Remove(socket);
            socket.Dispose();
        }
    }
}
