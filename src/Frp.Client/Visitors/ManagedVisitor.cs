using System.Net.Sockets;
using System.Security.Authentication;
using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Client;

/// <summary>Where a visitor of the client stands.</summary>
public enum VisitorPhase
{
    /// <summary>Not started: the client has not logged in yet.</summary>
    New,
    /// <summary>Its door cannot be opened; that is tried again.</summary>
    StartError,
    /// <summary>Its door is open.</summary>
    Running,
    /// <summary>Closed for good.</summary>
    Closed,
}

/// <summary>What is known about a visitor at one moment.</summary>
/// <param name="Name">Its name in the configuration.</param>
/// <param name="Type">Its kind.</param>
/// <param name="Phase">Where it stands.</param>
/// <param name="Error">Why it is not running; empty otherwise.</param>
public sealed record VisitorStatus(string Name, string Type, VisitorPhase Phase, string Error);

/// <summary>One configured visitor of the client, over all sessions: its door, its state and its way to the server.</summary>
/// <remarks>
/// <b>Concurrency.</b> One lock around the state. The door runs in the table's scope, users in the client's; status comes from anywhere.
/// </remarks>
internal sealed partial class ManagedVisitor : IVisitorHost
{
    // Source: wire specification §16.1 and §22.
    private static readonly TimeSpan RetryAfterError = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly VisitorTable _table;
    private readonly ClientConfig _client;
    private readonly ILogger _baseLogger;
    private readonly IVisitor? _visitor;
    private readonly string _target;
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _closing = new();
    private bool _opened;
    private byte[]? _streamKey;
    private VisitorPhase _phase;
    private string _error = "";

    internal ManagedVisitor(VisitorConfig config, ClientConfig client, VisitorTable table, ILogger logger)
    {
        var kind = ProxyKinds.Find(config.Type) ?? throw new ArgumentException($"unknown visitor type: {config.Type}", nameof(config));
        (Config, _client, _table, _baseLogger, Logger) = (config, client, table, logger, PrefixLogger.Append(logger, config.Name));
        _target = ProxyKind.WireName(config.ServerUser.Length > 0 ? config.ServerUser : client.User, config.ServerName);
        if (config.Plugin is { } plugin) _error = $"visitor plugin [{plugin.Type}] is not supported by this release of the client yet";
        else
        {
            try
            {
                if ((_visitor = kind.CreateVisitor(config, this)) is null) _error = $"type [{kind.Name}] is not supported by this release of the client yet";
            }
            catch (ConfigException e)
            {
                _error = e.Message;
            }
        }
    }

    /// <summary>The configuration; never changed after loading.</summary>
    internal VisitorConfig Config { get; }

    /// <summary>The visitor itself; null where this release does not serve its kind.</summary>
    internal IVisitor? Visitor => _visitor;

    /// <inheritdoc/>
    public ILogger Logger { get; private set; }

    /// <inheritdoc/>
    public TimeProvider Time => _table.Time;

    /// <inheritdoc/>
    public TaskScope Users => _table.Users;

    /// <inheritdoc/>
    public IMessageCodec Codec => OpeningExchange.CodecOf(ClientContext.WireOf(_client));

    /// <inheritdoc/>
    public int DatagramSize => _client.UdpPacketSize;

    /// <inheritdoc/>
    public ITraversalHost Traversal => new TraversalHost(_target, _client, () => _table.Session?.Traversal, Time);

    internal VisitorStatus Status
    {
        get
        {
            lock (_lock) return new VisitorStatus(Config.Name, Config.Type, _phase, _error);
        }
    }

    internal Task WaitUntilOpenAsync(CancellationToken cancellationToken) => _open.Task.WaitAsync(cancellationToken);

    /// <summary>A session has begun: what is logged from here on belongs to it.</summary>
    internal void OnSession(string runId) => Logger = PrefixLogger.Append(PrefixLogger.Append(_baseLogger, runId), Config.Name);

    /// <summary>Opens the door, which then stays open until it is closed or the scope is.</summary>
    internal void Open(TaskScope doors)
    {
        lock (_lock)
        {
            if (_opened || _closing.IsCancellationRequested) return;
            _opened = true;
        }
        doors.RunChild($"visitor {Config.Name}", RunAsync);
    }

    /// <summary>Closes the door for good and waits until it is. Users stay.</summary>
    /// <param name="doorsClosed">All doors close, and nobody need wait for this one.</param>
    internal async Task CloseAsync(CancellationToken doorsClosed)
    {
        bool opened;
        lock (_lock)
        {
            opened = _opened;
            _opened = true;
        }
        await _closing.CancelAsync();
        if (opened) await _closed.Task.WaitAsync(doorsClosed).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        SetPhase(VisitorPhase.Closed, "");
        _open.TrySetCanceled(CancellationToken.None);
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        try
        {
            await KeepOpenAsync(either.Token);
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            // It is wanted no more.
        }
        finally
        {
            _closed.TrySetResult();
        }
    }

    /// <summary>Keeps the door open until it is cancelled; tries again when it cannot be opened.</summary>
    private async Task KeepOpenAsync(CancellationToken cancellationToken)
    {
        if (_visitor is null)
        {
            SetPhase(VisitorPhase.StartError, _error);
            Log.StartError(Logger, _error);
            return;
        }
        try
        {
            while (true)
            {
                await RunOnceAsync(_visitor, cancellationToken);
                await Task.Delay(RetryAfterError, Time, cancellationToken);
                Log.Retrying(Logger, Config.Name);
            }
        }
        finally
        {
            SetPhase(VisitorPhase.Closed, "");
        }
    }

    /// <inheritdoc/>
    public void ReportOpen()
    {
        SetPhase(VisitorPhase.Running, "");
        Log.Started(Logger);
        _open.TrySetResult();
    }

    /// <inheritdoc/>
    public bool TryHandOver(string visitor, Connection user) => _table.TryHandOver(visitor, user);

    /// <inheritdoc/>
    public async ValueTask<ServedWork> ConnectAsync(CancellationToken cancellationToken)
    {
        var session = _table.Session ?? throw new IOException("there is no session with the server");
        var connection = await OpenAsync(session, cancellationToken);
        var messages = new MessageStream(connection.Stream, Codec);
        try
        {
            var answer = await IntroduceAsync(session, connection, messages, cancellationToken);
            if (answer.Error.Length > 0) throw new PeerRefusedException(PeerText.Escape(answer.Error, 1024));
            byte[]? key = Config.Transport.UseEncryption ? LazyInitializer.EnsureInitialized(ref _streamKey, () => StreamKey.Derive(Config.SecretKey)) : null;
            var layered = PayloadLayers.Wrap(connection, messages.TakeSurplus(), key, Config.Transport.UseCompression);
            return new ServedWork(layered, answer.HalfClose && session.HalfClose && connection.CanHalfClose ? RelayEnd.HalfClose : RelayEnd.CloseBoth);
        }
        catch (Exception)
        {
            await messages.DisposeAsync();
            await connection.DisposeAsync();
            throw;
        }
    }

    private async ValueTask<Connection> OpenAsync(IVisitorSession session, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(_client.Transport.DialServerTimeout, Time, cancellationToken);
        try
        {
            return await session.OpenAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Passed("connection to the server");
        }
        catch (Exception e) when (e is SocketException or AuthenticationException)
        {
            throw new IOException($"connect to server error: {e.Message}", e);
        }
    }

    /// <summary>Says who wants to go where, and waits for the answer.</summary>
    private async ValueTask<NewVisitorConnResp> IntroduceAsync(IVisitorSession session, Connection connection, MessageStream messages, CancellationToken cancellationToken)
    {
        var (now, proof) = TokenProver.ProofOf(Config.SecretKey, _client.Auth, connection, Time);
        var request = new NewVisitorConn
        {
            RunId = session.RunId,
            ProxyName = _target,
            Timestamp = now,
            SignKey = proof,
            UseEncryption = Config.Transport.UseEncryption,
            UseCompression = Config.Transport.UseCompression,
            HalfClose = session.HalfClose && connection.CanHalfClose,
        };
        using var deadline = new Deadline(AnswerTimeout, Time, cancellationToken);
        try
        {
            await connection.Stream.WriteAsync(OpeningExchange.Encode(ClientContext.WireOf(_client), request), deadline.Token);
            await connection.Stream.FlushAsync(deadline.Token);
            return await messages.ReadAsync<NewVisitorConnResp>(deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Passed("answer to the visitor");
        }
        catch (EndOfStreamException e)
        {
            throw new IOException("the server closed the connection without an answer to the visitor", e);
        }
    }

    private async Task RunOnceAsync(IVisitor visitor, CancellationToken cancellationToken)
    {
        try
        {
            await visitor.RunAsync(cancellationToken);
            throw new IOException("the door closed by itself");
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            SetPhase(VisitorPhase.StartError, e.Message);
            if (CloseReason.From(e).Kind == CloseKind.Fault) Log.Fault(Logger, e);
            else Log.StartError(Logger, e.Message);
        }
    }

    private void SetPhase(VisitorPhase phase, string error)
    {
        lock (_lock) (_phase, _error) = (phase, error);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "start visitor success")]
        internal static partial void Started(ILogger logger);

        [LoggerMessage(2, LogLevel.Warning, "start error: {Cause}")]
        internal static partial void StartError(ILogger logger, string cause);

        [LoggerMessage(3, LogLevel.Information, "try to start visitor [{Name}]")]
        internal static partial void Retrying(ILogger logger, string name);

        [LoggerMessage(4, LogLevel.Error, "fault in the visitor")]
        internal static partial void Fault(ILogger logger, Exception exception);
    }
}
