namespace Frp.Config;

/// <summary>Names of public keys as files write them: <c>sha256/</c> (or curl's <c>sha256//</c>) and the base64 of 32 bytes, apart by <c>;</c>.</summary>
internal static class KeyPins
{
    private const string Prefix = "sha256/";
    private const int DigestLength = 32;

    /// <summary>Reads them.</summary>
    /// <param name="text">The text; an empty one names no key.</param>
    /// <param name="pins">Each as <c>sha256/BASE64</c>.</param>
    /// <param name="wrong">The first one that is none.</param>
    internal static bool TryParse(string text, out IReadOnlyList<string> pins, out string? wrong)
    {
        (pins, wrong) = ([], null);
        if (text.Length == 0) return true;
        var found = new List<string>();
        foreach (string piece in text.Split(';', StringSplitOptions.TrimEntries))
        {
            if (!piece.StartsWith(Prefix, StringComparison.Ordinal) || Canonical(piece[Prefix.Length..]) is not { } pin)
            {
                wrong = piece;
                return false;
            }
            found.Add(pin);
        }
        pins = found;
        return true;
    }

    // Base64 may begin with a slash itself: the length tells whose it is.
    private static string? Canonical(string base64)
    {
        const int encodedLength = (DigestLength + 2) / 3 * 4;
        if (base64.Length == encodedLength + 1 && base64[0] == '/') base64 = base64[1..];
        Span<byte> digest = stackalloc byte[DigestLength + 1];
        return base64.Length == encodedLength && Convert.TryFromBase64String(base64, digest, out int length) && length == DigestLength
            ? Prefix + Convert.ToBase64String(digest[..length]) : null;
    }
}
