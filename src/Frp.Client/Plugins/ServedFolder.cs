using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.FileProviders.Physical;
using Microsoft.Extensions.Primitives;

namespace Frp.Client;

/// <summary>A folder whose files are shown to everybody who comes: whatever lies in it, names with a dot in front included.</summary>
/// <remarks>
/// The folder may come and go while the program runs. No path leads out of it but by links that somebody has put there. What has no length is never
/// opened: it is empty, or it is a pipe or a device, which would let its reader wait. <b>Concurrency.</b> Any number of readers.
/// </remarks>
/// <param name="folder">The folder.</param>
internal sealed class ServedFolder(string folder) : IFileProvider, IDisposable
{
    private readonly string _folder = Path.GetFullPath(folder);
    private PhysicalFileProvider? _files;

    public IFileInfo GetFileInfo(string subpath)
    {
        // What ends with a slash is a folder, or nothing.
        if (subpath.EndsWith('/') || Files?.GetFileInfo(subpath) is not { Exists: true, IsDirectory: false, PhysicalPath: { } path }) return new NotFoundFileInfo(subpath);
        var file = new FileInfo(path);
        // The platform tells a link's own length and time.
        if (file.LinkTarget is not null)
        {
            if (file.ResolveLinkTarget(returnFinalTarget: true) is not FileInfo { Exists: true } target) return new NotFoundFileInfo(subpath);
            file = target;
        }
        return file.Length == 0 ? new EmptyFile(file) : new PhysicalFileInfo(file);
    }

    public IDirectoryContents GetDirectoryContents(string subpath) => Files?.GetDirectoryContents(subpath) ?? NotFoundDirectoryContents.Singleton;

    public IChangeToken Watch(string filter) => NullChangeToken.Singleton;

    public void Dispose() => Volatile.Read(ref _files)?.Dispose();

    // The platform's takes a folder only that is there.
    private PhysicalFileProvider? Files
    {
        get
        {
            if (Volatile.Read(ref _files) is { } files) return files;
            if (!Directory.Exists(_folder)) return null;
            Interlocked.CompareExchange(ref _files, new PhysicalFileProvider(_folder, ExclusionFilters.None), null);
            return _files;
        }
    }

    private sealed class EmptyFile(FileInfo file) : IFileInfo
    {
        public bool Exists => true;

        public bool IsDirectory => false;

        public DateTimeOffset LastModified => new(file.LastWriteTimeUtc);

        public long Length => 0;

        public string Name => file.Name;

        public string? PhysicalPath => null;

        public Stream CreateReadStream() => Stream.Null;
    }
}
