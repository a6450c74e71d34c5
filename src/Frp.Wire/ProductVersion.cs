namespace Frp.Wire;

/// <summary>Which release this is, and how it says so to peers.</summary>
public static class ProductVersion
{
    /// <summary>Our own version.</summary>
    public const string Own = "0.1.0";

    /// <summary>The release of the reference whose protocol this one speaks.</summary>
    public const string Compatible = "0.70.1";

    /// <summary>
    /// What logins and their answers carry: the compatible release, so that a peer that compares versions decides rightly, with our
    /// own version as build metadata, by which our programs know each other.
    /// </summary>
    // Compat: docs/COMPAT.md, "version in logins".
    public const string Wire = Compatible + Marker + Own;

    private const string Marker = "+net.";

    /// <summary>Whether a peer with this version reads <see cref="LoginResp.Features"/>.</summary>
    public static bool KnowsFeatures(string version) => version.Contains(Marker, StringComparison.Ordinal);
}
