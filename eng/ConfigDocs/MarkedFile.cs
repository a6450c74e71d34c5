using System.Text;

namespace ConfigDocs;

/// <summary>A file of prose with generated parts: what stands between <c>&lt;!-- keys: NAME --&gt;</c> and <c>&lt;!-- end --&gt;</c>.</summary>
internal static class MarkedFile
{
    private const string Begin = "<!-- keys: ";
    private const string Close = " -->";
    private const string End = "<!-- end -->";

    /// <summary>The text with its parts written anew.</summary>
    /// <exception cref="InvalidDataException">A name that there is not, one that is missing, a part without end.</exception>
    public static string Fill(string text, IReadOnlyDictionary<string, string> parts)
    {
        var filled = new StringBuilder();
        var missing = parts.Keys.ToHashSet(StringComparer.Ordinal);
        string? inside = null;
        foreach (var line in text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n'))
        {
            if (line.StartsWith(Begin, StringComparison.Ordinal) && line.EndsWith(Close, StringComparison.Ordinal))
            {
                if (inside is not null) throw new InvalidDataException($"the part \"{inside}\" has no end");
                inside = line[Begin.Length..^Close.Length];
                if (!parts.TryGetValue(inside, out var part)) throw new InvalidDataException($"nothing is called \"{inside}\"");
                missing.Remove(inside);
                filled.Append(line).Append("\n\n").Append(part).Append('\n');
            }
            else if (line == End)
            {
                if (inside is null) throw new InvalidDataException("an end without a beginning");
                inside = null;
            }
            if (inside is null) filled.Append(line).Append('\n');
        }
        if (inside is not null) throw new InvalidDataException($"the part \"{inside}\" has no end");
        return missing.Count == 0 ? filled.ToString() : throw new InvalidDataException($"without a place: {string.Join(", ", missing.Order(StringComparer.Ordinal))}");
    }
}
