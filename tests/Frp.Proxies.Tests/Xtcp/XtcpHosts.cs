using System.Threading.Channels;
using Frp.Config;
using Frp.TestKit;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies.Tests;

/// <summary>A broker that is played by hand: what is asked waits until the test answers.</summary>
internal sealed class PlayedBroker(int stunPort) : ITraversalHost
{
    private readonly Channel<(Message Question, TaskCompletionSource<NatHoleResp> Answer)> _asked = Channel.CreateUnbounded<(Message, TaskCompletionSource<NatHoleResp>)>();
    private readonly Channel<NatHoleReport> _reports = Channel.CreateUnbounded<NatHoleReport>();
    private int _count;

    public string ProxyName => "direct";

    public string StunServer => $"127.0.0.1:{stunPort}";

    /// <summary>What every question gets; null leaves it to the test.</summary>
    internal Exception? Refusal { get; set; }

    internal int Count => Volatile.Read(ref _count);

    public (long Timestamp, string Proof) ProofOf(string secretKey) => (17, AuthKey.Compute(secretKey, 17));

    public async ValueTask<NatHoleResp> AskAsync<T>(T question, CancellationToken cancellationToken) where T : Message, ITraversalQuestion
    {
        question.TransactionId = $"t{Interlocked.Increment(ref _count)}";
        if (Refusal is { } refusal) throw refusal;
        var answer = new TaskCompletionSource<NatHoleResp>(TaskCreationOptions.RunContinuationsAsynchronously);
        _asked.Writer.TryWrite((question, answer));
        return await answer.Task.WaitAsync(cancellationToken);
    }

    public ValueTask TellAsync(NatHoleReport report, CancellationToken cancellationToken)
    {
        _reports.Writer.TryWrite(report);
        return ValueTask.CompletedTask;
    }

    internal Task<NatHoleReport> ReportAsync() => _reports.Reader.ReadAsync().Soon();

    /// <summary>The next question and the way to answer it.</summary>
    internal async Task<(T Question, TaskCompletionSource<NatHoleResp> Answer)> AskedAsync<T>() where T : Message
    {
        var (question, answer) = await _asked.Reader.ReadAsync().Soon();
        return (Assert.IsType<T>(question), answer);
    }

    /// <summary>Lets a visitor through the check, and hands out his request.</summary>
    internal async Task<(NatHoleVisitor Question, TaskCompletionSource<NatHoleResp> Answer)> AdmitAsync()
    {
        var (check, answer) = await AskedAsync<NatHoleVisitor>();
        Assert.True(check.PreCheck);
        answer.SetResult(new NatHoleResp());
        return await AskedAsync<NatHoleVisitor>();
    }
}

/// <summary>A client of which a proxy or visitor sees what it needs.</summary>
internal sealed class PlayedClient(PlayedBroker broker, TimeProvider time) : IClientProxyHost, IVisitorHost, IAsyncDisposable
{
    internal RecordingLogger Log { get; } = new();

    internal TaskCompletionSource Opened { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal TaskCompletionSource<(string Visitor, Connection User)> HandedOver { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The visitor that takes users from others.</summary>
    internal string Other { get; set; } = "";

    /// <summary>Where services are.</summary>
    internal int ServicePort { get; set; }

    public ILogger Logger => Log;

    public TimeProvider Time => time;

    public TaskScope Users { get; } = new("users");

    public IMessageCodec Codec => V1Codec.Instance;

    public int DatagramSize => 1500;

    public ITraversalHost Traversal => broker;

    public void ReportOpen() => Opened.TrySetResult();

    public bool TryHandOver(string visitor, Connection user) => visitor == Other && HandedOver.TrySetResult((visitor, user));

    public ValueTask<ServedWork> ConnectAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public async ValueTask<Connection> DialLocalAsync(string host, int port, CancellationToken cancellationToken) =>
        await TcpDialer.DialAsync("127.0.0.1", ServicePort, new TcpDialOptions(), TimeProvider.System, cancellationToken);

    public IClientProxy CreateHttpPlugin(ProxyConfig config) => throw new NotSupportedException();

    public ValueTask DisposeAsync() => Users.DisposeAsync();
}

/// <summary>A log that can be waited for.</summary>
internal sealed class RecordingLogger : ILogger
{
    internal CapturedText Text { get; } = new();

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Text.Append($"{formatter(state, exception)}\n");
}
