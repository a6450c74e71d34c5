using System.Threading.Channels;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>
/// A control connection after login: messages come in one at a time, and go out in the order in which they were posted,
/// several in one write when they have piled up.
/// </summary>
/// <remarks>
/// <para><b>Concurrency.</b> One reader. Anybody may post.</para>
/// <para><b>Bounds.</b> <see cref="MaxQueued"/> messages wait at most; requests for work connections are a counter and take one
/// place whatever their number. A peer that does not read for <see cref="WriteTimeout"/> loses the connection.</para>
/// </remarks>
public sealed class ControlChannel : IAsyncDisposable
{
    /// <summary>Messages that may wait to be sent.</summary>
    // Source: wire specification §22, "control send queue".
    public const int MaxQueued = 100;

    /// <summary>How long one write may take.</summary>
    public static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(10);

    private const int MaxBatch = 64;
    private static readonly Posting WorkConnectionRequest = new(new ReqWorkConn(), null);

    private readonly Connection _connection;
    private readonly MessageStream _messages;
    private readonly TimeProvider _time;
    private readonly Channel<Posting> _outgoing = Channel.CreateBounded<Posting>(new BoundedChannelOptions(MaxQueued)
    {
        SingleReader = true,
        AllowSynchronousContinuations = true, // the sender's turn is a non-blocking write: no reason to change threads for it
    });
    private int _wantedWorkConnections;

    /// <summary>Takes ownership of the connection.</summary>
    /// <param name="connection">The connection that logged in.</param>
    /// <param name="messages">The encrypted message stream on top of it.</param>
    /// <param name="time">For the write deadline.</param>
    public ControlChannel(Connection connection, MessageStream messages, TimeProvider time) => (_connection, _messages, _time) = (connection, messages, time);

    /// <summary>What it runs on. Read and written by the channel alone.</summary>
    public Connection Connection => _connection;

    /// <summary>The next message from the peer.</summary>
    /// <exception cref="EndOfStreamException">The peer has closed the connection.</exception>
    /// <exception cref="ProtocolViolationException">The peer broke the protocol.</exception>
    /// <exception cref="IOException">The connection is gone.</exception>
    public ValueTask<Message> ReadAsync(CancellationToken cancellationToken) => _messages.ReadAsync(cancellationToken);

    /// <summary>A message that has arrived already, without waiting; null when there is none.</summary>
    /// <exception cref="ProtocolViolationException">The peer broke the protocol.</exception>
    public Message? TryRead() => _messages.TryRead();

    /// <summary>Queues a message, waiting for a place in the queue.</summary>
    /// <exception cref="IOException">The channel is closed.</exception>
    public ValueTask PostAsync(Message message, CancellationToken cancellationToken) => PostAsync(new Posting(message, null), cancellationToken);

    /// <summary>Queues messages that go out together. They take one place in the queue, so they should be few, or soon sent.</summary>
    /// <param name="messages">Left alone from here on.</param>
    /// <param name="cancellationToken">Gives up waiting for a place.</param>
    /// <exception cref="IOException">The channel is closed.</exception>
    public ValueTask PostAsync(IReadOnlyList<Message> messages, CancellationToken cancellationToken) => PostAsync(new Posting(null, messages), cancellationToken);

    private async ValueTask PostAsync(Posting posting, CancellationToken cancellationToken)
    {
        try
        {
            await _outgoing.Writer.WriteAsync(posting, cancellationToken);
        }
        catch (ChannelClosedException e)
        {
            throw new IOException("the control connection is closed", e);
        }
    }

    /// <summary>Asks the client for work connections. Never waits, and does nothing on a closed channel.</summary>
    public void RequestWorkConnections(int count)
    {
        // The first request takes a place in the queue; those that come before it is sent ride along.
        if (Interlocked.Add(ref _wantedWorkConnections, count) != count) return;
        // A full queue loses nothing: the sender looks at the counter behind each batch.
        _outgoing.Writer.TryWrite(WorkConnectionRequest);
    }

    /// <summary>Sends what is posted until the channel is closed. Run by the session's scope.</summary>
    /// <exception cref="TimeoutException">The peer did not read in time.</exception>
    /// <exception cref="IOException">The connection is gone.</exception>
    public async Task SendAsync(CancellationToken cancellationToken)
    {
        var batch = new List<Message>(MaxBatch);
        var reader = _outgoing.Reader;
        while (await reader.WaitToReadAsync(cancellationToken))
        {
            while (batch.Count < MaxBatch && reader.TryRead(out var posting))
            {
                if (posting.Many is { } many) batch.AddRange(many);
                else if (!ReferenceEquals(posting.One, WorkConnectionRequest.One)) batch.Add(posting.One!);
            }
            for (int wanted = Interlocked.Exchange(ref _wantedWorkConnections, 0); wanted > 0; wanted--) batch.Add(WorkConnectionRequest.One!);
            if (batch.Count == 0) continue;
            using var deadline = new Deadline(WriteTimeout, _time, cancellationToken);
            try
            {
                await _messages.WriteAsync(batch, deadline.Token);
            }
            catch (OperationCanceledException) when (deadline.HasPassed)
            {
                throw deadline.Passed("room on the control connection");
            }
            batch.Clear();
        }
    }

    /// <summary>Lets <see cref="SendAsync"/> end behind what is queued.</summary>
    public void CompletePosting() => _outgoing.Writer.TryComplete();

    /// <summary>Closes the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        CompletePosting();
        await _messages.DisposeAsync();
        await _connection.DisposeAsync();
    }

    // One of the two.
    private readonly struct Posting(Message? one, IReadOnlyList<Message>? many)
    {
        internal Message? One => one;

        internal IReadOnlyList<Message>? Many => many;
    }
}
