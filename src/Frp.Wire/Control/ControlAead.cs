using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace Frp.Wire;

/// <summary>One direction of the v2 control channel's cipher: seals or opens one record after the other.</summary>
/// <remarks>
/// <code>
/// stream := nonce (12 bytes AES-256-GCM, 24 bytes XChaCha20-Poly1305) record*
/// record := L(4, big-endian) ciphertext(L - 16) tag(16)          16 &lt;= L &lt;= 65536 + 16
/// </code>
/// Record i is sealed under nonce + i, the nonce being one big-endian integer over its whole length; the associated data are
/// the nonce as sent and the four bytes of L. Source: docs/wire/framing-v2.md.
/// </remarks>
internal sealed class ControlAead : IDisposable
{
    internal const int LengthFieldLength = 4;
    internal const int TagLength = 16;
    internal const int MaxPlainLength = 65536;

    private const long MaxGcmRecords = 1L << 32;
    private const int MaxNonceLength = 24;
    private const int SubkeyNonceLength = 16;
    private const int InnerNonceLength = 12;

    private readonly byte[] _associated;
    private readonly byte[] _nonce;
    private readonly byte[]? _xchachaKey;
    private readonly AesGcm? _gcm;
    private ChaCha20Poly1305? _chacha;
    private long _records;

    internal ControlAead(ControlCipher cipher, ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(nonce.Length, NonceLength(cipher));
        _nonce = nonce.ToArray();
        _associated = new byte[nonce.Length + LengthFieldLength];
        nonce.CopyTo(_associated);
        if (cipher == ControlCipher.Aes256Gcm) _gcm = new AesGcm(key, TagLength);
        else
        {
            _xchachaKey = key.ToArray();
            _chacha = DeriveChaCha(key, nonce);
        }
    }

    internal static int NonceLength(ControlCipher cipher) => cipher == ControlCipher.Aes256Gcm ? 12 : MaxNonceLength;

    /// <summary>Bytes of a record, without the length field, that announces itself with this field.</summary>
    internal static int ReadLength(ReadOnlySpan<byte> field)
    {
        var length = BinaryPrimitives.ReadUInt32BigEndian(field);
        if (length is < TagLength or > MaxPlainLength + TagLength)
            throw new ProtocolViolationException($"control record of {length} bytes");
        return (int)length;
    }

    /// <summary>Makes one record of at most <see cref="MaxPlainLength"/> bytes; returns its length.</summary>
    internal int Seal(ReadOnlySpan<byte> plain, Span<byte> record)
    {
        CountRecord();
        var length = plain.Length + TagLength;
        BinaryPrimitives.WriteUInt32BigEndian(record, (uint)length);
        BindLength(length);
        Span<byte> nonce = stackalloc byte[InnerNonceLength];
        InnerNonce(nonce);
        var cipher = record.Slice(LengthFieldLength, plain.Length);
        var tag = record.Slice(LengthFieldLength + plain.Length, TagLength);
        if (_gcm is not null) _gcm.Encrypt(nonce, plain, cipher, tag, _associated);
        else _chacha!.Encrypt(nonce, plain, cipher, tag, _associated);
        Increment();
        return LengthFieldLength + length;
    }

    /// <summary>Opens a record's body (ciphertext and tag) into memory of its length without the tag, which may be the same.</summary>
    internal void Open(ReadOnlySpan<byte> body, Span<byte> plain)
    {
        CountRecord();
        BindLength(body.Length);
        Span<byte> nonce = stackalloc byte[InnerNonceLength];
        InnerNonce(nonce);
        var cipher = body[..^TagLength];
        var tag = body[^TagLength..];
        try
        {
            if (_gcm is not null) _gcm.Decrypt(nonce, cipher, tag, plain, _associated);
            else _chacha!.Decrypt(nonce, cipher, tag, plain, _associated);
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw new ProtocolViolationException("a record of the control channel is not authentic", e);
        }
        Increment();
    }

    public void Dispose()
    {
        _gcm?.Dispose();
        _chacha?.Dispose();
    }

    private void CountRecord()
    {
        if (_gcm is not null && _records++ >= MaxGcmRecords) throw new ProtocolViolationException("the control channel's key is used up");
    }

    private void BindLength(int length) => BinaryPrimitives.WriteUInt32BigEndian(_associated.AsSpan(_nonce.Length), (uint)length);

    // XChaCha20: the first 16 bytes of the nonce went into the subkey, the rest is behind four zero bytes.
    private void InnerNonce(Span<byte> nonce)
    {
        if (_gcm is not null) _nonce.CopyTo(nonce);
        else
        {
            nonce.Clear();
            _nonce.AsSpan(SubkeyNonceLength).CopyTo(nonce[4..]);
        }
    }

    private void Increment()
    {
        var i = _nonce.Length - 1;
        while (i >= 0 && ++_nonce[i] == 0) i--;
        if (_chacha is null || i >= SubkeyNonceLength) return;
        // The carry reached the part that makes the subkey.
        _chacha.Dispose();
        _chacha = DeriveChaCha(_xchachaKey, _nonce);
    }

    private static ChaCha20Poly1305 DeriveChaCha(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce)
    {
        Span<byte> subkey = stackalloc byte[32];
        HChaCha20(key, nonce[..SubkeyNonceLength], subkey);
        return new ChaCha20Poly1305(subkey);
    }

    /// <summary>The ChaCha20 permutation as a key derivation: 20 rounds over constants, key and nonce, without the final addition.</summary>
    /// <remarks>Source: draft-irtf-cfrg-xchacha, 2.2.</remarks>
    internal static void HChaCha20(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, Span<byte> subkey)
    {
        Span<uint> x = stackalloc uint[16];
        x[0] = 0x61707865;
        x[1] = 0x3320646e;
        x[2] = 0x79622d32;
        x[3] = 0x6b206574;
        for (var i = 0; i < 8; i++) x[4 + i] = BinaryPrimitives.ReadUInt32LittleEndian(key[(4 * i)..]);
        for (var i = 0; i < 4; i++) x[12 + i] = BinaryPrimitives.ReadUInt32LittleEndian(nonce[(4 * i)..]);
        for (var round = 0; round < 10; round++)
        {
            Quarter(x, 0, 4, 8, 12);
            Quarter(x, 1, 5, 9, 13);
            Quarter(x, 2, 6, 10, 14);
            Quarter(x, 3, 7, 11, 15);
            Quarter(x, 0, 5, 10, 15);
            Quarter(x, 1, 6, 11, 12);
            Quarter(x, 2, 7, 8, 13);
            Quarter(x, 3, 4, 9, 14);
        }
        for (var i = 0; i < 4; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(subkey[(4 * i)..], x[i]);
            BinaryPrimitives.WriteUInt32LittleEndian(subkey[(16 + 4 * i)..], x[12 + i]);
        }
    }

    private static void Quarter(Span<uint> x, int a, int b, int c, int d)
    {
        x[a] += x[b]; x[d] = BitOperations.RotateLeft(x[d] ^ x[a], 16);
        x[c] += x[d]; x[b] = BitOperations.RotateLeft(x[b] ^ x[c], 12);
        x[a] += x[b]; x[d] = BitOperations.RotateLeft(x[d] ^ x[a], 8);
        x[c] += x[d]; x[b] = BitOperations.RotateLeft(x[b] ^ x[c], 7);
    }
}
