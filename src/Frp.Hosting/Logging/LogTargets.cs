using System.Globalization;
using System.Text;

namespace Frp.Hosting;

/// <summary>Where batches of log lines go. Used from one thread.</summary>
internal interface ILogTarget : IDisposable
{
    /// <summary>The target has something to do at local midnight, for which it is called with no lines when there are none.</summary>
    bool TurnsDaily { get; }

    /// <summary>Writes the lines through to the operating system.</summary>
    /// <exception cref="IOException">They could not be written. The next call tries afresh.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    void Write(StringBuilder lines, DateTimeOffset now);
}

/// <summary>Standard output.</summary>
internal sealed class ConsoleTarget : ILogTarget
{
    private readonly Stream _output = Console.OpenStandardOutput();

    public bool TurnsDaily => false;

    public void Write(StringBuilder lines, DateTimeOffset now)
    {
        // In one piece: whoever reads a pipe sees whole lines, and no character is cut where a chunk of the builder ends.
        _output.Write(Encoding.UTF8.GetBytes(lines.ToString()));
        _output.Flush();
    }

    public void Dispose() => _output.Dispose();
}

/// <summary>
/// A file that is appended to and, at local midnight, renamed to <c>{base}.{yyyyMMdd-HHmmss}{extension}</c>; renamed files older
/// than the limit are deleted.
/// </summary>
/// <remarks>A new file is readable by its owner only. What is no plain file is written to and nothing else. Source: cli specification §11.</remarks>
internal sealed class RotatingFileTarget : ILogTarget
{
    private const string StampFormat = "yyyyMMdd-HHmmss";
    private const UnixFileMode FileMode0600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode FolderMode0755 = FileMode0600 | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private readonly string _path;
    private readonly int _maxDays;
    private FileStream? _file; // null between a failure and the next try
    private DateTime _day;

    internal RotatingFileTarget(string path, int maxDays, DateTimeOffset now)
    {
        (_path, _maxDays, _day) = (Path.GetFullPath(path), maxDays, now.Date);
        _file = Open();
    }

    public bool TurnsDaily => true;

    public void Write(StringBuilder lines, DateTimeOffset now)
    {
        if (now.Date != _day) Turn(now);
        if (lines.Length == 0) return;
        _file ??= Open();
        // Where the file ends is the file's to say: others may append to it, or empty it.
        if (_file.CanSeek) _file.Seek(0, SeekOrigin.End);
        _file.Write(Encoding.UTF8.GetBytes(lines.ToString()));
    }

    public void Dispose() => _file?.Dispose();

    private FileStream Open()
    {
        if (Path.GetDirectoryName(_path) is { Length: > 0 } folder)
        {
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
            else Directory.CreateDirectory(folder, FolderMode0755);
        }
        // No buffer: lines come in batches, and one that could not be written must not come back with the next.
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 };
        if (!OperatingSystem.IsWindows() && !File.Exists(_path)) options.UnixCreateMode = FileMode0600;
        return new FileStream(_path, options);
    }

    // A device, a pipe or a link to one is no file of ours to rename.
    private bool IsPlainFile => _file is null or { CanSeek: true } && !_path.StartsWith("/dev/", StringComparison.Ordinal) && new FileInfo(_path).LinkTarget is null;

    private void Turn(DateTimeOffset now)
    {
        _day = now.Date;
        if (!IsPlainFile) return;
        _file?.Dispose();
        _file = null;
        string folder = Path.GetDirectoryName(_path)!;
        string name = Path.GetFileNameWithoutExtension(_path), extension = Path.GetExtension(_path);
        try
        {
            if (File.Exists(_path)) File.Move(_path, Path.Combine(folder, $"{name}.{now.ToString(StampFormat, CultureInfo.InvariantCulture)}{extension}"));
            if (_maxDays >= 0) DeleteOlder(folder, name, extension, now.DateTime.AddDays(-_maxDays));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogTrouble.Report(e); // an old file that stays where it is keeps no new line from being written
        }
        _file = Open();
    }

    private static void DeleteOlder(string folder, string name, string extension, DateTime limit)
    {
        if (!Directory.Exists(folder)) return;
        foreach (string file in Directory.EnumerateFiles(folder, $"{name}.*{extension}"))
        {
            string rest = Path.GetFileName(file)[(name.Length + 1)..];
            if (rest.Length != StampFormat.Length + extension.Length) continue; // "a.*" finds a.b as well, and a.b.b
            if (DateTime.TryParseExact(rest[..StampFormat.Length], StampFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) && time < limit) File.Delete(file);
        }
    }
}

/// <summary>The log's own failures, which have nowhere else to go than standard error; the tunnel goes on.</summary>
internal static class LogTrouble
{
    internal static void Report(Exception e) => Console.Error.WriteLine($"log: {e.Message}");
}
