using System.Net.Sockets;
using Frp.Config;
using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

// The ports that clients come to: TCP always, KCP and QUIC where the configuration has a port for them.
public sealed partial class FrpServer
{
    private TcpBindListener? _port;
    private KcpBindListener? _kcp;

    private async ValueTask BindAsync(CancellationToken cancellationToken)
    {
        try
        {
            var options = new TcpListenOptions { KeepAlive = _config.Transport.TcpKeepalive ?? Timeout.InfiniteTimeSpan };
            _port = await TcpBindListener.BindAsync(_config.BindAddr, _config.BindPort, options, _time, _logger, cancellationToken);
        }
        catch (SocketException e)
        {
            throw new IOException($"create server listener error, listen tcp {AddressText.Join(_config.BindAddr, _config.BindPort)}: {e.Message}", e);
        }
        try
        {
            await BindKcpAsync(cancellationToken);
            await BindQuicAsync(cancellationToken);
        }
        catch (Exception)
        {
            await _port.DisposeAsync();
            if (_kcp is not null) await _kcp.DisposeAsync();
            throw;
        }
    }

    private async ValueTask BindKcpAsync(CancellationToken cancellationToken)
    {
        if (_config.KcpBindPort == 0) return;
        try
        {
            _kcp = await KcpBindListener.BindAsync(_config.BindAddr, _config.KcpBindPort, _time, cancellationToken);
        }
        catch (SocketException e)
        {
            throw new IOException($"listen on kcp udp address {AddressText.Join(_config.BindAddr, _config.KcpBindPort)} error: {e.Message}", e);
        }
    }

    private void AcceptAll(TaskScope accepting)
    {
        Log.Listening(_logger, AddressText.Join(_config.BindAddr, _port!.Port));
        var listener = new BindPortListener(_port, () => _settings!.Handshake);
        accepting.Run("accept loop", stopping => AcceptAsync(listener, stopping));
        AcceptQuic(accepting);
        if (_kcp is null) return;
        Log.KcpListening(_logger, AddressText.Join(_config.BindAddr, _kcp.Port));
        var kcp = new BindPortListener(_kcp, () => _settings!.Handshake, isShared: false);
        accepting.Run("kcp accept loop", stopping => AcceptAsync(kcp, stopping));
    }

    private async Task AcceptAsync(BindPortListener listener, CancellationToken cancellationToken)
    {
        while (await listener.AcceptAsync(cancellationToken) is { } incoming)
        {
            if (_strangers.TryEnter(incoming.Remote, _carriers.Stopping) is { } visit)
            {
                visit.IsVerified = () => incoming.IsVerified;
                _carriers.RunChild("carrier", _ => ServeAsync(incoming, visit));
                continue;
            }
            Log.TurnedAway(_logger, incoming.Remote);
            incoming.Abort();
        }
    }

    /// <summary>Nobody comes in any more; who is in stays.</summary>
    private async ValueTask ClosePortsAsync()
    {
        if (_port is not null) await _port.DisposeAsync();
        _kcp?.Stop();
        await CloseQuicPortAsync();
    }

    private static partial class Log
    {
        [LoggerMessage(30, LogLevel.Information, "frps kcp listen on udp {Address}")]
        internal static partial void KcpListening(ILogger logger, string address);
    }
}
