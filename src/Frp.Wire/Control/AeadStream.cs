using System.Buffers;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Frp.Wire;

/// <summary>The cipher of the v2 control channel: authenticated records in both directions.</summary>
/// <remarks>
/// Each direction's nonce goes out together with its first record and not before. A write goes down as one write of one record;
/// one of more than 64 KiB as several. The end of the stream between two records is an ordinary end: it is not authenticated.
/// <para>Source: docs/wire/framing-v2.md.</para>
/// </remarks>
public sealed class AeadStream : LayerStream
{
    private const int InitialReadLength = 512;
    private const int MaxReadLength = 16 * 1024;

    private readonly ControlCipher _cipher;
    private readonly ReadOnlyMemory<byte> _sendKey;
    private readonly ReadOnlyMemory<byte> _receiveKey;
    private PooledReadBuffer _input = new(InitialReadLength, MaxReadLength);
    private ControlAead? _sender;
    private ControlAead? _receiver;

    // Plain bytes at the front of the input, opened in place; behind them lies the record's tag.
    private int _plainLength;

    /// <summary>Puts the cipher over a stream, which it then owns.</summary>
    /// <param name="inner">The stream below.</param>
    /// <param name="keys">What the hellos came to.</param>
    /// <param name="isServer">Which end this is.</param>
    public AeadStream(Stream inner, ControlKeys keys, bool isServer) : base(inner)
    {
        ArgumentNullException.ThrowIfNull(keys);
        _cipher = keys.Cipher;
        (_sendKey, _receiveKey) = isServer ? (keys.ServerToClient, keys.ClientToServer) : (keys.ClientToServer, keys.ServerToClient);
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        EnterRead();
        try
        {
            while (true)
            {
                if (_plainLength > 0) return TakePlain(buffer.Span);
                if (TryOpen(buffer.Span, out var needed) is > 0 and var written) return written;
                if (_plainLength > 0) continue;
                if (buffer.IsEmpty)
                {
                    _input.ReleaseIfEmpty();
                    return await Inner.ReadAsync(buffer, cancellationToken);
                }
                var count = await Inner.ReadAsync(_input.GetRoom(needed), cancellationToken);
                if (count == 0)
                {
                    if (_input.Length == 0) return 0;
                    throw new ProtocolViolationException("the control channel ended inside a record");
                }
                _input.Advance(count);
            }
        }
        finally
        {
            ExitRead();
        }
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        EnterWrite();
        try
        {
            while (!buffer.IsEmpty)
            {
                var piece = buffer.Length <= ControlAead.MaxPlainLength ? buffer : buffer[..ControlAead.MaxPlainLength];
                var output = ArrayPool<byte>.Shared.Rent(
                    ControlAead.NonceLength(_cipher) + ControlAead.LengthFieldLength + piece.Length + ControlAead.TagLength);
                try
                {
                    var length = Seal(piece.Span, output);
                    await WriteDownAsync(output.AsMemory(0, length), cancellationToken);
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(output);
                }
                buffer = buffer[piece.Length..];
            }
        }
        finally
        {
            ExitWrite();
        }
    }

    private protected override void ReleaseReadState()
    {
        _input.Release();
        _receiver?.Dispose();
    }

    private protected override void ReleaseWriteState() => _sender?.Dispose();

    private int Seal(ReadOnlySpan<byte> plain, Span<byte> output)
    {
        var head = 0;
        if (_sender is null)
        {
            head = ControlAead.NonceLength(_cipher);
            RandomNumberGenerator.Fill(output[..head]);
            _sender = new ControlAead(_cipher, _sendKey.Span, output[..head]);
        }
        return head + _sender.Seal(plain, output[head..]);
    }

    // Opens the next record: into the output when it fits, else in place, and then it is _plainLength that says so. Returns the
    // bytes written to the output; needed is what must be buffered when there is no whole record.
    private int TryOpen(Span<byte> output, out int needed)
    {
        while (true)
        {
            var input = _input.Filled;
            if (_receiver is null)
            {
                needed = ControlAead.NonceLength(_cipher);
                if (input.Length < needed) return 0;
                _receiver = new ControlAead(_cipher, _receiveKey.Span, input[..needed]);
                _input.Consume(needed);
                continue;
            }
            needed = ControlAead.LengthFieldLength;
            if (input.Length < needed) return 0;
            needed += ControlAead.ReadLength(input);
            if (input.Length < needed) return 0;
            var body = input[ControlAead.LengthFieldLength..needed];
            var plainLength = body.Length - ControlAead.TagLength;
            if (plainLength <= output.Length)
            {
                _receiver.Open(body, output[..plainLength]);
                _input.Consume(needed);
                if (plainLength == 0) continue;
                return plainLength;
            }
            _receiver.Open(body, body[..plainLength]);
            _input.Consume(ControlAead.LengthFieldLength);
            _plainLength = plainLength;
            return 0;
        }
    }

    private int TakePlain(Span<byte> output)
    {
        var count = Math.Min(output.Length, _plainLength);
        _input.Filled[..count].CopyTo(output);
        _plainLength -= count;
        if (count > 0) _input.Consume(_plainLength == 0 ? count + ControlAead.TagLength : count);
        return count;
    }
}
