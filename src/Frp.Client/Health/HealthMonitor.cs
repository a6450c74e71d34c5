using System.Globalization;
using System.Net.Sockets;
using Frp.Config;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Client;

/// <summary>Asks a local service again and again how it is, and tells when that has changed.</summary>
/// <remarks>
/// <para>A service counts as down until it has answered once. It counts as down again after so many failures in a row as the configuration
/// says, and as up after one success.</para>
/// <para><b>Concurrency.</b> One task asks, one attempt after another; there is never more than one connection.</para>
/// <para><b>Source.</b> Wire specification §13, configuration specification §7.5.</para>
/// </remarks>
internal sealed partial class HealthMonitor
{
    private readonly HealthCheckConfig _config;
    private readonly string _host;
    private readonly int _port;
    private readonly Uri? _address;
    private readonly (string Name, string Value)[] _headers = [];
    private readonly TimeProvider _time;
    private readonly Func<ILogger> _logger;
    private readonly Action<bool> _changed;

    /// <summary>Prepares the checks.</summary>
    /// <param name="config">Completed; its type is not empty.</param>
    /// <param name="host">The service.</param>
    /// <param name="port">The service.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where failed attempts are told.</param>
    /// <param name="changed">Told when the service has come up or gone down. Must not wait.</param>
    internal HealthMonitor(HealthCheckConfig config, string host, int port, TimeProvider time, Func<ILogger> logger, Action<bool> changed)
    {
        (_config, _host, _port, _time, _logger, _changed) = (config, host, port, time, logger, changed);
        if (config.Type != "http") return;
        string path = config.Path.StartsWith('/') ? config.Path : "/" + config.Path;
        _ = Uri.TryCreate($"http://{AddressText.Join(host, port)}{path}", UriKind.Absolute, out _address);
        _headers = [.. config.HttpHeaders.Select(h => (h.Name, h.Value))];
    }

    /// <summary>The monitor that a proxy's configuration asks for; null for none.</summary>
    internal static HealthMonitor? For(ProxyConfig proxy, TimeProvider time, Func<ILogger> logger, Action<bool> changed) =>
        proxy.HealthCheck.Type.Length > 0 && proxy.LocalPort > 0 ? new HealthMonitor(proxy.HealthCheck, proxy.LocalIP, proxy.LocalPort, time, logger, changed) : null;

    /// <summary>Asks until it is cancelled. The first attempt is made at once.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        bool isUp = false;
        int failures = 0;
        while (true)
        {
            if (await TryAsync(cancellationToken))
            {
                failures = 0;
                if (!isUp) _changed(isUp = true);
            }
            else if (++failures >= _config.MaxFailed && isUp)
            {
                _changed(isUp = false);
            }
            await Task.Delay(_config.Interval, _time, cancellationToken);
        }
    }

    private async ValueTask<bool> TryAsync(CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(_config.Timeout, _time, cancellationToken);
        try
        {
            if (_config.Type == "tcp")
            {
                await using var connection = await TcpDialer.DialAsync(_host, _port, new TcpDialOptions { Timeout = Timeout.InfiniteTimeSpan }, _time, deadline.Token);
                return true;
            }
            if (_address is null) throw new IOException("the address is malformed");
            int status = await HttpProbe.GetAsync(_address, _headers, _time, deadline.Token);
            if (status is >= 200 and < 300) return true;
            Log.Failed(_logger(), string.Create(CultureInfo.InvariantCulture, $"health check got status {status}"));
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            Log.Failed(_logger(), deadline.Passed("answer").Message);
        }
        catch (Exception e) when (e is SocketException or IOException or ProtocolViolationException or TimeoutException)
        {
            Log.Failed(_logger(), PeerText.Escape(e.Message, 256));
        }
        return false;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "do one health check failed: {Cause}")]
        internal static partial void Failed(ILogger logger, string cause);
    }
}
