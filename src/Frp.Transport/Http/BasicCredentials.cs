using System.Text;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>A user name and a password, as a request's <c>Basic</c> credentials say them: read once, for routing and for admission.</summary>
/// <param name="User">The name; empty for none.</param>
/// <param name="Password">The password.</param>
/// <remarks>Source: RFC 7617 §2. Credentials that are not UTF-8 are none: nothing that is configured equals them.</remarks>
public sealed record BasicCredentials(string User, string Password)
{
    /// <summary>Those of a request that carries none.</summary>
    public static readonly BasicCredentials None = new("", "");

    private const string Scheme = "Basic ";
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads the value of an <c>Authorization</c> or <c>Proxy-Authorization</c> field.</summary>
    /// <returns><see cref="None"/> when there is no field, or another scheme, or nonsense.</returns>
    public static BasicCredentials Parse(string? field)
    {
        if (field is null || !field.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return None;
        string encoded = field[Scheme.Length..];
        byte[] bytes = new byte[encoded.Length];
        // The platform's decoder skips blanks, which nobody else does.
        if (encoded.AsSpan().ContainsAny(' ', '\t') || !Convert.TryFromBase64String(encoded, bytes, out int count)) return None;
        string text;
        try
        {
            text = Strict.GetString(bytes, 0, count);
        }
        catch (DecoderFallbackException)
        {
            return None;
        }
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? None : new BasicCredentials(text[..colon], text[(colon + 1)..]);
    }

    /// <summary>Whether these are the demanded ones. Takes as long for a near miss as for a far one.</summary>
    public bool Matches(string user, string password) => SecretText.AreEqual(User, user) & SecretText.AreEqual(Password, password);
}
