using System.Security.Cryptography;
using System.Text;

namespace Frp.Wire;

/// <summary>Comparison of secrets that peers and users present.</summary>
public static class SecretText
{
    /// <summary>Whether two texts are the same. Takes as long for a near miss as for a far one, whatever the lengths are.</summary>
    // Digests, so that the lengths do not show either.
    public static bool AreEqual(string a, string b) =>
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(a)), SHA256.HashData(Encoding.UTF8.GetBytes(b)));
}
