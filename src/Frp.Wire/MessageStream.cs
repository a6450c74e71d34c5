using System.Runtime.CompilerServices;

namespace Frp.Wire;

/// <summary>Messages over a byte stream: the reading and writing end of a control, work or visitor connection before it carries payload.</summary>
/// <remarks>
/// <para><b>Ownership.</b> The stream stays its owner's unless <c>ownsStream</c> says otherwise; buffers are given back by
/// <see cref="TakeSurplus"/> and <see cref="DisposeAsync"/>.</para>
/// <para><b>Concurrency.</b> One reader and one writer at a time, which may be different threads; a second one is refused.</para>
/// <para><b>Errors.</b> After a <see cref="ProtocolViolationException"/>, or a read or write that failed or was cancelled
/// half-way, the connection is of no further use.</para>
/// <para><b>Memory.</b> A waiting reader holds 512 bytes. The buffer grows only to the length of a frame that was announced and is
/// allowed, or while reads come back full.</para>
/// </remarks>
public sealed class MessageStream : IAsyncDisposable
{
    // Measured: an idle buffer of this order beats a zero-byte read for short exchanges (docs/wire/messages.md).
    private const int InitialBufferLength = 512;
    private const int MaxReadAhead = 16 * 1024;
    private const int WriteBatchLength = 64 * 1024;

    private readonly bool _ownsStream;
    private readonly PooledBufferWriter _output = new();
    private UseGate _reads;
    private UseGate _writes;
    private PooledReadBuffer _input = new(InitialBufferLength, MaxReadAhead);

    /// <summary>Puts messages over a stream.</summary>
    /// <param name="stream">The bytes.</param>
    /// <param name="codec">The framing.</param>
    /// <param name="ownsStream">Disposing this disposes the stream.</param>
    public MessageStream(Stream stream, IMessageCodec codec, bool ownsStream = false)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(codec);
        Stream = stream;
        Codec = codec;
        _ownsStream = ownsStream;
    }

    /// <summary>The bytes below. Reading from it directly is right only after <see cref="TakeSurplus"/>.</summary>
    public Stream Stream { get; }

    /// <summary>The framing.</summary>
    public IMessageCodec Codec { get; }

    /// <summary>The next message.</summary>
    /// <exception cref="EndOfStreamException">The peer ended the stream between two messages.</exception>
    /// <exception cref="ProtocolViolationException">The bytes are no message, or the stream ended inside one.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<Message> ReadAsync(CancellationToken cancellationToken)
    {
        _reads.Enter(this);
        try
        {
            while (true)
            {
                if (TryTake(out var needed) is { } message) return message;
                var count = await Stream.ReadAsync(_input.GetRoom(needed), cancellationToken);
                if (count == 0)
                {
                    throw _input.Length == 0
                        ? new EndOfStreamException("the peer closed the connection")
                        : new ProtocolViolationException("the connection ended inside a message");
                }
                _input.Advance(count);
            }
        }
        finally
        {
            if (_reads.Exit()) _input.Release();
        }
    }

    /// <summary>The next message, which must be of one kind.</summary>
    /// <exception cref="EndOfStreamException">The peer ended the stream between two messages.</exception>
    /// <exception cref="ProtocolViolationException">It is another message or none.</exception>
    /// <remarks>Compat: a v1 reader of the reference would decode whatever message comes as the expected one.</remarks>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<T> ReadAsync<T>(CancellationToken cancellationToken) where T : Message
    {
        var message = await ReadAsync(cancellationToken);
        return message as T ?? throw new ProtocolViolationException($"{MessageTypes.Of(message).Name} where {typeof(T).Name} was expected");
    }

    /// <summary>A message that is buffered already, without waiting; null when the next one is incomplete.</summary>
    /// <exception cref="ProtocolViolationException">The bytes are no message.</exception>
    public Message? TryRead()
    {
        _reads.Enter(this);
        try
        {
            return TryTake(out _);
        }
        finally
        {
            if (_reads.Exit()) _input.Release();
        }
    }

    /// <summary>Sends one message with one write.</summary>
    /// <exception cref="MessageTooLongException">It does not fit into a frame; nothing was sent.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask WriteAsync(Message message, CancellationToken cancellationToken)
    {
        _writes.Enter(this);
        try
        {
            Codec.Write(_output, message);
            await SendAsync(cancellationToken);
            await Stream.FlushAsync(cancellationToken);
        }
        finally
        {
            _output.Release();
            _writes.Exit();
        }
    }

    /// <summary>Sends messages with as few writes as their size allows.</summary>
    /// <exception cref="MessageTooLongException">One does not fit into a frame; those before it may have been sent, whole.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask WriteAsync(IReadOnlyList<Message> messages, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(messages);
        _writes.Enter(this);
        try
        {
            for (var i = 0; i < messages.Count; i++)
            {
                Codec.Write(_output, messages[i]);
                if (_output.Length >= WriteBatchLength) await SendAsync(cancellationToken);
            }
            if (_output.Length > 0) await SendAsync(cancellationToken);
            await Stream.FlushAsync(cancellationToken);
        }
        finally
        {
            _output.Release();
            _writes.Exit();
        }
    }

    /// <summary>What was read beyond the last message: the first payload bytes. Ends the reading through this object.</summary>
    /// <returns>Mostly empty; the caller's to keep.</returns>
    public ReadOnlyMemory<byte> TakeSurplus()
    {
        _reads.Enter(this);
        var surplus = _input.Filled.ToArray();
        _reads.Close();
        _input.Release();
        return surplus;
    }

    /// <summary>Gives the buffers back, and ends the stream if it is owned.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_reads.Close()) _input.Release();
        if (_ownsStream) await Stream.DisposeAsync();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendAsync(CancellationToken cancellationToken)
    {
        await Stream.WriteAsync(_output.Written, cancellationToken);
        _output.Release();
    }

    private Message? TryTake(out int needed)
    {
        var filled = _input.Filled;
        needed = Codec.HeaderLength;
        if (filled.Length < needed) return null;
        needed = Codec.GetFrameLength(filled);
        if (filled.Length < needed) return null;
        var message = Codec.Decode(filled[..needed]);
        _input.Consume(needed);
        return message;
    }
}
