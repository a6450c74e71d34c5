using System.Globalization;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>
/// One client's session on the server: its control connection, its proxies and its idle work connections.
/// </summary>
/// <remarks>
/// <para><b>States.</b> Created → Active → Closing → Closed. A session is registered while Created, so that a second login with the
/// same run ID finds it; it serves work connections only while Active.</para>
/// <para><b>Ownership.</b> <see cref="RunAsync"/> is the session's one task: when it returns, proxies are closed, their ports are
/// free and the idle work connections are gone. Users that are being served belong to the server and stay.</para>
/// <para><b>Concurrency.</b> Messages are handled one after another by the read loop, which alone adds and removes proxies; a
/// lock around their table lets a stopping server close their entrances.</para>
/// </remarks>
internal sealed partial class ControlSession
{
    private const int AnswersAtOnce = 64;
    private const int MaxUntold = 64;

    private readonly ServerContext _server;
    private readonly TaskScope _scope;
    private readonly ILogger _logger;
    private readonly Dictionary<string, ServedProxy> _proxies = [];
    private readonly List<Message> _answers = []; // the read loop's
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _told = Task.CompletedTask; // the read loop's, and then the closing's
    private int _untold;
    private ControlChannel? _channel;
    private int _ports;
    private bool _closedToUsers; // under the lock of _proxies
    private long _lastPing;
    private int _state;

    internal ControlSession(ServerContext server, SessionToken token, ISessionProofs proofs, Login login, IMessageCodec codec, bool halfClose)
    {
        (_server, Token, Proofs, Login, Codec, HalfClose) = (server, token, proofs, login, codec, halfClose);
        _logger = PrefixLogger.Append(server.Loggers.CreateLogger("server/session"), PeerText.Escape(RunId, 64));
        _scope = new TaskScope($"session {RunId}", (name, e) => Log.Fault(_logger, name, e), server.Stopping);
        int poolSize = Math.Clamp(login.PoolCount, 0, Math.Max(0, server.Config.Transport.MaxPoolCount));
        Pool = new WorkConnectionPool(poolSize, count => _channel?.RequestWorkConnections(count), server.Time);
    }

    /// <summary>The login as it was accepted, with the run ID that the server gave.</summary>
    internal Login Login { get; }

    /// <summary>The keys that the client logged in with: what payloads are encrypted with, until it ends.</summary>
    internal SessionToken Token { get; }

    /// <summary>What its control connection came by.</summary>
    internal required Visit Carrier { get; init; }

    /// <summary>Judges heartbeats and work connections, as it was decided at the login.</summary>
    internal ISessionProofs Proofs { get; }

    /// <summary>The session's run ID.</summary>
    internal string RunId => Login.RunId;

    /// <summary>Whether client and server have agreed that a FIN ends one direction only.</summary>
    internal bool HalfClose { get; }

    /// <summary>The framing that the session was opened with, and that its work connections speak.</summary>
    internal IMessageCodec Codec { get; }

    /// <summary>The session's idle work connections.</summary>
    internal WorkConnectionPool Pool { get; }

    /// <summary>Proxies that are served.</summary>
    internal int ProxyCount
    {
        get
        {
            lock (_proxies) return _proxies.Count;
        }
    }

    /// <summary>Completes when the session has cleaned up after itself.</summary>
    internal Task Completion => _completion.Task;

    /// <summary>Whether work and visitor connections are welcome.</summary>
    internal bool IsActive => Volatile.Read(ref _state) == 1 && !IsClosing;

    /// <summary>Whether the session is on its way out.</summary>
    internal bool IsClosing => _scope.Reason is not null;

    /// <summary>Fires when the session is closing.</summary>
    internal CancellationToken Stopping => _scope.Stopping;

    /// <summary>The session's log, with its run ID in front.</summary>
    internal ILogger Logger => _logger;

    /// <summary>Ends the session; <see cref="Completion"/> tells when it has ended. The first reason wins.</summary>
    internal void Close(CloseReason reason) => _scope.Close(reason);

    private ControlChannel Channel => _channel ?? throw new InvalidOperationException("the session has no control channel yet");

    /// <summary>Gives the session its control channel, which it owns from here on.</summary>
    internal void Attach(ControlChannel channel) => _channel = channel;

    /// <summary>Runs the session to its end.</summary>
    internal async Task RunAsync()
    {
        Volatile.Write(ref _state, 1);
        _lastPing = _server.Time.GetTimestamp();
        try
        {
            _scope.Run("control sender", Channel.SendAsync);
            if (_server.Config.Transport.HeartbeatTimeout is { } timeout) _scope.Run("heartbeat watch", token => WatchHeartbeatAsync(timeout, token));
            Channel.RequestWorkConnections(Pool.Size);
            await ReadLoopAsync();
        }
        finally
        {
            await CloseAsync();
        }
    }

    /// <summary>Closes the proxies' entrances, so that no new user comes in, and leaves everything else as it is.</summary>
    internal async ValueTask CloseEntrancesAsync()
    {
        ServedProxy[] proxies;
        lock (_proxies) (_closedToUsers, proxies) = (true, [.. _proxies.Values]);
        foreach (var proxy in proxies) await proxy.CloseEntranceAsync();
    }

    /// <summary>Ends a session that never became active.</summary>
    internal Task DiscardAsync(CloseReason reason)
    {
        Close(reason);
        return CloseAsync();
    }

    private async Task ReadLoopAsync()
    {
        try
        {
            while (true)
            {
                var message = await Channel.ReadAsync(_scope.Stopping);
                do
                {
                    var handled = HandleAsync(message);
                    if (!handled.IsCompleted || _answers.Count >= AnswersAtOnce) await AnswerAsync(); // nobody waits for a slow one
                    if (await handled is { } answer) _answers.Add(answer); // in here, where nothing else is under way
                }
                while ((message = Channel.TryRead()) is not null);
                await AnswerAsync();
            }
        }
        catch (Exception e)
        {
            Close(e is EndOfStreamException ? new CloseReason(CloseKind.EndOfStream, "the client closed its control connection") : CloseReason.From(e));
        }
        var reason = _scope.Reason!;
        if (reason.Kind == CloseKind.Fault) Log.Fault(_logger, "control connection", reason.Exception!);
        else if (reason.IsExpected) Log.Ended(_logger, reason);
        else Log.Broken(_logger, reason);
    }

    /// <summary>Sends the answers to the messages that have come together, together.</summary>
    private ValueTask AnswerAsync()
    {
        if (_answers.Count == 0) return ValueTask.CompletedTask;
        Message[] answers = [.. _answers];
        _answers.Clear();
        return Channel.PostAsync(answers, _scope.Stopping);
    }

    private async Task CloseAsync()
    {
        _channel?.CompletePosting();
        await Pool.CloseAsync();
        foreach (var (name, proxy) in TakeProxies())
        {
            await proxy.DisposeAsync();
            Log.ProxyClosed(_logger, PeerText.Escape(name, 256));
            Tell(name);
        }
        if (_channel is not null) await _channel.DisposeAsync();
        await _scope.DisposeAsync();
        _server.Sessions.Remove(this);
        if (Volatile.Read(ref _state) != 0) Log.Exit(_logger);
        _completion.TrySetResult();
    }

    private KeyValuePair<string, ServedProxy>[] TakeProxies()
    {
        lock (_proxies)
        {
            KeyValuePair<string, ServedProxy>[] proxies = [.. _proxies];
            _proxies.Clear();
            return proxies;
        }
    }

    /// <returns>The answer, if the message has one.</returns>
    private ValueTask<Message?> HandleAsync(Message message) => message switch
    {
        NewProxy proxy => OnNewProxyAsync(proxy),
        CloseProxy proxy => OnCloseProxyAsync(proxy.ProxyName),
        Ping ping => OnPingAsync(ping),
        NatHoleVisitor or NatHoleClient or NatHoleReport => new(OnTraversal(message)),
        _ => default, // known, but not for us: ignored, as the protocol asks
    };

    private async ValueTask<Message?> OnNewProxyAsync(NewProxy registration)
    {
        var answer = new NewProxyResp();
        try
        {
            if (_server.Hooks.Want(ServerOperations.NewProxy))
            {
                var asked = new NewProxyEvent(Login, registration);
                await _server.Hooks.AskAsync(asked, _scope.Stopping);
                registration = asked.Proxy;
            }
            if (registration.ProxyType.Length == 0) registration.ProxyType = ProxyKinds.Default.Name;
            answer.RemoteAddr = await StartProxyAsync(registration);
            Log.ProxyStarted(_logger, PeerText.Escape(registration.ProxyName, 256), PeerText.Escape(registration.ProxyType, 32));
        }
        catch (PeerRefusedException e)
        {
            Log.ProxyRefused(_logger, PeerText.Escape(registration.ProxyName, 256), PeerText.Escape(registration.ProxyType, 32), PeerText.Escape(e.Message, 1024));
            answer.Error = _server.Config.DetailedErrorsToClient ? e.Message : $"new proxy [{registration.ProxyName}] error";
        }
        answer.ProxyName = registration.ProxyName;
        return answer;
    }

    private async ValueTask<string> StartProxyAsync(NewProxy registration)
    {
        var kind = ProxyKinds.Find(registration.ProxyType) ?? throw new PeerRefusedException($"unknown proxy type: {registration.ProxyType}");
        string name = registration.ProxyName;
        int limit = _server.Config.MaxPortsPerClient;
        if (limit > 0 && kind.TakesRemotePort && _ports >= limit) throw new PeerRefusedException("exceed the max_ports_per_client");
        var claim = _server.Ingress.TryClaim(new IngressKey(IngressKind.ProxyName, name), name) ?? throw new PeerRefusedException($"proxy [{name}] already exists");
        var proxy = new ServedProxy(_server, this, registration, claim, kind.TakesRemotePort);
        try
        {
            await proxy.StartAsync(kind);
            lock (_proxies)
            {
                if (_closedToUsers) throw new PeerRefusedException("the server is stopping");
                _proxies.Add(name, proxy);
            }
        }
        catch (Exception)
        {
            await proxy.DisposeAsync();
            throw;
        }
        if (kind.TakesRemotePort) _ports++;
        return proxy.RemoteAddress;
    }

    private async ValueTask<Message?> OnCloseProxyAsync(string name)
    {
        ServedProxy? proxy;
        lock (_proxies)
        {
            if (!_proxies.Remove(name, out proxy)) return null;
        }
        if (proxy.TakesRemotePort) _ports--;
        await proxy.DisposeAsync();
        Log.ProxyClosed(_logger, PeerText.Escape(name, 256));
        Tell(name);
        if (_untold >= MaxUntold) await _told.WaitAsync(_scope.Stopping);
        return null;
    }

    /// <summary>Tells the hooks that a proxy is no more. They hear it one after another, behind the session's work, which waits only when too much is untold.</summary>
    private void Tell(string name)
    {
        if (!_server.Hooks.Want(ServerOperations.CloseProxy)) return;
        Interlocked.Increment(ref _untold);
        _server.Notices.RunChild("notice of a closed proxy", token => _told = TellAsync(_told, new CloseProxyEvent(Login, name), token));
    }

    private async Task TellAsync(Task before, CloseProxyEvent closed, CancellationToken cancellationToken)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // it has been reported where it failed
        try
        {
            await _server.Hooks.TellAsync(closed, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _untold);
        }
    }

    private async ValueTask<Message?> OnPingAsync(Ping ping)
    {
        var pong = new Pong();
        try
        {
            if (_server.Hooks.Want(ServerOperations.Ping))
            {
                var asked = new PingEvent(Login, ping);
                await _server.Hooks.AskAsync(asked, _scope.Stopping);
                ping = asked.Ping;
            }
            await Proofs.VerifyAsync(ping, Channel.Connection, _scope.Stopping);
            Volatile.Write(ref _lastPing, _server.Time.GetTimestamp());
            Log.Heartbeat(_logger);
        }
        catch (PeerRefusedException e)
        {
            Log.PingRefused(_logger, e.Message);
            pong.Error = _server.Config.DetailedErrorsToClient ? e.Message : "invalid ping";
        }
        return pong;
    }

    private async Task WatchHeartbeatAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), _server.Time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            if (_server.Time.GetElapsedTime(Volatile.Read(ref _lastPing)) < timeout) continue;
            Log.HeartbeatTimeout(_logger);
            Close(new CloseReason(CloseKind.Timeout, string.Create(CultureInfo.InvariantCulture, $"no valid heartbeat for {timeout.TotalSeconds:0.#} s")));
            return;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "new proxy [{Name}] type [{Type}] success")]
        internal static partial void ProxyStarted(ILogger logger, string name, string type);

        [LoggerMessage(2, LogLevel.Warning, "new proxy [{Name}] type [{Type}] error: {Cause}")]
        internal static partial void ProxyRefused(ILogger logger, string name, string type, string cause);

        [LoggerMessage(3, LogLevel.Information, "close proxy [{Name}] success")]
        internal static partial void ProxyClosed(ILogger logger, string name);

        [LoggerMessage(4, LogLevel.Information, "client exit success")]
        internal static partial void Exit(ILogger logger);

        [LoggerMessage(5, LogLevel.Debug, "receive heartbeat")]
        internal static partial void Heartbeat(ILogger logger);

        [LoggerMessage(6, LogLevel.Warning, "received invalid ping: {Cause}")]
        internal static partial void PingRefused(ILogger logger, string cause);

        [LoggerMessage(7, LogLevel.Warning, "heartbeat timeout")]
        internal static partial void HeartbeatTimeout(ILogger logger);

        [LoggerMessage(8, LogLevel.Debug, "session ended: {Reason}")]
        internal static partial void Ended(ILogger logger, CloseReason reason);

        [LoggerMessage(9, LogLevel.Warning, "session broken: {Reason}")]
        internal static partial void Broken(ILogger logger, CloseReason reason);

        [LoggerMessage(10, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
