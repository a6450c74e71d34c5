using System.Buffers;
using System.Runtime.CompilerServices;

namespace Frp.Wire;

/// <summary>The encryption layer (<c>useEncryption</c>) and the cipher of the v1 control channel: AES-128-CFB in both directions.</summary>
/// <remarks>
/// Each direction begins with its own random initialisation vector, sent together with that direction's first bytes and not
/// before, so neither side waits for the other. A write goes down as one write; one of more than 128 KiB as several.
/// Received bytes are decrypted in the caller's memory.
/// <para>Source: docs/wire/payload-layers.md.</para>
/// </remarks>
public sealed class CfbStream : LayerStream
{
    private const int MaxPieceLength = 128 * 1024;

    private readonly byte[] _key;
    private readonly byte[] _receivedIv = new byte[CfbEncryptor.BlockLength];
    private int _receivedIvLength;
    private CfbEncryptor? _encryptor;
    private CfbDecryptor? _decryptor;

    /// <summary>Puts the cipher over a stream, which it then owns.</summary>
    /// <param name="inner">The stream below.</param>
    /// <param name="key">16 bytes, see <see cref="StreamKey"/>.</param>
    public CfbStream(Stream inner, ReadOnlySpan<byte> key) : base(inner)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, StreamKey.Length);
        _key = key.ToArray();
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
                var count = await Inner.ReadAsync(buffer, cancellationToken);
                if (count == 0)
                {
                    if (buffer.IsEmpty || _receivedIvLength is 0 or CfbEncryptor.BlockLength) return 0;
                    throw new ProtocolViolationException("the encrypted stream ended inside its initialisation vector");
                }
                var data = _decryptor is null ? TakeIv(buffer.Span[..count]) : count;
                if (data == 0) continue;
                _decryptor!.Decrypt(buffer.Span[..data]);
                return data;
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
                var piece = buffer.Length <= MaxPieceLength ? buffer : buffer[..MaxPieceLength];
                var output = ArrayPool<byte>.Shared.Rent(CfbEncryptor.BlockLength + piece.Length);
                try
                {
                    var length = Encrypt(piece.Span, output);
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

    private protected override void ReleaseReadState() => _decryptor?.Dispose();

    private protected override void ReleaseWriteState() => _encryptor?.Dispose();

    private int Encrypt(ReadOnlySpan<byte> plain, Span<byte> output)
    {
        var head = 0;
        if (_encryptor is null)
        {
            _encryptor = new CfbEncryptor(_key);
            _encryptor.Iv.CopyTo(output);
            head = CfbEncryptor.BlockLength;
        }
        _encryptor.Encrypt(plain, output[head..]);
        return head + plain.Length;
    }

    // Takes the vector, or what came of it, off the front; returns how many bytes are left, moved to the front.
    private int TakeIv(Span<byte> data)
    {
        var part = Math.Min(CfbEncryptor.BlockLength - _receivedIvLength, data.Length);
        data[..part].CopyTo(_receivedIv.AsSpan(_receivedIvLength));
        _receivedIvLength += part;
        if (_receivedIvLength == CfbEncryptor.BlockLength) _decryptor = new CfbDecryptor(_key, _receivedIv);
        data[part..].CopyTo(data);
        return data.Length - part;
    }
}
