using System.Net.Sockets;
using Frp.Config;
using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies;

/// <summary>The visitor of an sudp proxy: a UDP port, and a connection to the proxy while there is something to say.</summary>
/// <remarks>
/// The first datagram opens the connection; a minute without a message from the proxy's side closes it. When it cannot be opened,
/// what waits for it is dropped, and the next attempt is made a second later at the soonest.
/// </remarks>
internal sealed partial class SudpVisitor(SudpVisitorConfig config, IVisitorHost host) : IVisitor
{
    private const int MaxPort = 65535;
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var socket = await BindAsync(cancellationToken);
        var users = new UserDatagrams(socket, host.Codec, host.DatagramSize, host.Time, host.Logger);
        await using var scope = new TaskScope("sudp visitor", (name, e) => Log.Fault(host.Logger, name, e), cancellationToken);
        scope.Run("user datagrams", users.ReceiveAsync);
        host.ReportOpen();
        try
        {
            while (true)
            {
                await users.WaitForUserAsync(scope.Stopping);
                await ConnectAsync(users, scope.Stopping);
            }
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"the port is of no more use: {scope.Reason}", e);
        }
    }

    /// <summary>Opens a connection and uses it until it ends.</summary>
    private async Task ConnectAsync(UserDatagrams users, CancellationToken cancellationToken)
    {
        long begin = host.Time.GetTimestamp();
        try
        {
            var work = await host.ConnectAsync(cancellationToken);
            Log.Connected(host.Logger);
            var reason = await users.CarryAsync(work.Connection, cancellationToken);
            if (reason.IsExpected || reason.Kind == CloseKind.Timeout) Log.Ended(host.Logger, reason);
            else Log.Broken(host.Logger, reason);
        }
        catch (Exception e) when (e is PeerRefusedException or IOException or TimeoutException)
        {
            Log.NotConnected(host.Logger, e.Message);
            users.DropWaiting();
        }
        var lasted = host.Time.GetElapsedTime(begin);
        if (lasted < Retry) await Task.Delay(Retry - lasted, host.Time, cancellationToken);
    }

    private async ValueTask<Socket> BindAsync(CancellationToken cancellationToken)
    {
        string address = AddressText.Join(config.BindAddr, config.BindPort);
        if (config.BindPort is < 0 or > MaxPort) throw new IOException($"listen udp {address}: invalid port");
        try
        {
            var endPoint = await BindAddress.ResolveAsync(config.BindAddr, config.BindPort, cancellationToken);
            return BindAddress.Bind(endPoint, SocketType.Dgram, ProtocolType.Udp);
        }
        catch (SocketException e)
        {
            throw new IOException($"listen udp {address}: {e.Message}", e);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "a connection for datagrams begins")]
        internal static partial void Connected(ILogger logger);

        [LoggerMessage(2, LogLevel.Debug, "the connection for datagrams ended: {Reason}")]
        internal static partial void Ended(ILogger logger, CloseReason reason);

        [LoggerMessage(3, LogLevel.Warning, "the connection for datagrams ended: {Reason}")]
        internal static partial void Broken(ILogger logger, CloseReason reason);

        [LoggerMessage(4, LogLevel.Warning, "start new visitor connection error: {Cause}")]
        internal static partial void NotConnected(ILogger logger, string cause);

        [LoggerMessage(5, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
