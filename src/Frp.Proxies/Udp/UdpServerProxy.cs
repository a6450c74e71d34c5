using System.Globalization;
using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies;

/// <summary>The server half of a udp proxy: a port, and the one work connection that carries all of its users.</summary>
/// <remarks>What users send while there is no work connection waits for the next one, within the bounds of the queue.</remarks>
internal sealed partial class UdpServerProxy : IServerProxy
{
    // Source: wire specification §14.3. The client has to have read the registration's answer first.
    private static readonly TimeSpan FirstRequest = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    private readonly IServerProxyHost _host;
    private readonly IUdpPort _port;
    private readonly UserDatagrams _users;

    private UdpServerProxy(IServerProxyHost host, IUdpPort port)
    {
        (_host, _port) = (host, port);
        _users = new UserDatagrams(port.Socket, host.Codec, host.Config.UdpPacketSize, host.Time, host.Logger);
    }

    public string RemoteAddress => string.Create(CultureInfo.InvariantCulture, $":{_port.Port}");

    /// <summary>Opens the port.</summary>
    /// <exception cref="PeerRefusedException">The port cannot be had.</exception>
    internal static async ValueTask<IServerProxy> StartAsync(IServerProxyHost host, CancellationToken cancellationToken)
    {
        var proxy = new UdpServerProxy(host, await host.BindUdpAsync(host.Registration.RemotePort, cancellationToken));
        host.Scope.Run("user datagrams", proxy._users.ReceiveAsync);
        host.Scope.Run("work connection", proxy.KeepConnectedAsync);
        return proxy;
    }

    public ValueTask DisposeAsync() => _port.DisposeAsync();

    /// <summary>Sees to it that there is one work connection.</summary>
    private async Task KeepConnectedAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(FirstRequest, _host.Time, cancellationToken);
        while (true)
        {
            long begin = _host.Time.GetTimestamp();
            if (await _host.OpenWorkAsync(null, null, cancellationToken) is { } work)
            {
                var reason = await _users.CarryAsync(work.Connection, cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
                if (reason.IsExpected) Log.Ended(_host.Logger, reason);
                else Log.Broken(_host.Logger, reason);
            }
            // A client that closes each at once gets one in a second.
            var lasted = _host.Time.GetElapsedTime(begin);
            if (lasted < Retry) await Task.Delay(Retry - lasted, _host.Time, cancellationToken);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "the work connection for datagrams ended: {Reason}")]
        internal static partial void Ended(ILogger logger, CloseReason reason);

        [LoggerMessage(2, LogLevel.Warning, "the work connection for datagrams ended: {Reason}")]
        internal static partial void Broken(ILogger logger, CloseReason reason);
    }
}
