using System.IO.Enumeration;

namespace Frpc;

/// <summary>A directory with a configuration file for each of many clients.</summary>
internal static class ConfigDirectory
{
    /// <summary>How many clients one process runs: more than anybody has written files for, fewer than would hurt.</summary>
    internal const int MaxFiles = 1024;

    private const int MaxDepth = 32;

    /// <summary>The files in the directory and below it, in the order of their paths. Links to directories are not followed, what cannot be read is passed over.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="fault">Why there is nothing to run: no such directory, or more than <see cref="MaxFiles"/>.</param>
    /// <returns><c>null</c> with a fault.</returns>
    internal static List<string>? Files(string directory, out string fault)
    {
        fault = "";
        if (!Directory.Exists(directory))
        {
            fault = $"open {directory}: no such directory";
            return null;
        }
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.None, MaxRecursionDepth = MaxDepth };
        var files = new FileSystemEnumerable<string>(directory, static (ref FileSystemEntry entry) => entry.ToSpecifiedFullPath(), options)
        {
            ShouldIncludePredicate = static (ref FileSystemEntry entry) => !entry.IsDirectory,
            ShouldRecursePredicate = static (ref FileSystemEntry entry) => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
        };
        var found = files.Take(MaxFiles + 1).ToList();
        if (found.Count > MaxFiles)
        {
            fault = $"{directory}: more than {MaxFiles} files";
            return null;
        }
        found.Sort(StringComparer.Ordinal);
        return found;
    }
}
