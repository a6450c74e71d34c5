namespace Frp.Transport;

/// <summary>By what a file's content is told from another without reading it.</summary>
/// <param name="Written">When it was written last; <see cref="DateTime.MinValue"/> for a file that is not there.</param>
/// <param name="Length">Its length in bytes.</param>
internal readonly record struct FileStamp(DateTime Written, long Length)
{
    /// <summary>Looks at the file itself, behind all links: renewal by exchanging a link (certbot, Kubernetes) is a change too.</summary>
    internal static FileStamp Of(string path)
    {
        try
        {
            // Not opened: a pipe would wait for its writer.
            var file = (FileInfo?)File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path);
            return file.Exists ? new FileStamp(file.LastWriteTimeUtc, file.Length) : default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return default; // whoever reads the file is told why he cannot
        }
    }

    /// <summary>Whether somebody may still be writing it. A file of the future has a wrong clock, and is as good as any.</summary>
    internal bool IsYoungerThan(TimeSpan age, DateTimeOffset now) => now.UtcDateTime - Written is { Ticks: >= 0 } actual && actual < age;
}
