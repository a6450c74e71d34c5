using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Frp.Wire;

/// <summary>Proof of a shared secret as frp carries it: the privilege key of logins and pings, the sign key of visitors.</summary>
/// <remarks>
/// <para>Layout: lower-case hex of MD5(secret in UTF-8, then the timestamp in decimal). No time window is part of the protocol.</para>
/// <para><b>Bound to TLS</b> (ours, docs/wire/tls-binding.md): <c>tls:</c> and the lower-case hex of HMAC-SHA256, keyed by the secret, over a label, the
/// timestamp and the SHA-256 of the certificate that the server has shown. It is good for nobody who has shown another.</para>
/// </remarks>
public static class AuthKey
{
    private const string BoundPrefix = "tls:";

    /// <summary>The proof for a time.</summary>
    /// <param name="secret">Token or secret key; may be empty.</param>
    /// <param name="timestamp">Unix seconds as they go into the message.</param>
    public static string Compute(string secret, long timestamp)
    {
        Span<byte> digest = stackalloc byte[MD5.HashSizeInBytes];
        Digest(secret, timestamp, digest);
        return Convert.ToHexStringLower(digest);
    }

    /// <summary>The proof for a time, bound to a certificate unless there is none.</summary>
    /// <param name="secret">Token or secret key; may be empty.</param>
    /// <param name="timestamp">Unix seconds as they go into the message.</param>
    /// <param name="certificate">SHA-256 of the server's certificate; empty for a proof as frp knows it.</param>
    public static string Compute(string secret, long timestamp, ReadOnlySpan<byte> certificate)
    {
        if (certificate.IsEmpty) return Compute(secret, timestamp);
        ArgumentNullException.ThrowIfNull(secret);
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
        hash.AppendData("frp.NET proof bound to TLS\n"u8);
        Span<byte> number = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(number, timestamp);
        hash.AppendData(number);
        hash.AppendData(certificate);
        return BoundPrefix + Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Whether a presented proof is right. Takes the same time wherever the difference lies.</summary>
    /// <param name="presented">What the peer says.</param>
    /// <param name="secret">Token or secret key; may be empty.</param>
    /// <param name="timestamp">Unix seconds as they are in the message.</param>
    /// <param name="certificate">SHA-256 of the certificate that the proof must be bound to; empty for a proof as frp knows it.</param>
    public static bool Matches(string? presented, string secret, long timestamp, ReadOnlySpan<byte> certificate = default)
    {
        var expected = Encoding.ASCII.GetBytes(Compute(secret, timestamp, certificate));
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(presented ?? ""), expected);
    }

    /// <summary>Whether a proof is, or pretends to be, bound to a certificate.</summary>
    public static bool IsBound(string? presented) => presented is not null && presented.StartsWith(BoundPrefix, StringComparison.Ordinal);

    private static void Digest(string secret, long timestamp, Span<byte> digest)
    {
        ArgumentNullException.ThrowIfNull(secret);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        hash.AppendData(Encoding.UTF8.GetBytes(secret));
        Span<byte> digits = stackalloc byte[20];
        timestamp.TryFormat(digits, out var length, default, CultureInfo.InvariantCulture);
        hash.AppendData(digits[..length]);
        hash.GetHashAndReset(digest);
    }
}

/// <summary>The AES-128 key of the encryption layer.</summary>
public static class StreamKey
{
    /// <summary>Length of the key in bytes.</summary>
    public const int Length = 16;

    /// <summary>Derives the key: PBKDF2 with HMAC-SHA1, salt <c>frp</c>, 64 rounds. Keep the result; it depends on nothing else.</summary>
    /// <param name="secret">Token (control channel and proxy leg) or secret key (visitor leg, xtcp tunnel); may be empty.</param>
    public static byte[] Derive(string secret)
    {
        ArgumentNullException.ThrowIfNull(secret);
        // Compat: salt and round count are the protocol's.
        return Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(secret), "frp"u8, 64, HashAlgorithmName.SHA1, Length);
    }
}
