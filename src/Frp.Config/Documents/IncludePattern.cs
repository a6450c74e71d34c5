namespace Frp.Config;

/// <summary>The files that an entry of <c>includes</c> means: a directory as it is, and in it the names that fit a pattern.</summary>
internal static class IncludePattern
{
    private const int MaxFiles = 10_000;

    /// <summary>The files in the order of their names.</summary>
    /// <param name="path">Path whose last part is a pattern; relative to the working directory.</param>
    /// <exception cref="DirectoryNotFoundException">The directory does not exist; the message is told to the user.</exception>
    /// <exception cref="ConfigException">It cannot be read.</exception>
    public static IReadOnlyList<string> Files(string path)
    {
        var pattern = Path.GetFileName(path.TrimEnd('/'));
        var directory = Path.GetDirectoryName(path);
        directory = Path.GetFullPath(string.IsNullOrEmpty(directory) ? path.StartsWith('/') ? "/" : "." : directory);
        if (!Directory.Exists(directory))
            throw new DirectoryNotFoundException($"stat {directory}: no such file or directory");
        try
        {
            var names = new List<string>();
            foreach (var entry in new DirectoryInfo(directory).EnumerateFileSystemInfos())
            {
                // A link to a directory is not one here: reading it will say so.
                if ((entry is DirectoryInfo && entry.LinkTarget is null) || !FileNamePattern.Matches(pattern, entry.Name))
                    continue;
                names.Add(entry.Name);
                if (names.Count > MaxFiles)
                    throw new ConfigException($"more than {MaxFiles} files match {path}");
            }
            return [.. names.Order(StringComparer.Ordinal).Select(name => Path.Join(directory, name))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigException(OsText.Of("open", directory, e), e);
        }
    }
}

/// <summary>Patterns of names: <c>*</c>, <c>?</c>, <c>[a-z]</c>, <c>[^a-z]</c> and a backslash before what is meant as it is.</summary>
/// <remarks>Source: Go, package path/filepath, Match.</remarks>
internal static class FileNamePattern
{
    /// <summary>The whole name fits; nothing fits a broken pattern.</summary>
    public static bool Matches(string pattern, string name)
    {
        if (!IsValid(pattern))
            return false;
        // Where it goes on behind the latest star, and how far the star has taken the name.
        var (behindStar, taken) = (-1, 0);
        var (at, next) = (0, 0);
        while (at < pattern.Length || next < name.Length)
        {
            if (at < pattern.Length && pattern[at] == '*')
            {
                (behindStar, taken) = (++at, next);
                continue;
            }
            var rest = pattern.AsSpan(at);
            if (next < name.Length && !rest.IsEmpty && TryOne(ref rest, name[next], out var fits) && fits)
            {
                (at, next) = (pattern.Length - rest.Length, next + 1);
                continue;
            }
            if (behindStar < 0 || taken >= name.Length)
                return false;
            (at, next) = (behindStar, ++taken);
        }
        return true;
    }

    /// <summary>Every bracket is closed, every backslash has something behind it.</summary>
    public static bool IsValid(string pattern)
    {
        var rest = pattern.AsSpan();
        while (!rest.IsEmpty)
            if (rest[0] == '*') rest = rest[1..];
            else if (!TryOne(ref rest, ' ', out _)) return false;
        return true;
    }

    // Takes what stands for one character.
    private static bool TryOne(ref ReadOnlySpan<char> pattern, char c, out bool fits)
    {
        fits = true;
        switch (pattern[0])
        {
            case '?':
                pattern = pattern[1..];
                return true;
            case '[':
                return TrySet(ref pattern, c, out fits);
            default:
                if (!TryLiteral(ref pattern, out var literal))
                    return false;
                fits = literal == c;
                return true;
        }
    }

    private static bool TrySet(ref ReadOnlySpan<char> pattern, char c, out bool fits)
    {
        fits = false;
        pattern = pattern[1..];
        var isNegated = pattern is ['^', ..];
        if (isNegated)
            pattern = pattern[1..];
        for (var count = 0; ; count++)
        {
            if (count > 0 && pattern is [']', ..])
            {
                pattern = pattern[1..];
                fits ^= isNegated;
                return true;
            }
            if (pattern is ['-' or ']', ..] || !TryLiteral(ref pattern, out var low))
                return false;
            var high = low;
            if (pattern is ['-', ..])
            {
                pattern = pattern[1..];
                if (pattern is ['-' or ']', ..] || !TryLiteral(ref pattern, out high))
                    return false;
            }
            fits |= low <= c && c <= high;
        }
    }

    private static bool TryLiteral(ref ReadOnlySpan<char> pattern, out char literal)
    {
        literal = '\0';
        if (pattern is ['\\', ..])
            pattern = pattern[1..];
        if (pattern.IsEmpty)
            return false;
        literal = pattern[0];
        pattern = pattern[1..];
        return true;
    }
}
