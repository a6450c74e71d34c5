using System.Security.Cryptography;
using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Client;

/// <summary>The first login failed and the configuration says that this ends the client.</summary>
public sealed class LoginFailedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The frp client: logs in to a server, registers its proxies and serves their users from local services.
/// </summary>
/// <remarks>
/// <para>Any program can run any number of clients; nothing in here is global. Start it once; it comes back to the server by itself
/// until it is stopped.</para>
/// <para><b>Concurrency.</b> All members may be called from any thread.</para>
/// </remarks>
public sealed partial class FrpClient : IAsyncDisposable
{
    private readonly ClientConfig _config;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _giveUp = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskScope _users;
    private readonly ClientContext _context;
    private readonly ReconnectPolicy _reconnect;
    private ClientSession? _session;
    private Task? _completion;
    private string _runId = "";

    /// <summary>Prepares a client; nothing happens before <see cref="Start"/>.</summary>
    /// <param name="config">The configuration, loaded and validated. Not changed, and not to be changed, from here on.</param>
    /// <param name="loggers">Where the client logs.</param>
    /// <param name="time">The clock; the system's by default.</param>
    public FrpClient(ClientConfig config, ILoggerFactory loggers, TimeProvider? time = null)
    {
        (_config, _time) = (config, time ?? TimeProvider.System);
        _logger = loggers.CreateLogger("client/service");
        _users = new TaskScope("work connections", (name, e) => Log.Fault(_logger, name, e));
        _reconnect = new ReconnectPolicy(_time, static () => RandomNumberGenerator.GetInt32(1000) / 1000.0);
        var proxyLogger = loggers.CreateLogger("client/proxy");
        _context = new ClientContext
        {
            Config = config,
            Loggers = loggers,
            Time = _time,
            Auth = new TokenProver(config.Auth, config.Auth.Token, _time),
            Wire = config.Transport.WireProtocol == "v2" ? WireVersion.V2 : WireVersion.V1,
            StreamKey = StreamKey.Derive(config.Auth.Token),
            Proxies = [.. config.Proxies.OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => new ManagedProxy(ProxyKinds.Find(p.Type)!, p, config.User, proxyLogger, _time))],
            Users = _users,
            Stopping = _giveUp.Token,
        };
    }

    /// <summary>Completes when the client has stopped. Faults with <see cref="LoginFailedException"/> when the first login failed and that was to be the end.</summary>
    public Task Completion => _completion ?? throw new InvalidOperationException("the client has not been started");

    /// <summary>The state of every proxy.</summary>
    public IReadOnlyList<ProxyStatus> Proxies => [.. _context.Proxies.Select(p => p.Status)];

    /// <summary>Work connections that are open, waiting or busy.</summary>
    public int OpenWorkConnections => _users.Count;

    /// <summary>Starts logging in. Does not wait for it.</summary>
    public void Start()
    {
        if (_completion is not null) throw new InvalidOperationException("the client has been started already");
        _completion = RunAsync();
    }

    /// <summary>Stops: proxies are withdrawn, open connections get <paramref name="drain"/> to finish, the rest is cut.</summary>
    public async Task StopAsync(TimeSpan drain)
    {
        await _stop.CancelAsync();
        if (_completion is null) return;
        if (Volatile.Read(ref _session) is { } session)
        {
            try
            {
                using var deadline = new Deadline(drain, _time, CancellationToken.None);
                await session.WithdrawAsync(deadline.Token);
                await _users.WaitForIdleAsync(deadline.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException)
            {
                Log.Undrained(_logger, _users.Count);
            }
        }
        await _giveUp.CancelAsync();
        await _completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Stops at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        await _users.DisposeAsync();
        _giveUp.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        bool first = true;
        while (!_stop.IsCancellationRequested)
        {
            TimeSpan delay;
            try
            {
                await RunSessionAsync();
                delay = _reconnect.AfterLoss();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                if (_stop.IsCancellationRequested) return;
                Log.LoginFailed(_logger, e.Message);
                if (first && _config.LoginFailExit)
                {
                    throw new LoginFailedException($"login to the server failed: {e.Message}. With loginFailExit enabled, no additional retries will be attempted", e);
                }
                delay = _reconnect.AfterFailure();
            }
            first = first && _runId.Length == 0;
            if (delay > TimeSpan.Zero) await Task.Delay(delay, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task RunSessionAsync()
    {
        Log.Connecting(_logger);
        await using var session = await LoginFlow.ConnectAsync(_context, _runId, _stop.Token);
        _runId = session.RunId;
        _reconnect.Succeeded();
        Log.LoggedIn(_logger, PeerText.Escape(_runId, 64));
        Volatile.Write(ref _session, session);
        try
        {
            var reason = await session.RunAsync();
            if (!_stop.IsCancellationRequested) Log.Lost(_logger, reason);
        }
        finally
        {
            Volatile.Write(ref _session, null);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "try to connect to server...")]
        internal static partial void Connecting(ILogger logger);

        [LoggerMessage(2, LogLevel.Warning, "connect to server error: {Cause}")]
        internal static partial void LoginFailed(ILogger logger, string cause);

        [LoggerMessage(3, LogLevel.Information, "login to server success, get run id [{RunId}]")]
        internal static partial void LoggedIn(ILogger logger, string runId);

        [LoggerMessage(4, LogLevel.Warning, "session lost: {Reason}")]
        internal static partial void Lost(ILogger logger, CloseReason reason);

        [LoggerMessage(5, LogLevel.Warning, "{Count} connections were cut: they did not finish in time")]
        internal static partial void Undrained(ILogger logger, int count);

        [LoggerMessage(6, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
