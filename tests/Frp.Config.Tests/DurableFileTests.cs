using System.Runtime.Versioning;

namespace Frp.Config.Tests;

/// <summary>Files that are replaced as a whole or not at all.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class DurableFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("frp-durable-");

    public void Dispose()
    {
        File.SetUnixFileMode(_folder.FullName, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        _folder.Delete(recursive: true);
    }

    [Fact]
    public void A_new_file_is_its_owners_and_its_directories_are_made()
    {
        string path = At("a/b/file");
        DurableFile.Replace(path, "one"u8);
        Assert.Equal("one", File.ReadAllText(path));
        Assert.Equal(DurableFile.OwnerOnly, File.GetUnixFileMode(path));
        Assert.True(File.GetUnixFileMode(At("a/b")).HasFlag(UnixFileMode.UserExecute));
        Assert.False(File.GetUnixFileMode(At("a/b")).HasFlag(UnixFileMode.OtherWrite));
        Assert.Equal([path], Directory.GetFiles(At("a/b")));
    }

    [Fact]
    public void An_old_draft_is_no_obstacle()
    {
        string path = At("file");
        File.WriteAllText(path + ".tmp", "half of something longer");
        File.SetUnixFileMode(path + ".tmp", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        DurableFile.Replace(path, "two"u8);
        Assert.Equal("two", File.ReadAllText(path));
        Assert.Equal(DurableFile.OwnerOnly, File.GetUnixFileMode(path));
    }

    [Fact]
    public void What_cannot_be_written_leaves_the_old_content()
    {
        string path = At("file");
        File.WriteAllText(path, "old");
        // Not even root can put a file where a directory is.
        Directory.CreateDirectory(path + ".tmp");
        Assert.ThrowsAny<Exception>(() => DurableFile.Replace(path, "new"u8));
        Assert.Equal("old", File.ReadAllText(path));
    }

    [Fact]
    public void A_file_that_people_keep_keeps_its_mode_and_its_link()
    {
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        string target = At("target"), link = At("link");
        File.WriteAllText(target, "something much longer");
        File.SetUnixFileMode(target, Mode);
        File.CreateSymbolicLink(link, target);
        DurableFile.Overwrite(link, "new"u8);
        Assert.Equal(("new", target, Mode), (File.ReadAllText(target), new FileInfo(link).LinkTarget, File.GetUnixFileMode(target)));
        DurableFile.Overwrite(At("fresh"), "first"u8);
        Assert.Equal(DurableFile.OwnerOnly, File.GetUnixFileMode(At("fresh")));
    }

    [Fact]
    public void Where_no_draft_can_be_made_it_is_written_in_place()
    {
        string path = At("file");
        File.WriteAllText(path, "something much longer");
        Directory.CreateDirectory(path + ".tmp");
        DurableFile.Overwrite(path, "new"u8);
        Assert.Equal("new", File.ReadAllText(path));
    }

    private string At(string name) => Path.Combine(_folder.FullName, name);
}
