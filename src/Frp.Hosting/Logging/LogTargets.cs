using System.Globalization;
using System.Text;

namespace Frp.Hosting;

/// <summary>Where batches of log lines go. Used from one thread.</summary>
internal interface ILogTarget : IDisposable
{
    /// <summary>Writes the lines through to the operating system.</summary>
    void Write(StringBuilder lines, DateTimeOffset now);
}

/// <summary>Standard output.</summary>
internal sealed class ConsoleTarget : ILogTarget
{
    private readonly Stream _output = Console.OpenStandardOutput();

    public void Write(StringBuilder lines, DateTimeOffset now)
    {
        foreach (var chunk in lines.GetChunks()) _output.Write(Encoding.UTF8.GetBytes(chunk.Span.ToArray()));
        _output.Flush();
    }

    public void Dispose() => _output.Dispose();
}

/// <summary>
/// A file that is appended to and, at local midnight, renamed to <c>{base}.{yyyyMMdd-HHmmss}{extension}</c>; renamed files older
/// than the limit are deleted.
/// </summary>
/// <remarks>A new file is readable by its owner only. Source: cli specification §11.</remarks>
internal sealed class RotatingFileTarget : ILogTarget
{
    private const string StampFormat = "yyyyMMdd-HHmmss";

    private readonly string _path;
    private readonly int _maxDays;
    private FileStream _file;
    private DateTime _day;

    internal RotatingFileTarget(string path, int maxDays, DateTimeOffset now)
    {
        (_path, _maxDays, _day) = (Path.GetFullPath(path), maxDays, now.Date);
        _file = Open();
    }

    public void Write(StringBuilder lines, DateTimeOffset now)
    {
        if (now.Date != _day) Rotate(now);
        foreach (var chunk in lines.GetChunks()) _file.Write(Encoding.UTF8.GetBytes(chunk.Span.ToArray()));
        _file.Flush();
    }

    public void Dispose() => _file.Dispose();

    private FileStream Open()
    {
        if (Path.GetDirectoryName(_path) is { Length: > 0 } directory) Directory.CreateDirectory(directory);
        var options = new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete };
        if (!OperatingSystem.IsWindows() && !File.Exists(_path)) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(_path, options);
    }

    private void Rotate(DateTimeOffset now)
    {
        _day = now.Date;
        _file.Dispose();
        string directory = Path.GetDirectoryName(_path)!;
        string name = Path.GetFileNameWithoutExtension(_path), extension = Path.GetExtension(_path);
        try
        {
            if (File.Exists(_path)) File.Move(_path, Path.Combine(directory, $"{name}.{now.ToString(StampFormat, CultureInfo.InvariantCulture)}{extension}"));
            if (_maxDays >= 0) DeleteOlder(directory, name, extension, now.LocalDateTime.AddDays(-_maxDays));
        }
        finally
        {
            _file = Open(); // whatever became of the old file, logging goes on
        }
    }

    private static void DeleteOlder(string directory, string name, string extension, DateTime limit)
    {
        foreach (string file in Directory.EnumerateFiles(directory, $"{name}.*{extension}"))
        {
            string stamp = Path.GetFileName(file)[(name.Length + 1)..^extension.Length];
            if (DateTime.TryParseExact(stamp, StampFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) && time < limit) File.Delete(file);
        }
    }
}
