using System.Net.Sockets;
using System.Runtime.Versioning;
using Frp.Config;
using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

// The port for QUIC, whose connections are multiplexers themselves: no first byte decides, and tcpMux does not matter.
public sealed partial class FrpServer
{
    private QuicBindListener? _quic;

    /// <exception cref="IOException">The port cannot be had.</exception>
    private async ValueTask BindQuicAsync(CancellationToken cancellationToken)
    {
        if (_config.QuicBindPort == 0) return;
        if (!QuicPlatform.IsSupported)
        {
            Log.QuicMissing(_logger, QuicPlatform.Missing);
            return;
        }
        var quic = _config.Transport.Quic;
        var settings = new QuicSettings { KeepAlive = quic.KeepalivePeriod, IdleTimeout = quic.MaxIdleTimeout, MaxStreams = quic.MaxIncomingStreams };
        try
        {
            _quic = await QuicBindListener.BindAsync(_config.BindAddr, _config.QuicBindPort, () => _settings!.Identity, settings,
                (remote, why) => Log.HandshakeFailed(_logger, remote, why), _time, cancellationToken);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            throw new IOException($"listen on quic udp address {AddressText.Join(_config.BindAddr, _config.QuicBindPort)} error: {e.Message}", e);
        }
    }

    private void AcceptQuic(TaskScope accepting)
    {
        if (_quic is not { } listener || !QuicPlatform.IsSupported) return;
        Log.QuicListening(_logger, AddressText.Join(_config.BindAddr, listener.Port));
        accepting.Run("quic accept loop", token => QuicPlatform.IsSupported ? AcceptQuicAsync(listener, token) : Task.CompletedTask);
    }

    private ValueTask CloseQuicPortAsync() => _quic is { } listener && QuicPlatform.IsSupported ? listener.DisposeAsync() : ValueTask.CompletedTask;

    [SupportedOSPlatform("linux")]
    [SupportedOSPlatform("macos")]
    [SupportedOSPlatform("windows")]
    private async Task AcceptQuicAsync(QuicBindListener listener, CancellationToken cancellationToken)
    {
        while (await listener.AcceptAsync(e => Log.QuicRefused(_logger, e.Message), cancellationToken) is { } link)
        {
            if (_strangers.TryEnter(link.Remote, _carriers.Stopping) is { } visit)
            {
                _carriers.RunChild("carrier", _ => ServeLinkAsync(link, visit));
                continue;
            }
            Log.TurnedAway(_logger, link.Remote);
            _carriers.RunChild("refusal", _ => link.DisposeAsync().AsTask());
        }
    }

    [SupportedOSPlatform("linux")]
    [SupportedOSPlatform("macos")]
    [SupportedOSPlatform("windows")]
    private async Task ServeLinkAsync(QuicLink link, Visit visit)
    {
        await using (link)
        using (visit)
        {
            var streams = new TaskScope("quic connection", OnFault, visit.Stopping);
            await using (streams)
            {
                try
                {
                    await AcceptStreamsAsync(async token => await link.AcceptAsync(token), visit, streams, visit.Stopping);
                }
                catch (OperationCanceledException) when (visit.Stopping.IsCancellationRequested)
                {
                    if (visit.IsEvicted) Log.Evicted(_logger, link.Remote);
                }
                catch (IOException e)
                {
                    var end = QuicLink.ReasonOf(e);
                    Log.CarrierEnded(_logger, link.Remote, end);
                    streams.Close(end);
                }
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(31, LogLevel.Information, "frps quic listen on {Address}")]
        internal static partial void QuicListening(ILogger logger, string address);

        [LoggerMessage(32, LogLevel.Warning, "quicBindPort is set, but it is not served: {Cause}")]
        internal static partial void QuicMissing(ILogger logger, string cause);

        [LoggerMessage(33, LogLevel.Debug, "a QUIC handshake failed: {Cause}")]
        internal static partial void QuicRefused(ILogger logger, string cause);
    }
}
