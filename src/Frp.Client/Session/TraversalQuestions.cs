using System.Globalization;
using System.Security.Cryptography;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Client;

/// <summary>The questions to the server's broker that wait for answers in one session.</summary>
/// <remarks>
/// <b>Concurrency.</b> All members may be called from any thread. <b>Bounds.</b> <see cref="MostPending"/> questions wait, each for
/// <see cref="AnswerTimeout"/>; the session's end ends them all.
/// </remarks>
/// <param name="connection">What the session runs on, for proofs.</param>
/// <param name="post">Queues a message on the control connection.</param>
/// <param name="time">The clock.</param>
internal sealed class TraversalQuestions(Connection connection, Func<Message, CancellationToken, ValueTask> post, TimeProvider time)
{
    /// <summary>Questions that may wait at once.</summary>
    internal const int MostPending = 256;

    /// <summary>How long one waits.</summary>
    // Source: wire specification §17.2.
    internal static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, TaskCompletionSource<NatHoleResp>> _pending = new(StringComparer.Ordinal);
    private bool _isClosed;

    /// <summary>What the session runs on. Not to be read or written.</summary>
    internal Connection Connection => connection;

    /// <inheritdoc cref="ITraversalHost.AskAsync"/>
    internal async ValueTask<NatHoleResp> AskAsync<T>(T question, CancellationToken cancellationToken) where T : Message, ITraversalQuestion
    {
        question.TransactionId = NewId();
        var answered = new TaskCompletionSource<NatHoleResp>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_isClosed) throw Closed();
            if (_pending.Count >= MostPending) throw new IOException($"{MostPending} questions to the server wait already");
            _pending.Add(question.TransactionId, answered);
        }
        using var deadline = new Deadline(AnswerTimeout, time, cancellationToken);
        try
        {
            await post(question, deadline.Token);
            var answer = await answered.Task.WaitAsync(deadline.Token);
            return answer.Error.Length == 0 ? answer : throw new PeerRefusedException(PeerText.Escape(answer.Error, 1024));
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Passed("answer of the server about the peer");
        }
        finally
        {
            lock (_lock) _pending.Remove(question.TransactionId);
        }
    }

    /// <inheritdoc cref="ITraversalHost.TellAsync"/>
    internal ValueTask TellAsync(NatHoleReport report, CancellationToken cancellationToken) => post(report, cancellationToken);

    /// <summary>An answer has come. One that nobody waits for is ignored.</summary>
    internal void OnAnswer(NatHoleResp answer)
    {
        TaskCompletionSource<NatHoleResp>? waiting;
        lock (_lock) waiting = _pending.GetValueOrDefault(answer.TransactionId);
        waiting?.TrySetResult(answer);
    }

    /// <summary>The session is over.</summary>
    internal void Close()
    {
        TaskCompletionSource<NatHoleResp>[] waiting;
        lock (_lock)
        {
            _isClosed = true;
            waiting = [.. _pending.Values];
        }
        foreach (var one in waiting) one.TrySetException(Closed());
    }

    private static IOException Closed() => new("the session with the server is over");

    // As the reference makes them: Unix seconds, and sixteen hexadecimal digits by chance.
    private string NewId() => string.Create(CultureInfo.InvariantCulture, $"{time.GetUtcNow().ToUnixTimeSeconds()}{RandomNumberGenerator.GetHexString(16, lowercase: true)}");
}
