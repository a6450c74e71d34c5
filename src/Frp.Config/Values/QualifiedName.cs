using System.Buffers;
using System.Text;

namespace Frp.Config;

/// <summary>Names of annotations: an optional DNS sub-domain and <c>/</c>, then a short name.</summary>
/// <remarks>Source: Kubernetes, "Labels and Selectors", syntax and character set.</remarks>
public static class QualifiedName
{
    private const int MaxNameLength = 63;
    private const int MaxPrefixLength = 253;

    /// <summary>Why a text is no qualified name, or <c>null</c> when it is one.</summary>
    public static string? Fault(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var name = text.AsSpan();
        var slash = name.IndexOf('/');
        if (slash >= 0)
        {
            var prefix = name[..slash];
            name = name[(slash + 1)..];
            if (name.Contains('/'))
                return "a qualified name must consist of alphanumeric characters, '-', '_' or '.', with an optional DNS subdomain prefix and one '/'";
            if (prefix.IsEmpty)
                return "prefix part must be non-empty";
            if (prefix.Length > MaxPrefixLength)
                return $"prefix part must be no more than {MaxPrefixLength} characters";
            foreach (var label in prefix.Split('.'))
                if (!IsLabel(prefix[label]))
                    return "prefix part must be a lowercase RFC 1123 subdomain: alphanumeric characters, '-' or '.', alphanumeric at both ends";
        }
        if (name.IsEmpty)
            return "name part must be non-empty";
        if (name.Length > MaxNameLength)
            return $"name part must be no more than {MaxNameLength} characters";
        if (!char.IsAsciiLetterOrDigit(name[0]) || !char.IsAsciiLetterOrDigit(name[^1]) || name.ContainsAnyExcept(NameCharacters))
            return "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
        return null;
    }

    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    private static readonly SearchValues<char> LabelCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    private static bool IsLabel(ReadOnlySpan<char> label) =>
        !label.IsEmpty && label[0] != '-' && label[^1] != '-' && !label.ContainsAnyExcept(LabelCharacters);
}

/// <summary>What annotations must be, on both sides: qualified names in any letter case, and not too much of them.</summary>
public static class AnnotationRules
{
    /// <summary>Bytes of all keys and values together.</summary>
    public const int MaxSize = 256 * 1024;

    /// <summary>Reports annotations that cannot be used.</summary>
    /// <param name="annotations">The annotations.</param>
    /// <param name="errors">Where the findings go.</param>
    public static void Validate(IReadOnlyDictionary<string, string> annotations, ConfigErrors errors)
    {
        ArgumentNullException.ThrowIfNull(annotations);
        ArgumentNullException.ThrowIfNull(errors);
        var size = 0L;
        foreach (var (key, value) in annotations)
        {
            if (QualifiedName.Fault(key.ToLowerInvariant()) is { } fault)
                errors.Add(key, $"annotation key {key} is invalid: {fault}");
            size += Encoding.UTF8.GetByteCount(key) + Encoding.UTF8.GetByteCount(value);
        }
        if (size > MaxSize)
            errors.Add("", $"annotations size {size} is larger than limit {MaxSize}");
    }
}
