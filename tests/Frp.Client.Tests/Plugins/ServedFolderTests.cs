using Frp.TestKit;

namespace Frp.Client.Tests;

public sealed class ServedFolderTests : IAsyncDisposable
{
    private readonly Workspace _work = new();

    private string Root => Path.Combine(_work.Folder, "root");

    public ServedFolderTests()
    {
        Directory.CreateDirectory(Path.Combine(Root, "sub"));
        File.WriteAllText(Path.Combine(Root, "a"), "12345");
        File.WriteAllText(Path.Combine(Root, "empty"), "");
        File.WriteAllText(Path.Combine(_work.Folder, "outside"), "123");
    }

    public ValueTask DisposeAsync() => _work.DisposeAsync();

    [Theory]
    [InlineData("/a", 5L)]
    [InlineData("a", 5L)]
    [InlineData("/sub/../a", 5L)]
    [InlineData("/empty", 0L)]
    [InlineData("/a/", null)]
    [InlineData("/none", null)]
    [InlineData("/sub", null)]
    [InlineData("/../outside", null)]
    [InlineData("/sub/../../outside", null)]
    [InlineData("/a/../../outside", null)]
    public void Files_are_found_below_the_folder_only(string path, long? length)
    {
        using var folder = new ServedFolder(Root);
        var file = folder.GetFileInfo(path);
        Assert.Equal(length, file.Exists ? file.Length : null);
    }

    [Fact]
    public void A_link_is_what_it_leads_to()
    {
        File.CreateSymbolicLink(Path.Combine(Root, "link"), "../outside");
        File.CreateSymbolicLink(Path.Combine(Root, "second"), "link");
        File.CreateSymbolicLink(Path.Combine(Root, "broken"), "nowhere");
        File.CreateSymbolicLink(Path.Combine(Root, "folder"), "sub");
        using var folder = new ServedFolder(Root);
        Assert.Equal(3, folder.GetFileInfo("/link").Length);
        Assert.Equal(3, folder.GetFileInfo("/second").Length);
        Assert.False(folder.GetFileInfo("/broken").Exists);
        Assert.False(folder.GetFileInfo("/folder").Exists);
        Assert.True(folder.GetDirectoryContents("/folder").Exists);
    }

    [Fact]
    public void What_is_empty_is_never_opened()
    {
        using var folder = new ServedFolder(Root);
        var file = folder.GetFileInfo("/empty");
        Assert.Null(file.PhysicalPath);
        using var content = file.CreateReadStream();
        Assert.Same(Stream.Null, content);
    }

    [Fact]
    public void A_folder_that_is_not_there_is_empty_until_it_comes()
    {
        string late = Path.Combine(_work.Folder, "late");
        using var folder = new ServedFolder(late);
        Assert.False(folder.GetFileInfo("/a").Exists);
        Assert.False(folder.GetDirectoryContents("/").Exists);
        Directory.CreateDirectory(late);
        File.WriteAllText(Path.Combine(late, "a"), "1");
        Assert.True(folder.GetFileInfo("/a").Exists);
        Assert.Single(folder.GetDirectoryContents("/"));
    }

    [Fact]
    public void A_listing_is_sorted_and_its_names_do_no_harm()
    {
        foreach (string name in new[] { "<script>", "\"x\" & 'y'", "javascript:alert(1)", "z?q#f%41" }) File.WriteAllText(Path.Combine(Root, name), "1");
        using var folder = new ServedFolder(Root);
        Assert.Equal(
            [
                "<a href=\"%22x%22%20%26%20%27y%27\">&quot;x&quot; &amp; &#x27;y&#x27;</a>", "<a href=\"%3Cscript%3E\">&lt;script&gt;</a>", "<a href=\"a\">a</a>", "<a href=\"empty\">empty</a>",
                "<a href=\"javascript%3Aalert%281%29\">javascript:alert(1)</a>", "<a href=\"sub/\">sub/</a>", "<a href=\"z%3Fq%23f%2541\">z?q#f%41</a>",
            ],
            FolderListing.Page(folder.GetDirectoryContents("/")).Split('\n')[3..^2]);
    }
}
