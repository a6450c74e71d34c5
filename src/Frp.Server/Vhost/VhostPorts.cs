using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Frp.Config;
using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>
/// The doors of the virtual-host fronts: ports of their own, or rules on the bind port where the numbers and addresses are equal.
/// </summary>
/// <remarks>Source: wire specification §3.1, §3.2.</remarks>
internal sealed partial class VhostPorts : IAsyncDisposable
{
    // Users who have not said yet what they want: far more than an honest crowd has at a time.
    private const int MaxWaiting = 4096;

    private readonly WaitingRoom _waiting = new(MaxWaiting);
    private readonly ServerConfig _config;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly TaskScope _accepting;
    private readonly TaskScope _connections;
    private readonly List<TcpBindListener> _listeners = [];
    private readonly List<PrefaceRule> _sharing = [];

    /// <summary>No door is open yet.</summary>
    internal VhostPorts(ServerConfig config, TimeProvider time, ILogger logger)
    {
        (_config, _time, _logger) = (config, time, logger);
        _accepting = new TaskScope("vhost ports", (name, e) => Log.Fault(_logger, name, e));
        _connections = new TaskScope("vhost connections", (name, e) => Log.Fault(_logger, name, e));
    }

    /// <summary>Rules for the bind port, which it shares with those fronts that have no port of their own.</summary>
    internal IReadOnlyList<PrefaceRule> Sharing => _sharing;

    /// <summary>Connections that a front has not handed on yet.</summary>
    internal int ConnectionCount => _connections.Count;

    /// <summary>Opens a front's door.</summary>
    /// <param name="name">For logs: <c>http service</c>.</param>
    /// <param name="port">The configured port.</param>
    /// <param name="front">Serves what comes in. Not owned.</param>
    /// <param name="mayShare">How its connections are told from others on the bind port; null when it never shares.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="IOException">The port cannot be had.</exception>
    internal async ValueTask OpenAsync(string name, int port, IVhostFront front, PrefaceMatch? mayShare, CancellationToken cancellationToken)
    {
        if (mayShare is not null && port == _config.BindPort && _config.ProxyBindAddr == _config.BindAddr)
        {
            _sharing.Add(new PrefaceRule(name, mayShare, (connection, _) =>
            {
                Serve(name, connection, front);
                return ValueTask.FromResult<Connection?>(null);
            }));
            return;
        }
        TcpBindListener listener;
        try
        {
            listener = await TcpBindListener.BindAsync(_config.ProxyBindAddr, port, new TcpListenOptions(), _time, _logger, cancellationToken);
        }
        catch (SocketException e)
        {
            throw new IOException($"create vhost {name} listener error, listen tcp {AddressText.Join(_config.ProxyBindAddr, port)}: {e.Message}", e);
        }
        _listeners.Add(listener);
        _accepting.Run(name, token => AcceptAsync(name, listener, front, token));
        Log.Listening(_logger, name, AddressText.Join(_config.ProxyBindAddr, listener.Port));
    }

    /// <summary>Takes nobody in any more. Connections that have been handed on are not touched.</summary>
    internal async ValueTask CloseAsync()
    {
        foreach (var listener in _listeners) await listener.DisposeAsync();
        await _accepting.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await _connections.DisposeAsync();
    }

    private async Task AcceptAsync(string name, TcpBindListener listener, IVhostFront front, CancellationToken cancellationToken)
    {
        while (await listener.AcceptAsync(cancellationToken) is { } incoming)
        {
            // A bare socket needs no handshake: this does not wait.
            if (await incoming.HandshakeAsync(cancellationToken) is { } connection) Serve(name, connection, front);
        }
    }

    private void Serve(string name, Connection connection, IVhostFront front) => _connections.RunChild(name, token => ServeAsync(connection, front, token));

    private async Task ServeAsync(Connection connection, IVhostFront front, CancellationToken cancellationToken)
    {
        EndPoint? remote = connection.Remote;
        using var place = _waiting.Enter(connection.Abort);
        try
        {
            await front.ServeAsync(connection, cancellationToken);
        }
        catch (Exception e) when (e is IOException or TimeoutException or SocketException or AuthenticationException)
        {
            Log.Refused(_logger, remote, e.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Name} listen on {Address}")]
        internal static partial void Listening(ILogger logger, string name, string address);

        [LoggerMessage(2, LogLevel.Debug, "connection of [{Remote}] refused: {Cause}")]
        internal static partial void Refused(ILogger logger, EndPoint? remote, string cause);

        [LoggerMessage(3, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
