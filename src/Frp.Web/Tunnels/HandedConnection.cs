using System.IO.Pipelines;
using System.Net;
using Frp.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Frp.Web;

/// <summary>A user's connection as the HTTP server wants it. It sees a user's end while his request is served.</summary>
/// <remarks>
/// <para>No queue and no thread stands between the socket and the parser, nor between the answer and the socket: <see cref="HandedInput"/>,
/// <see cref="HandedOutput"/>.</para>
/// <para><b>A user who ends his direction</b> may have left, or may wait for the answer: on the wire that is the same. Where requests
/// are answered one by one he is taken to wait as long as something goes to him; when nothing has for <see cref="HttpLimits.HalfClosed"/>,
/// he is given up. A user who has left answers bytes with a reset, which is noticed at once.</para>
/// <para><b>Ownership.</b> The server disposes it, and it disposes the connection. A user who still speaks is heard out for a while, so
/// that no reset overtakes the answer.</para>
/// </remarks>
internal sealed class HandedConnection : ConnectionContext, IDuplexPipe, IConnectionLifetimeFeature, IConnectionEndPointFeature, IConnectionIdFeature, IConnectionItemsFeature, IConnectionTransportFeature
{
    private readonly Connection _connection;
    private readonly HttpLimits _limits;
    private readonly TimeProvider _time;
    private readonly HandedInput _input;
    private readonly HandedOutput _output;
    private readonly CancellationTokenSource _closed = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private readonly Task _receiving;
    private readonly WaitingRoom.Place _place;
    private int _requests;
    private volatile Task _closing = Task.CompletedTask;
    private bool _waitsForAnswers;
    private bool _inputEnded;
    private ITimer? _silence;
    private long _sentBefore;

    /// <summary>Begins to read.</summary>
    /// <param name="connection">Owned from here on.</param>
    /// <param name="waitsForAnswers">Whether the user may wait for an answer when he has ended his direction.</param>
    /// <param name="idle">Where it waits for requests.</param>
    /// <param name="limits">How long things may take.</param>
    /// <param name="time">The clock.</param>
    internal HandedConnection(Connection connection, bool waitsForAnswers, WaitingRoom idle, HttpLimits limits, TimeProvider time)
    {
        (_connection, _waitsForAnswers, _limits, _time) = (connection, waitsForAnswers, limits, time);
        (_input, _output) = (new HandedInput(connection.Stream), new HandedOutput(connection.Stream));
        ConnectionClosed = _closed.Token;
        (LocalEndPoint, RemoteEndPoint) = (connection.Local, connection.Remote);
        Features.Set(this);
        Features.Set<IConnectionLifetimeFeature>(this);
        Features.Set<IConnectionEndPointFeature>(this);
        Features.Set<IConnectionIdFeature>(this);
        Features.Set<IConnectionItemsFeature>(this);
        Features.Set<IConnectionTransportFeature>(this);
        _place = idle.Enter(connection.Abort);
        _receiving = ReceiveAsync();
    }

    public PipeReader Input => _input;

    public PipeWriter Output => _output;

    public override IDuplexPipe Transport { get => this; set => throw new NotSupportedException(); }

    public override string ConnectionId { get; set; } = "";

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    public override CancellationToken ConnectionClosed { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    /// <summary>The name that the user has asked for in TLS; empty where there is none.</summary>
    internal string ServerName { get; set; } = "";

    /// <summary>Asked when a user who has ended his direction was not sent anything for too long: whether an answer is on its way now.</summary>
    internal Func<bool>? GivesUp { get; set; }

    /// <summary>Completes when the connection has been closed.</summary>
    internal Task Ended => _ended.Task;

    /// <summary>Cuts the connection, from any thread and at any time.</summary>
    internal void Cut() => _connection.Abort();

    /// <summary>A request is complete enough to be served. The connection is not idle until it has ended.</summary>
    internal void BeginRequest()
    {
        if (Interlocked.Increment(ref _requests) == 1) _place.Leave();
    }

    /// <summary>A request has ended.</summary>
    internal void EndRequest()
    {
        if (Interlocked.Decrement(ref _requests) == 0) _place.Return();
    }

    /// <summary>From here on a user who ends his direction has left: his requests are over.</summary>
    internal void LeaveWithInput()
    {
        lock (_lock)
        {
            _waitsForAnswers = false;
            if (!_inputEnded) return;
        }
        Leave();
    }

    /// <summary>Closes the connection: in order where the server gives no reason, since the user has ended already; else by a reset.</summary>
    public override void Abort(ConnectionAbortedException? abortReason)
    {
        // What reads notices either.
        if (abortReason is null) _closing = _connection.DisposeAsync().AsTask();
        else _connection.Abort();
    }

    public override async ValueTask DisposeAsync()
    {
        try
        {
            _place.Dispose();
            await _output.CompleteAsync();
            await _input.CompleteAsync();
            if (_connection.CanHalfClose && !_receiving.IsCompleted && !IsStopping) await HearOutAsync();
            await _closing;
            await _connection.DisposeAsync();
            await _receiving;
            lock (_lock) _silence?.Dispose();
            _closed.Dispose();
            await base.DisposeAsync();
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    private bool IsStopping => Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested.IsCancellationRequested == true;

    private async Task ReceiveAsync()
    {
        Exception? reset = null;
        try
        {
            await _input.ReceiveAsync();
        }
        catch (Exception e)
        {
            // Layers say in many ways that there is no more to be had: whoever reads hears of it, and does not wait.
            reset = new ConnectionResetException(e.Message, e);
        }
        _input.End(reset);
        lock (_lock)
        {
            _inputEnded = true;
            if (reset is null && _waitsForAnswers)
            {
                _sentBefore = _output.SentBytes;
                _silence = _time.CreateTimer(static me => ((HandedConnection)me!).OnSilence(), this, _limits.HalfClosed, Timeout.InfiniteTimeSpan);
                return;
            }
        }
        Leave();
    }

    /// <summary>Ends our direction and waits for the user to end his.</summary>
    private async ValueTask HearOutAsync()
    {
        try
        {
            await _connection.CompleteWritesAsync(CancellationToken.None);
            await _receiving.WaitAsync(Farewell.Limit, _time);
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            // He has left, or had his time.
        }
    }

    private void OnSilence()
    {
        long sent = _output.SentBytes;
        bool goesOn = _output.IsSending || sent != _sentBefore || GivesUp?.Invoke() == true;
        _sentBefore = sent;
        if (!goesOn) Leave();
        lock (_lock)
        {
            if (goesOn) _silence!.Change(_limits.HalfClosed, Timeout.InfiniteTimeSpan);
        }
    }

    private void Leave()
    {
        try
        {
            _closed.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Over already.
        }
    }
}
