using System.Security.Cryptography;
using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Client;

/// <summary>The first login failed and the configuration says that this ends the client.</summary>
public sealed class LoginFailedException(string message, Exception? inner = null) : IOException(message, inner);

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
    // Source: http-api specification §6: the answer first.
    private static readonly TimeSpan RequestedStopDelay = TimeSpan.FromMilliseconds(100);

    private readonly ClientConfig _config;
    private readonly ILoggerFactory _loggers;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _giveUp = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskScope _users;
    private readonly TaskScope _requested;
    private readonly Wakening _wakening = new();
    private readonly ProxyTable _proxies;
    private readonly VisitorTable _visitors;
    private readonly ConfigChanges _changes;
    private readonly ClientConfigFile? _file;
    private readonly ReconnectPolicy _reconnect;
    private IProver? _prover;
    private AdminServer? _admin;
    private ClientSession? _session;
    private Task? _completion;
    private string _runId = "";

    /// <summary>Prepares a client that can reload its configuration; nothing happens before <see cref="StartAsync"/>.</summary>
    /// <param name="file">The configuration's file, opened for this client.</param>
    /// <param name="loggers">Where the client logs.</param>
    /// <param name="time">The clock; the system's by default.</param>
    public FrpClient(ClientConfigFile file, ILoggerFactory loggers, TimeProvider? time = null) : this((file ?? throw new ArgumentNullException(nameof(file))).Loaded.Config, loggers, time, file)
    {
    }

    /// <summary>Prepares a client whose configuration is in no file; nothing happens before <see cref="StartAsync"/>.</summary>
    /// <param name="config">The configuration, loaded and validated. Not changed, and not to be changed, from here on.</param>
    /// <param name="loggers">Where the client logs.</param>
    /// <param name="time">The clock; the system's by default.</param>
    public FrpClient(ClientConfig config, ILoggerFactory loggers, TimeProvider? time = null) : this(config, loggers, time, null)
    {
    }

    private FrpClient(ClientConfig config, ILoggerFactory loggers, TimeProvider? time, ClientConfigFile? file)
    {
        (_config, _loggers, _time, _file) = (config, loggers, time ?? TimeProvider.System, file);
        _logger = loggers.CreateLogger("client/service");
        _users = new TaskScope("users", (name, e) => Log.Fault(_logger, name, e));
        _requested = new TaskScope("requested stop", (name, e) => Log.Fault(_logger, name, e));
        _reconnect = new ReconnectPolicy(_time, static () => RandomNumberGenerator.GetInt32(1000) / 1000.0);
        _proxies = new ProxyTable(config, loggers.CreateLogger("client/proxy"), _time, _wakening, _stop.Token);
        _visitors = new VisitorTable(config, _users, loggers.CreateLogger("client/visitor"), _time);
        _changes = new ConfigChanges(config, file, _proxies, _visitors, loggers.CreateLogger("client/config"));
    }

    /// <summary>Completes when the client has stopped. Faults with <see cref="LoginFailedException"/> when the first login failed and that was to be the end.</summary>
    public Task Completion => _completion ?? throw new InvalidOperationException("the client has not been started");

    /// <summary>The state of every proxy.</summary>
    public IReadOnlyList<ProxyStatus> Proxies => [.. _proxies.All.Select(p => p.Status)];

    /// <summary>The state of every visitor.</summary>
    public IReadOnlyList<VisitorStatus> Visitors => _visitors.Statuses;

    /// <summary>Users that are being served.</summary>
    public int UserCount => _users.Count;

    /// <summary>What the client holds, in one line for people.</summary>
    public string DescribeState()
    {
        var statuses = Proxies;
        int waiting = Volatile.Read(ref _session)?.WorkCount ?? 0;
        return $"{statuses.Count(p => p.Phase == ProxyPhase.Running)} of {statuses.Count} proxies running, {Visitors.Count(v => v.Phase == VisitorPhase.Running)} visitors, {waiting} pieces of work in the session, {UserCount} users";
    }

    /// <summary>Starts logging in. Does not wait for it.</summary>
    /// <exception cref="ConfigException">The configuration asks for what cannot be had: a secret's source, a certificate file, a transport.</exception>
    /// <exception cref="IOException">The admin API's port cannot be had.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_completion is not null) throw new InvalidOperationException("the client has been started already");
        if (_config.Store.Path.Length > 0 && _file is null) throw new ConfigException("store.path needs a configuration file, to which it is relative");
        string token = await _config.Auth.ResolveTokenAsync(cancellationToken);
        _prover = Provers.Create(_config.Auth, token, _loggers, _time);
        var context = new ClientContext
        {
            Config = _config,
            Dialer = Dialers.Create(_config, _time, _loggers.CreateLogger("client/tls")),
            Loggers = _loggers,
            Time = _time,
            Auth = _prover,
            Token = token,
            Proxies = _proxies,
            Wakening = _wakening,
            Users = _users,
            Stopping = _giveUp.Token,
        };
        if (context.Dialer.TrustsAnybody) Log.Unverified(_logger);
        if (_config.WebServer.Port > 0) await StartAdminAsync(cancellationToken);
        _proxies.WatchHealth();
        _completion = RunAsync(context);
    }

    /// <summary>What open connections get to finish when the admin API asks for a stop; 10 s unless said otherwise.</summary>
    public TimeSpan RequestedStopTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Waits until a proxy is running.</summary>
    /// <param name="name">Its name in the configuration.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task WaitUntilRunningAsync(string name, CancellationToken cancellationToken) =>
        (_proxies.FindByName(name) ?? throw new ArgumentException($"there is no proxy [{name}]", nameof(name))).WaitUntilRunningAsync(cancellationToken);

    /// <summary>
    /// Reads the configuration file again and changes what is different: proxies and visitors that are wanted as they are notice nothing, those
    /// that are not any more are closed (their users may finish), new ones start. Of the common options only <c>start</c> and
    /// <c>includes</c> take effect; the log names the others that have changed. Reloads happen one after another, in whatever state the client is.
    /// </summary>
    /// <param name="strict">Whether unknown keys are mistakes; null for as at the start.</param>
    /// <param name="cancellationToken">Gives up waiting for another reload.</param>
    /// <exception cref="ConfigException">The file cannot be read or used, or the client has none; nothing has changed. All mistakes are listed.</exception>
    /// <exception cref="IOException">The client is stopping.</exception>
    public Task ReloadAsync(bool? strict = null, CancellationToken cancellationToken = default) => _changes.ReloadAsync(strict, cancellationToken);

    /// <summary>Waits until a visitor's door has been opened, which it is from then on until it is closed for good.</summary>
    /// <param name="name">Its name in the configuration.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task WaitUntilVisitorOpenAsync(string name, CancellationToken cancellationToken) => _visitors.WaitUntilOpenAsync(name, cancellationToken);

    /// <summary>Stops: proxies are withdrawn, open connections get <paramref name="drain"/> to finish, the rest is cut.</summary>
    public async Task StopAsync(TimeSpan drain)
    {
        using var deadline = new Deadline(drain, _time, CancellationToken.None);
        var unchanging = _changes.CloseAsync(deadline.Token); // refuses from here on: who sees the end must not be able to change anything
        await _stop.CancelAsync();
        if (_admin is not null) await _admin.StopAsync();
        await unchanging.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _visitors.DisposeAsync();
        if (_completion is null) return;
        if (Volatile.Read(ref _session) is { } session)
        {
            try
            {
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
        await _changes.CloseAsync(CancellationToken.None);
        await _users.DisposeAsync();
        await _proxies.DisposeAsync();
        await _requested.DisposeAsync();
        if (_admin is not null) await _admin.DisposeAsync();
        _prover?.Dispose();
        _giveUp.Dispose();
        _stop.Dispose();
    }

    // What the web server needs is loaded in here, and nowhere else.
    private async Task StartAdminAsync(CancellationToken cancellationToken)
    {
        var subject = new AdminSubject(_config, _file, _proxies, _visitors, _changes, RequestStop);
        _admin = await AdminServer.StartAsync(subject, DescribeState, _loggers.CreateLogger("client/admin"), _time, cancellationToken);
    }

    private void RequestStop() => _requested.RunChild("requested stop", async _ =>
    {
        await Task.Delay(RequestedStopDelay, _time, CancellationToken.None);
        await StopAsync(RequestedStopTime);
    });

    private async Task RunAsync(ClientContext context)
    {
        try
        {
            await KeepLoggedInAsync(context);
        }
        finally
        {
            if (_admin is not null) await _admin.StopAsync();
        }
    }

    private async Task KeepLoggedInAsync(ClientContext context)
    {
        bool first = true;
        while (!_stop.IsCancellationRequested)
        {
            TimeSpan delay;
            try
            {
                await RunSessionAsync(context);
                delay = _reconnect.AfterLoss();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                if (_stop.IsCancellationRequested) return;
                if (e is PeerRefusedException) context.Auth.OnRefused();
                string cause = TlsFailure.MessageOf(e);
                Log.LoginFailed(_logger, cause);
                if (first && _config.LoginFailExit)
                {
                    throw new LoginFailedException($"login to the server failed: {cause}. With loginFailExit enabled, no additional retries will be attempted", e);
                }
                delay = _reconnect.AfterFailure();
            }
            first = first && _runId.Length == 0;
            if (delay > TimeSpan.Zero) await Task.Delay(delay, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task RunSessionAsync(ClientContext context)
    {
        Log.Connecting(_logger);
        await using var session = await LoginFlow.ConnectAsync(context, _runId, _stop.Token);
        _runId = session.RunId;
        _reconnect.Succeeded();
        Log.LoggedIn(_logger, PeerText.Escape(_runId, 64));
        Volatile.Write(ref _session, session);
        _visitors.OnSession(session);
        try
        {
            var reason = await session.RunAsync();
            if (!_stop.IsCancellationRequested) Log.Lost(_logger, reason);
        }
        finally
        {
            Volatile.Write(ref _session, null);
            _visitors.OnSessionLost();
            _proxies.OnSessionLost();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "try to connect to server...")]
        internal static partial void Connecting(ILogger logger);

        [LoggerMessage(7, LogLevel.Warning, "the server is not verified, so that anybody on the way can pose as it: set transport.tls.pinnedKey to the key that frps tells in its log, or transport.tls.trustedCaFile, trustSystemCAs or trustOnFirstUseFile")]
        internal static partial void Unverified(ILogger logger);

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
