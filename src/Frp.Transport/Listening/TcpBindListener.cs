using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Frp.Transport;

/// <summary>A listening TCP port. What it accepts are <see cref="SocketConnection"/>s, which need no handshake.</summary>
/// <remarks>
/// <para><b>Accepting never ends by itself.</b> Peers that vanish before they are accepted are skipped. When the process or
/// the machine has run out of descriptors or memory, accepting pauses, longer each time up to a second, and says so once:
/// connections end meanwhile, and the kernel queues the newcomers.</para>
/// </remarks>
public sealed partial class TcpBindListener : IListener
{
    // The kernel caps it at net.core.somaxconn. Source: 4096 is Linux's default there since 5.4.
    private const int Backlog = 4096;
    private const int AtOnce = 8; // connections accepted in a row before others have the thread
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly Socket _socket;
    private readonly Func<CancellationToken, ValueTask<Socket>> _accept;
    private readonly TcpListenOptions _options;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopped = new();
    private int _atOnce; // the accepting caller's
    private int _disposed;

    /// <summary>Over a listening socket; internal so that tests can make accepting fail.</summary>
    internal TcpBindListener(
        Socket socket, Func<CancellationToken, ValueTask<Socket>> accept, TcpListenOptions options, TimeProvider timeProvider, ILogger logger)
    {
        _socket = socket;
        _accept = accept;
        _options = options;
        _timeProvider = timeProvider;
        _logger = logger;
        Local = EndPoints.Unmap(socket.LocalEndPoint)!;
    }

    /// <inheritdoc/>
    public EndPoint Local { get; }

    /// <summary>The bound port.</summary>
    public int Port => ((IPEndPoint)Local).Port;

    /// <summary>Binds and listens.</summary>
    /// <param name="host">An address or a name; empty, <c>0.0.0.0</c> and <c>::</c> mean every interface, IPv4 and IPv6.</param>
    /// <param name="port">Zero for any free one.</param>
    /// <param name="options">Settings of accepted connections.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="logger">Told when accepting has to pause.</param>
    /// <param name="cancellationToken">For the look-up of a name.</param>
    /// <exception cref="SocketException">The port is taken or forbidden, or the address is not ours.</exception>
    public static async ValueTask<TcpBindListener> BindAsync(
        string host, int port, TcpListenOptions options, TimeProvider timeProvider, ILogger logger, CancellationToken cancellationToken = default)
    {
        var endPoint = await BindAddress.ResolveAsync(host, port, cancellationToken);
        var socket = BindAddress.Bind(endPoint, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // What is accepted inherits it on Linux, which saves three system calls for each connection.
            if (OperatingSystem.IsLinux()) TcpSettings.Apply(socket, options.KeepAlive);
            socket.Listen(Backlog);
            return new TcpBindListener(socket, socket.AcceptAsync, options, timeProvider, logger);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IIncoming?> AcceptAsync(CancellationToken cancellationToken)
    {
        var pause = TimeSpan.Zero;
        while (true)
        {
            Socket socket;
            try
            {
                var accepting = _accept(cancellationToken);
                // Whoever comes is looked after in here, and the thread may be the one that brings everybody's bytes: a crowd must not hold it.
                if (!accepting.IsCompleted) _atOnce = 0;
                else if (++_atOnce % AtOnce == 0) await Task.Yield();
                socket = await accepting;
            }
            catch (Exception e) when (Volatile.Read(ref _disposed) != 0 && e is SocketException or ObjectDisposedException)
            {
                return null;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionAborted or SocketError.ConnectionReset or SocketError.Interrupted)
            {
                continue; // that peer is gone; the next one may be there
            }
            catch (SocketException e)
            {
                if (pause == TimeSpan.Zero) Log.AcceptPaused(_logger, Local, e.Message);
                pause = pause == TimeSpan.Zero ? FirstPause : pause * 2 > LongestPause ? LongestPause : pause * 2;
                if (!await PauseAsync(pause, cancellationToken)) return null;
                continue;
            }

            if (pause != TimeSpan.Zero) Log.AcceptResumed(_logger, Local);
            try
            {
                if (!OperatingSystem.IsLinux()) TcpSettings.Apply(socket, _options.KeepAlive);
                return new SocketConnection(socket);
            }
            catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
            {
                socket.Dispose(); // reset between accept and here: not a peer any more
            }
        }
    }

    /// <summary>Stops listening; accepted connections are not touched.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _stopped.CancelAsync();
        _socket.Dispose();
    }

    private async ValueTask<bool> PauseAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopped.Token);
        try
        {
            await Task.Delay(pause, _timeProvider, either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "cannot accept on {Local}, trying again: {Error}", EventName = "AcceptPaused")]
        public static partial void AcceptPaused(ILogger logger, EndPoint local, string error);

        [LoggerMessage(2, LogLevel.Information, "accepting on {Local} again", EventName = "AcceptResumed")]
        public static partial void AcceptResumed(ILogger logger, EndPoint local);
    }
}

/// <summary>Settings of the connections a port accepts.</summary>
public sealed record TcpListenOptions
{
    /// <summary>Idle time before TCP probes the peer; negative switches probing off.</summary>
    public TimeSpan KeepAlive { get; init; } = TcpSettings.DefaultKeepAlive;
}
