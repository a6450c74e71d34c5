using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Frp.Transport;

/// <summary>The name of a public key: <c>sha256/</c> and the base64 of the SHA-256 of its SubjectPublicKeyInfo.</summary>
/// <remarks>A certificate that is issued again for the same key has the same pin. <b>Source.</b> RFC 7469 §2.4.</remarks>
internal static class KeyPin
{
    internal const string Prefix = "sha256/";

    internal static string Of(X509Certificate2 certificate) =>
        Prefix + Convert.ToBase64String(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));

    /// <summary>Whether a text has the form of a pin.</summary>
    internal static bool IsPin(ReadOnlySpan<char> text)
    {
        if (!text.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        // 32 bytes are 44 characters; that many others may decode to fewer.
        return text.Length == Prefix.Length + 44 && Convert.TryFromBase64Chars(text[Prefix.Length..], digest, out int length) && length == digest.Length;
    }
}
