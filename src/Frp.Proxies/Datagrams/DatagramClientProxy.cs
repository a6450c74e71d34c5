using System.Net.Sockets;
using Frp.Config;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies;

/// <summary>The client half of udp and sudp: each work connection carries the datagrams of many users.</summary>
internal sealed partial class DatagramClientProxy : IClientProxy
{
    // Source: as for connecting to a local service.
    private static readonly TimeSpan ResolveTimeout = TimeSpan.FromSeconds(10);

    private readonly ProxyConfig _config;
    private readonly IClientProxyHost _host;
    private readonly bool _single;
    private readonly CancellationTokenSource _ending = new();
    private LocalDatagrams? _current;

    /// <summary>Creates the half.</summary>
    /// <param name="config">The service and what it wants to know.</param>
    /// <param name="host">The client.</param>
    /// <param name="single">Whether a new work connection takes the place of the one before (wire specification §14.3).</param>
    internal DatagramClientProxy(ProxyConfig config, IClientProxyHost host, bool single) => (_config, _host, _single) = (config, host, single);

    public async Task ServeAsync(Connection work, StartWorkConn start, RelayEnd end, CancellationToken cancellationToken)
    {
        LocalDatagrams datagrams;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _ending.Token);
        try
        {
            using var deadline = new Deadline(ResolveTimeout, _host.Time, either.Token);
            // Anew for each connection, so that a service may move.
            var service = await BindAddress.ResolveAsync(_config.LocalIP, _config.LocalPort, deadline.Token);
            datagrams = new LocalDatagrams(service, _host.Codec, _host.DatagramSize, _config.Transport.ProxyProtocolVersion, _host.Time, _host.Logger);
        }
        catch (Exception e)
        {
            await work.DisposeAsync();
            if (e is not (SocketException or OperationCanceledException)) throw;
            Log.Unresolved(_host.Logger, _config.LocalIP, e.Message);
            return;
        }
        if (_single) Interlocked.Exchange(ref _current, datagrams)?.Close();
        Log.Begun(_host.Logger);
        var reason = await datagrams.RunAsync(work, either.Token);
        Interlocked.CompareExchange(ref _current, null, datagrams);
        if (reason.IsExpected) Log.Ended(_host.Logger, reason);
        else Log.Broken(_host.Logger, reason);
    }

    /// <inheritdoc/>
    public void Withdraw() => _ending.Cancel();

    public ValueTask DisposeAsync()
    {
        Withdraw();
        return ValueTask.CompletedTask;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "local service [{Host}] has no address: {Cause}")]
        internal static partial void Unresolved(ILogger logger, string host, string cause);

        [LoggerMessage(2, LogLevel.Debug, "a work connection for datagrams begins")]
        internal static partial void Begun(ILogger logger);

        [LoggerMessage(3, LogLevel.Debug, "a work connection for datagrams ended: {Reason}")]
        internal static partial void Ended(ILogger logger, CloseReason reason);

        [LoggerMessage(4, LogLevel.Warning, "a work connection for datagrams ended: {Reason}")]
        internal static partial void Broken(ILogger logger, CloseReason reason);
    }
}
