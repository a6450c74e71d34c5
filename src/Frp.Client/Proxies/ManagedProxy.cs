using System.Net.Sockets;
using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Client;

/// <summary>Where a proxy of the client stands.</summary>
public enum ProxyPhase
{
    /// <summary>Not registered yet.</summary>
    New,
    /// <summary>Registered; the server has not answered.</summary>
    WaitStart,
    /// <summary>The server refused it; it will be registered again.</summary>
    StartError,
    /// <summary>Users can reach it.</summary>
    Running,
    /// <summary>The local service is down; the server was told to take the proxy away.</summary>
    CheckFailed,
    /// <summary>Closed for good.</summary>
    Closed,
}

/// <summary>What is known about a proxy at one moment.</summary>
/// <param name="Name">Its name in the configuration.</param>
/// <param name="Type">Its kind.</param>
/// <param name="Phase">Where it stands.</param>
/// <param name="RemoteAddress">Where users reach it, as the server said; empty unless running.</param>
/// <param name="Error">Why it is not running; empty otherwise.</param>
public sealed record ProxyStatus(string Name, string Type, ProxyPhase Phase, string RemoteAddress, string Error);

/// <summary>One configured proxy of the client, over all sessions: its registration, its state and its supervision.</summary>
/// <remarks>
/// <para>It lives until the configuration wants it no more, or wants it different. Then it is closed: the server is told, no user comes in
/// any more, and those who are here finish before its half ends.</para>
/// <b>Concurrency.</b> One lock around the state. Registering and answers come from the session, the supervision from its timer,
/// the service's health from its monitor, which goes on between sessions, status from anywhere.
/// </remarks>
internal sealed partial class ManagedProxy : IClientProxyHost, IAsyncDisposable
{
    // Source: wire specification §13.
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RetryAfterError = TimeSpan.FromSeconds(30);
    private static readonly TcpDialOptions LocalDialOptions = new() { Timeout = TimeSpan.FromSeconds(10) };

    private readonly Lock _lock = new();
    private readonly ClientConfig _client;
    private readonly IClientProxy? _proxy;
    private readonly ILogger _baseLogger;
    private readonly HealthMonitor? _health;
    private readonly CancellationTokenSource? _watching;
    private readonly Action _wake;
    private int _users;
    private TaskCompletionSource? _lastUserLeft; // of a closed proxy that has users
    private bool _isUp;
    private bool _withdraw; // registered, and the service has gone down: the server has to be told
    private int _unanswered; // registrations of this session
    private ProxyPhase _phase;
    private string _remoteAddress = "";
    private string _error = "";
    private long _since;
    private TaskCompletionSource _running = NewSignal();

    /// <summary>Prepares the proxy.</summary>
    /// <param name="config">The proxy.</param>
    /// <param name="client">The client's configuration.</param>
    /// <param name="logger">The proxies' log.</param>
    /// <param name="time">The clock.</param>
    /// <param name="wake">Makes the session look at its proxies without waiting for its timer. Must not wait.</param>
    internal ManagedProxy(ProxyConfig config, ClientConfig client, ILogger logger, TimeProvider time, Action wake)
    {
        var kind = ProxyKinds.Find(config.Type) ?? throw new ArgumentException($"unknown proxy type: {config.Type}", nameof(config));
        (Config, _client, _baseLogger, Time, Registration, _wake) = (config, client, logger, time, kind.ToMessage(config, client.User), wake);
        Logger = PrefixLogger.Append(logger, config.Name);
        if (config.Transport.BandwidthLimitMode != "server") WireLimit = BandwidthLimiter.For(config.Transport.BandwidthLimit.BytesPerSecond, time);
        try
        {
            _proxy = kind.CreateClient(config, this);
            if (_proxy is null) _error = $"{(config.Plugin is { } plugin ? $"plugin [{plugin.Type}]" : $"proxy type [{kind.Name}]")} is not supported by this release of the client yet";
        }
        catch (TlsFileException e)
        {
            _error = e.Message;
        }
        _health = _proxy is null ? null : HealthMonitor.For(config, time, () => Logger, OnHealth);
        _watching = _health is null ? null : new CancellationTokenSource();
        _isUp = _health is null;
    }

    /// <summary>The configuration; never changed after loading.</summary>
    internal ProxyConfig Config { get; }

    /// <summary>The registration message; its name is the name on the wire.</summary>
    internal NewProxy Registration { get; }

    /// <summary>Limits the proxy's work connections, all together; null for no limit, or where the server limits.</summary>
    internal BandwidthLimiter? WireLimit { get; }

    /// <inheritdoc/>
    public ILogger Logger { get; private set; }

    /// <inheritdoc/>
    public TimeProvider Time { get; }

    /// <inheritdoc/>
    public IMessageCodec Codec => OpeningExchange.CodecOf(ClientContext.WireOf(_client));

    /// <inheritdoc/>
    public int DatagramSize => _client.UdpPacketSize;

    /// <summary>The questions of the session that there is; null while there is none.</summary>
    internal Func<TraversalQuestions?> Broker { private get; init; } = static () => null;

    /// <inheritdoc/>
    public ITraversalHost Traversal => new TraversalHost(Registration.ProxyName, _client, Broker, Time);

    /// <inheritdoc cref="IClientProxy.TakesRawWork"/>
    internal bool TakesRawWork => _proxy is { TakesRawWork: true };

    /// <summary>Whether users are served.</summary>
    internal bool IsRunning
    {
        get
        {
            lock (_lock) return _phase == ProxyPhase.Running;
        }
    }

    internal Task WaitUntilRunningAsync(CancellationToken cancellationToken) => Volatile.Read(ref _running).Task.WaitAsync(cancellationToken);

    internal ProxyStatus Status
    {
        get
        {
            lock (_lock) return new ProxyStatus(Config.Name, Config.Type, _phase, _phase == ProxyPhase.Running ? _remoteAddress : "", _error);
        }
    }

    /// <summary>A new session begins: nothing is registered in it.</summary>
    /// <param name="runId">The session.</param>
    /// <param name="unanswered">Registrations of this name whose answers are still to come, and belong to nobody.</param>
    internal void Reset(string runId, int unanswered = 0)
    {
        Logger = PrefixLogger.Append(PrefixLogger.Append(_baseLogger, runId), Config.Name);
        lock (_lock)
        {
            if (_phase == ProxyPhase.Closed) return;
            if (_proxy is null) _phase = ProxyPhase.StartError;
            else if (_phase != ProxyPhase.CheckFailed) _phase = ProxyPhase.New;
            (_withdraw, _unanswered) = (false, unanswered);
        }
    }

    /// <summary>Says so where this release cannot serve the kind.</summary>
    internal void TellUnserved()
    {
        if (_proxy is null) Log.StartError(Logger, _error);
    }

    /// <summary>Watches the local service until the proxy is closed; does nothing where that is not wanted.</summary>
    internal async Task WatchHealthAsync(CancellationToken cancellationToken)
    {
        if (_health is null) return;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _watching!.Token);
        try
        {
            await _health.RunAsync(either.Token);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            // The proxy is closed, or the client stops.
        }
    }

    /// <summary>The session is gone, and with it what was registered in it.</summary>
    internal void OnSessionLost()
    {
        lock (_lock)
        {
            if (_phase is ProxyPhase.WaitStart or ProxyPhase.Running) _phase = ProxyPhase.New;
            if (_phase != ProxyPhase.Closed && _running.Task.IsCompleted) _running = NewSignal();
        }
    }

    /// <summary>What to send now, a registration or its end; null when nothing is due. To be asked and sent by one task at a time.</summary>
    internal Message? Due()
    {
        lock (_lock)
        {
            if (_withdraw)
            {
                _withdraw = false;
                return new CloseProxy { ProxyName = Registration.ProxyName };
            }
            bool due = _proxy is not null && _isUp && _phase switch
            {
                ProxyPhase.New or ProxyPhase.CheckFailed => true,
                ProxyPhase.WaitStart => Time.GetElapsedTime(_since) >= AnswerTimeout,
                ProxyPhase.StartError => Time.GetElapsedTime(_since) >= RetryAfterError,
                _ => false,
            };
            if (!due) return null;
            // One that was not answered in time is not waited for any more.
            _unanswered = _phase == ProxyPhase.WaitStart ? 1 : _unanswered + 1;
            (_phase, _since) = (ProxyPhase.WaitStart, Time.GetTimestamp());
            return Registration;
        }
    }

    /// <summary>The server has answered the registration.</summary>
    /// <returns>Whether it counts: then it is for the caller to <see cref="Announce"/> it.</returns>
    internal bool Accept(NewProxyResp answer)
    {
        lock (_lock)
        {
            // An answer to a registration that was withdrawn, and perhaps repeated, meanwhile: the last one counts.
            if (_unanswered > 0 && --_unanswered > 0) return false;
            if (_phase != ProxyPhase.WaitStart) return false;
            _since = Time.GetTimestamp();
            if (answer.Error.Length == 0) (_phase, _remoteAddress, _error) = (ProxyPhase.Running, answer.RemoteAddr, "");
            else (_phase, _error) = (ProxyPhase.StartError, answer.Error);
            return true;
        }
    }

    /// <summary>Tells the log, and those who wait for it, what the server has answered.</summary>
    internal void Announce(NewProxyResp answer)
    {
        if (answer.Error.Length == 0)
        {
            Log.Started(Logger);
            Volatile.Read(ref _running).TrySetResult();
        }
        else Log.StartError(Logger, PeerText.Escape(answer.Error, 1024));
    }

    private void OnHealth(bool isUp)
    {
        lock (_lock)
        {
            if (_phase == ProxyPhase.Closed) return;
            _isUp = isUp;
            if (!isUp && _phase is ProxyPhase.WaitStart or ProxyPhase.Running)
            {
                // Before anything else goes out, so that no user comes in any more.
                (_phase, _withdraw) = (ProxyPhase.CheckFailed, true);
                if (_running.Task.IsCompleted) _running = NewSignal();
            }
        }
        _wake();
        if (isUp) Log.HealthCheckSucceeded(Logger);
        else Log.HealthCheckFailed(Logger);
    }

    /// <summary>The proxy is wanted no more: it takes no more users. What waits for it is then to be ended by <see cref="EndWaits"/>.</summary>
    /// <returns>Whether the server has to be told, and how many of its answers are still to come.</returns>
    internal (bool IsRegistered, int Unanswered) Close()
    {
        (bool, int) left;
        lock (_lock)
        {
            if (_phase == ProxyPhase.Closed) return (false, 0);
            left = (_withdraw || _phase is ProxyPhase.WaitStart or ProxyPhase.Running or ProxyPhase.StartError && _proxy is not null, _unanswered);
            (_phase, _withdraw) = (ProxyPhase.Closed, false);
            if (_users > 0) _lastUserLeft = NewSignal();
        }
        return left;
    }

    /// <summary>The service of a closed proxy is watched no more, and nobody waits any more until it runs.</summary>
    internal void EndWaits()
    {
        _watching?.Cancel();
        Volatile.Read(ref _running).TrySetCanceled(CancellationToken.None);
    }

    /// <summary>Serves a user, or closes his connection when the proxy is not running.</summary>
    /// <inheritdoc cref="IClientProxy.ServeAsync"/>
    internal async Task ServeAsync(Connection work, StartWorkConn start, RelayEnd end, CancellationToken cancellationToken)
    {
        bool isRunning;
        lock (_lock)
        {
            isRunning = _phase == ProxyPhase.Running;
            if (isRunning) _users++;
        }
        if (!isRunning)
        {
            await work.DisposeAsync();
            return;
        }
        try
        {
            await _proxy!.ServeAsync(work, start, end, cancellationToken);
        }
        finally
        {
            TaskCompletionSource? last;
            lock (_lock) last = --_users == 0 ? _lastUserLeft : null;
            last?.TrySetResult();
        }
    }

    /// <summary>Users of a closed proxy who want nothing at the moment are not waited for.</summary>
    internal void EndIdleUsers() => _proxy?.Withdraw();

    /// <summary>Ends a closed proxy's half when its last user has left.</summary>
    internal async Task RetireAsync()
    {
        EndIdleUsers();
        if (Volatile.Read(ref _lastUserLeft) is { } last) await last.Task;
        await DisposeAsync();
    }

    /// <inheritdoc/>
    public async ValueTask<Connection> DialLocalAsync(string host, int port, CancellationToken cancellationToken)
    {
        try
        {
            return await TcpDialer.DialAsync(host, port, LocalDialOptions, Time, cancellationToken);
        }
        catch (Exception e) when (e is SocketException or TimeoutException or IOException)
        {
            Log.LocalServiceError(Logger, AddressText.Join(host, port), e.Message);
            throw new IOException($"local service: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public IClientProxy CreateHttpPlugin(ProxyConfig config) => HttpPlugin.Create(config, this);

    /// <summary>Ends the half that serves users; they are gone by now.</summary>
    public ValueTask DisposeAsync()
    {
        _watching?.Dispose();
        return _proxy is null ? ValueTask.CompletedTask : _proxy.DisposeAsync();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "start proxy success")]
        internal static partial void Started(ILogger logger);

        [LoggerMessage(2, LogLevel.Warning, "start error: {Cause}")]
        internal static partial void StartError(ILogger logger, string cause);

        [LoggerMessage(4, LogLevel.Information, "health check success")]
        internal static partial void HealthCheckSucceeded(ILogger logger);

        [LoggerMessage(5, LogLevel.Information, "health check failed")]
        internal static partial void HealthCheckFailed(ILogger logger);

        [LoggerMessage(3, LogLevel.Error, "connect to local service [{Address}] error: {Cause}")]
        internal static partial void LocalServiceError(ILogger logger, string address, string cause);
    }
}
