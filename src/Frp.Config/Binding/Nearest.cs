using System.Text.Json.Serialization.Metadata;

namespace Frp.Config;

/// <summary>Finds what a user who mistyped a name will have meant.</summary>
internal static class Nearest
{
    private const int MaxNameLength = 64;

    /// <summary><c>, did you mean "..."?</c>, or nothing when no name is near.</summary>
    public static string Hint(string name, IEnumerable<string> candidates) => Of(name, candidates) is { } near ? $", did you mean \"{near}\"?" : "";

    /// <summary>The nearest name, or <c>null</c> when none is near.</summary>
    public static string? Of(string name, IEnumerable<string> candidates)
    {
        var plain = Plain(name);
        if (plain.Length is 0 or > MaxNameLength)
            return null;
        var (best, least) = ("", Math.Max(1, plain.Length / 3) + 1);
        foreach (var candidate in candidates)
        {
            var distance = Distance(plain, Plain(candidate));
            if (distance < least)
                (best, least) = (candidate, distance);
        }
        return best.Length == 0 ? null : best;
    }

    // bind_port, bind-port and bindPort are the same to a user.
    private static string Plain(string name) => name.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();

    // Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours count one each.
    private static int Distance(string a, string b)
    {
        int[] before = [], above = [.. Enumerable.Range(0, b.Length + 1)];
        for (var i = 1; i <= a.Length; i++)
        {
            var row = new int[b.Length + 1];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                row[j] = Math.Min(above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), Math.Min(above[j], row[j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
            }
            before = above;
            above = row;
        }
        return above[b.Length];
    }
}

/// <summary>The model's types in the words of messages.</summary>
internal static class ModelWords
{
    public static string Of(JsonTypeInfo info) => info.Kind switch
    {
        JsonTypeInfoKind.Enumerable => "[]" + Element(info),
        JsonTypeInfoKind.Dictionary => "map[string]" + Element(info),
        _ => "object",
    };

    private static string Element(JsonTypeInfo info) =>
        info.ElementType == typeof(string) ? "string" : info.ElementType == typeof(bool) ? "bool" : "object";
}
