using System.Globalization;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Client;

/// <summary>One session with the server, from login to loss.</summary>
/// <remarks>
/// <para><b>Ownership.</b> The session owns its carrier and control connection. Work connections belong to it while they wait;
/// once a user is on them they belong to the client, and outlive the session where the carrier allows it.</para>
/// <para><b>Concurrency.</b> The read loop handles messages one after another.</para>
/// </remarks>
internal sealed partial class ClientSession : IVisitorSession, IAsyncDisposable
{
    // They share a write, and so do the answers: hundreds of proxies are registered in a few round trips of the loops on either side.
    private const int RegistrationsAtOnce = 64;

    // Source: wire specification §10.6.
    private static readonly TimeSpan FirstProofDelay = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan MaxProofDelay = TimeSpan.FromSeconds(20);

    private readonly ClientContext _client;
    private readonly ICarrier _carrier;
    private readonly ControlChannel _channel;
    private readonly bool _halfClose;
    private readonly ILogger _logger;
    private readonly TaskScope _scope;
    private byte[]? _opening;
    private long _lastPong;

    internal ClientSession(ClientContext client, ICarrier carrier, LoginOutcome outcome)
    {
        (_client, _carrier, _channel, _halfClose, RunId) = (client, carrier, outcome.Channel, outcome.HalfClose, outcome.RunId);
        _logger = PrefixLogger.Append(client.Loggers.CreateLogger("client/session"), RunId);
        Traversal = new TraversalQuestions(_channel.Connection, _channel.PostAsync, client.Time);
        _scope = new TaskScope($"session {RunId}", (name, e) => Log.Fault(_logger, name, e), client.Stopping);
    }

    /// <inheritdoc/>
    public string RunId { get; }

    /// <inheritdoc/>
    public bool HalfClose => _halfClose;

    /// <inheritdoc/>
    public TraversalQuestions Traversal { get; }

    /// <inheritdoc/>
    public ValueTask<Connection> OpenAsync(CancellationToken cancellationToken)
    {
        _ = EndIfRetiring(); // the visitor learns of it from the link, and his next user has a new session
        return _carrier.OpenAsync(cancellationToken);
    }

    /// <summary>Loops of the session and work connections that wait for a user.</summary>
    internal int WorkCount => _scope.Count;

    /// <summary>Ends the session. The first reason wins.</summary>
    internal void Close(CloseReason reason) => _scope.Close(reason);

    /// <summary>Runs the session until it is lost or closed.</summary>
    internal async Task<CloseReason> RunAsync()
    {
        _scope.Run("carrier", async token => Close(await _carrier.Completion.WaitAsync(token)));
        _scope.Run("control sender", _channel.SendAsync);
        _client.Proxies.OnSession(RunId, Traversal);
        _scope.Run("supervision", SuperviseAsync);
        var transport = _client.Config.Transport;
        if (transport.HeartbeatInterval is { } interval) _scope.Run("heartbeat", token => HeartbeatAsync(interval, token));
        try
        {
            while (true) await HandleAsync(await _channel.ReadAsync(_scope.Stopping));
        }
        catch (Exception e)
        {
            Close(e is EndOfStreamException ? new CloseReason(CloseKind.EndOfStream, "the server closed the control connection") : CloseReason.From(e));
        }
        Traversal.Close();
        return _scope.Reason!;
    }

    /// <summary>Tells the server that the proxies are gone, so that no new user arrives.</summary>
    internal async Task WithdrawAsync(CancellationToken cancellationToken)
    {
        foreach (var messages in _client.Proxies.Withdraw().Chunk(RegistrationsAtOnce)) await _channel.PostAsync(messages, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _scope.DisposeAsync();
        await _channel.DisposeAsync();
        await _carrier.DisposeAsync();
    }

    private async Task SuperviseAsync(CancellationToken cancellationToken)
    {
        // Source: wire specification §13, "state poll every 3 s".
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(3), _client.Time);
        var tick = timer.WaitForNextTickAsync(cancellationToken).AsTask();
        while (true)
        {
            var woken = _client.Wakening.NextAsync(cancellationToken);
            foreach (var due in _client.Proxies.Due().Chunk(RegistrationsAtOnce)) await _channel.PostAsync(due, cancellationToken);
            await Task.WhenAny(tick, woken);
            cancellationToken.ThrowIfCancellationRequested();
            if (tick.IsCompleted) tick = timer.WaitForNextTickAsync(cancellationToken).AsTask();
        }
    }

    private async Task HeartbeatAsync(TimeSpan interval, CancellationToken cancellationToken)
    {
        _lastPong = _client.Time.GetTimestamp();
        if (_client.Config.Transport.HeartbeatTimeout is { } timeout) _scope.Run("heartbeat watch", token => WatchHeartbeatAsync(timeout, token));
        using var timer = new PeriodicTimer(interval, _client.Time);
        do
        {
            var ping = new Ping();
            await ProveAsync(ping, cancellationToken);
            _client.Auth.Bind(ping, _channel.Connection);
            await _channel.PostAsync(ping, cancellationToken);
            Log.HeartbeatSent(_logger);
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>Puts a proof into a heartbeat, however long it takes until there is one.</summary>
    private async ValueTask ProveAsync(Ping ping, CancellationToken cancellationToken)
    {
        for (var delay = FirstProofDelay; ; delay = delay * 2 < MaxProofDelay ? delay * 2 : MaxProofDelay)
        {
            try
            {
                await _client.Auth.ProveAsync(ping, cancellationToken);
                return;
            }
            catch (IOException e)
            {
                Log.HeartbeatUnproven(_logger, e.Message);
                await Task.Delay(delay, _client.Time, cancellationToken);
            }
        }
    }

    private async Task WatchHeartbeatAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), _client.Time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            if (_client.Time.GetElapsedTime(Volatile.Read(ref _lastPong)) < timeout) continue;
            Log.HeartbeatTimeout(_logger);
            Close(new CloseReason(CloseKind.Timeout, string.Create(CultureInfo.InvariantCulture, $"no answer to heartbeats for {timeout.TotalSeconds:0} s")));
            return;
        }
    }

    private ValueTask HandleAsync(Message message)
    {
        switch (message)
        {
            case ReqWorkConn:
                _scope.RunChild("work connection", ServeWorkConnectionAsync);
                break;
            case NewProxyResp answer:
                _client.Proxies.OnAnswer(answer);
                break;
            case NatHoleResp answer:
                Traversal.OnAnswer(answer);
                break;
            case Pong { Error.Length: > 0 } pong:
                Log.PongError(_logger, PeerText.Escape(pong.Error, 1024));
                Close(new CloseReason(CloseKind.Refused, $"the server refused a heartbeat: {PeerText.Escape(pong.Error, 1024)}"));
                break;
            case Pong:
                Volatile.Write(ref _lastPong, _client.Time.GetTimestamp());
                Log.HeartbeatReceived(_logger);
                break;
            default:
                break; // known, but not for us: ignored, as the protocol asks
        }
        return ValueTask.CompletedTask;
    }

    /// <summary>Opens a work connection, waits for a user on it, and hands the user to the client, which outlives the session.</summary>
    private async Task ServeWorkConnectionAsync(CancellationToken cancellationToken)
    {
        var hello = new NewWorkConn { RunId = RunId, HalfClose = _halfClose };
        try
        {
            if (_opening is null) await _client.Auth.ProveAsync(hello, cancellationToken);
        }
        catch (IOException e)
        {
            Log.WorkConnectionUnproven(_logger, e.Message);
            return; // the server asks for another when it needs one
        }
        if (EndIfRetiring()) return;
        var work = await _carrier.OpenAsync(cancellationToken);
        await using var messages = new MessageStream(work.Stream, OpeningExchange.CodecOf(_client.Wire));
        bool owned = true;
        try
        {
            using (var deadline = new Deadline(ControlChannel.WriteTimeout, _client.Time, cancellationToken))
            {
                await work.Stream.WriteAsync(_opening ?? OpeningOf(hello, work), deadline.Token);
                await work.Stream.FlushAsync(deadline.Token);
            }
            var start = await messages.ReadAsync<StartWorkConn>(cancellationToken); // for as long as the session lasts: the server's pool
            if (start.Error.Length > 0)
            {
                Log.WorkConnectionRefused(_logger, PeerText.Escape(start.Error, 1024));
                return;
            }
            if (_client.Proxies.FindByWireName(start.ProxyName) is not { IsRunning: true } proxy)
            {
                Log.UnknownProxy(_logger, PeerText.Escape(start.ProxyName, 256));
                return;
            }
            var transport = proxy.Config.Transport;
            var connection = proxy.TakesRawWork
                ? PayloadLayers.Wrap(work, messages.TakeSurplus(), key: null, compress: false)
                : PayloadLayers.Wrap(work, messages.TakeSurplus(), transport.UseEncryption ? _client.StreamKey : null, transport.UseCompression, wireLimit: proxy.WireLimit);
            owned = false;
            var end = _halfClose && work.CanHalfClose ? RelayEnd.HalfClose : RelayEnd.CloseBoth;
            _client.Users.RunChild("user", token => proxy.ServeAsync(connection, start, end, token));
        }
        catch (EndOfStreamException)
        {
            // The server gave up a connection that it did not need.
        }
        finally
        {
            if (owned) await work.DisposeAsync();
        }
    }

    /// <summary>Ends the session when nobody can be served by it any more.</summary>
    // Compat: frp goes on with it (docs/COMPAT.md, "GoAway of a server that keeps the link").
    private bool EndIfRetiring()
    {
        if (!_carrier.IsRetiring) return false;
        Close(new CloseReason(CloseKind.EndOfStream, "the server takes no more connections on this link"));
        return true;
    }

    /// <summary>What a work connection begins with; encoded once for the session where no proof of the moment goes into it.</summary>
    private byte[] OpeningOf(NewWorkConn hello, Connection work)
    {
        _client.Auth.Bind(hello, work);
        byte[] opening = OpeningExchange.Encode(_client.Wire, hello);
        if (hello.PrivilegeKey.Length == 0) _opening = opening;
        return opening;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "send heartbeat to server")]
        internal static partial void HeartbeatSent(ILogger logger);

        [LoggerMessage(2, LogLevel.Debug, "receive heartbeat from server")]
        internal static partial void HeartbeatReceived(ILogger logger);

        [LoggerMessage(3, LogLevel.Warning, "heartbeat timeout")]
        internal static partial void HeartbeatTimeout(ILogger logger);

        [LoggerMessage(4, LogLevel.Error, "pong message contains error: {Cause}")]
        internal static partial void PongError(ILogger logger, string cause);

        [LoggerMessage(5, LogLevel.Error, "the server refused a work connection: {Cause}")]
        internal static partial void WorkConnectionRefused(ILogger logger, string cause);

        [LoggerMessage(6, LogLevel.Warning, "a work connection came for [{Name}], which is not running")]
        internal static partial void UnknownProxy(ILogger logger, string name);

        [LoggerMessage(8, LogLevel.Warning, "no heartbeat was sent: {Cause}")]
        internal static partial void HeartbeatUnproven(ILogger logger, string cause);

        [LoggerMessage(9, LogLevel.Warning, "no work connection was opened: {Cause}")]
        internal static partial void WorkConnectionUnproven(ILogger logger, string cause);

        [LoggerMessage(7, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
