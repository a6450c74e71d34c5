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
/// <b>Concurrency.</b> One lock around the state. Registering and answers come from the session, the supervision from its timer,
/// status from anywhere.
/// </remarks>
internal sealed partial class ManagedProxy : IClientProxyHost
{
    // Source: wire specification §13.
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RetryAfterError = TimeSpan.FromSeconds(30);
    private static readonly TcpDialOptions LocalDialOptions = new() { Timeout = TimeSpan.FromSeconds(10) };

    private readonly Lock _lock = new();
    private readonly ClientConfig _client;
    private readonly IClientProxy? _proxy;
    private readonly ILogger _baseLogger;
    private ProxyPhase _phase;
    private string _remoteAddress = "";
    private string _error = "";
    private long _since;
    private TaskCompletionSource _running = NewSignal();

    internal ManagedProxy(ProxyConfig config, ClientConfig client, ILogger logger, TimeProvider time)
    {
        var kind = ProxyKinds.Find(config.Type) ?? throw new ArgumentException($"unknown proxy type: {config.Type}", nameof(config));
        (Config, _client, _baseLogger, Time, Registration) = (config, client, logger, time, kind.ToMessage(config, client.User));
        Logger = PrefixLogger.Append(logger, config.Name);
        if (config.Transport.BandwidthLimitMode != "server") WireLimit = BandwidthLimiter.For(config.Transport.BandwidthLimit.BytesPerSecond, time);
        _proxy = kind.CreateClient(config, this);
        if (_proxy is null) _error = $"proxy type [{kind.Name}] is not supported by this release of the client yet";
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

    /// <summary>The half that serves users; null while the proxy is not running.</summary>
    internal IClientProxy? Running
    {
        get
        {
            lock (_lock) return _phase == ProxyPhase.Running ? _proxy : null;
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
    internal void Reset(string runId)
    {
        Logger = PrefixLogger.Append(PrefixLogger.Append(_baseLogger, runId), Config.Name);
        lock (_lock)
        {
            if (_proxy is null)
            {
                _phase = ProxyPhase.StartError;
                Log.StartError(Logger, _error);
                return;
            }
            _phase = ProxyPhase.New;
        }
    }

    /// <summary>The session is gone, and with it what was registered in it.</summary>
    internal void OnSessionLost()
    {
        lock (_lock)
        {
            if (_phase is ProxyPhase.WaitStart or ProxyPhase.Running) _phase = ProxyPhase.New;
            if (_running.Task.IsCompleted) _running = NewSignal();
        }
    }

    /// <summary>The registration to send now; null when nothing is due.</summary>
    internal NewProxy? Due()
    {
        lock (_lock)
        {
            bool due = _proxy is not null && _phase switch
            {
                ProxyPhase.New => true,
                ProxyPhase.WaitStart => Time.GetElapsedTime(_since) >= AnswerTimeout,
                ProxyPhase.StartError => Time.GetElapsedTime(_since) >= RetryAfterError,
                _ => false,
            };
            if (!due) return null;
            (_phase, _since) = (ProxyPhase.WaitStart, Time.GetTimestamp());
            return Registration;
        }
    }

    /// <summary>The server has answered the registration.</summary>
    internal void OnAnswer(NewProxyResp answer)
    {
        lock (_lock)
        {
            if (_phase != ProxyPhase.WaitStart) return;
            _since = Time.GetTimestamp();
            if (answer.Error.Length == 0) (_phase, _remoteAddress, _error) = (ProxyPhase.Running, answer.RemoteAddr, "");
            else (_phase, _error) = (ProxyPhase.StartError, answer.Error);
        }
        if (answer.Error.Length == 0)
        {
            Log.Started(Logger);
            Volatile.Read(ref _running).TrySetResult();
        }
        else Log.StartError(Logger, PeerText.Escape(answer.Error, 1024));
    }

    /// <summary>The client stops: the proxy takes no more users.</summary>
    /// <returns>Whether the server has to be told.</returns>
    internal bool Close()
    {
        lock (_lock)
        {
            bool registered = _phase is ProxyPhase.WaitStart or ProxyPhase.Running or ProxyPhase.StartError && _proxy is not null;
            _phase = ProxyPhase.Closed;
            return registered;
        }
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

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "start proxy success")]
        internal static partial void Started(ILogger logger);

        [LoggerMessage(2, LogLevel.Warning, "start error: {Cause}")]
        internal static partial void StartError(ILogger logger, string cause);

        [LoggerMessage(3, LogLevel.Error, "connect to local service [{Address}] error: {Cause}")]
        internal static partial void LocalServiceError(ILogger logger, string address, string cause);
    }
}
