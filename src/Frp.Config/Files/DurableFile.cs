using System.Runtime.InteropServices;

namespace Frp.Config;

/// <summary>Replaces files so that whoever reads them, even behind a loss of power, finds the old content or the new one and nothing between.</summary>
/// <remarks>The content goes to <c>&lt;path&gt;.tmp</c> in the same directory, onto the disk, and takes the file's place by a rename.</remarks>
public static partial class DurableFile
{
    /// <summary>What a new file may be used for: reading and writing by its owner. It holds secrets.</summary>
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // 0755, less what the process's mask takes away.
    private const UnixFileMode Directories = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>Creates or replaces a file, and the directories above it that are missing. Blocks until the disk has it.</summary>
    /// <param name="path">The file. Where it is a link, what it points at is replaced.</param>
    /// <param name="content">The whole of it.</param>
    /// <param name="mode">The file's mode, which counts on Unix only.</param>
    /// <exception cref="IOException">The old content, if any, is still in place.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> content, UnixFileMode mode = OwnerOnly)
    {
        var target = Resolve(path);
        var directory = Path.GetDirectoryName(target)!;
        CreateDirectory(directory);
        var draft = target + ".tmp";
        try
        {
            using (var file = Create(draft, mode))
            {
                // An old draft keeps its mode when it is opened again.
                if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file.SafeFileHandle, mode);
                file.Write(content);
                file.Flush(flushToDisk: true);
            }
            File.Move(draft, target, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Discard(draft);
            throw;
        }
        SyncDirectory(directory);
    }

    /// <summary>Replaces a file that people keep: its mode stays, and where only the file may be written, not its directory, it is written in place.</summary>
    /// <inheritdoc cref="Replace"/>
    public static void Overwrite(string path, ReadOnlySpan<byte> content)
    {
        var target = Resolve(path);
        var mode = !OperatingSystem.IsWindows() && File.Exists(target) ? File.GetUnixFileMode(target) : OwnerOnly;
        try
        {
            Replace(target, content, mode);
        }
        catch (Exception e) when (e is UnauthorizedAccessException || IsMountPoint(e))
        {
            using var file = new FileStream(target, FileMode.Open, FileAccess.Write, FileShare.Read, bufferSize: 0);
            file.Write(content);
            file.SetLength(content.Length);
            file.Flush(flushToDisk: true);
        }
    }

    private static FileStream Create(string path, UnixFileMode mode)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = mode;
        return new FileStream(path, options);
    }

    private static string Resolve(string path) =>
        new FileInfo(path).LinkTarget is null ? Path.GetFullPath(path) : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;

    private static void CreateDirectory(string path)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, Directories);
    }

    private static void Discard(string draft)
    {
        try
        {
            File.Delete(draft);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The failure that led here is the one to tell; the next draft replaces this one.
        }
    }

    // A single file that is mounted into a container cannot be renamed over.
    private static bool IsMountPoint(Exception e)
    {
        const int Busy = 16; // EBUSY, the same on Linux, macOS and the BSDs
        return e is IOException && !OperatingSystem.IsWindows() && e.HResult == Busy;
    }

    /// <summary>The rename itself is on the disk when the directory is.</summary>
    // Best effort: not every file system can, and the content is on the disk already.
    private static void SyncDirectory(string path)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = Open(path, 0);
        if (descriptor < 0) return;
        _ = Sync(descriptor);
        _ = Close(descriptor);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}
