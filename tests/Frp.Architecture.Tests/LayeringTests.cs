using System.Xml.Linq;

namespace Frp.Architecture.Tests;

/// <summary>The layering of docs/ARCHITECTURE.md, read from the project files themselves.</summary>
public sealed class LayeringTests
{
    private static readonly string Root = FindRoot();

    // What each project may reference; everything that is not here is forbidden.
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Kcp"] = [],
        ["Yamux"] = [],
        ["Frp.Wire"] = [],
        ["Frp.Config"] = [],
        ["Frp.Hosting"] = ["Frp.Config"],
        ["Frp.Transport"] = ["Kcp", "Yamux", "Frp.Wire"],
        ["Frp.Proxies"] = ["Frp.Transport", "Frp.Config"],
        ["Frp.Web"] = ["Frp.Transport", "Frp.Config"],
        ["Frp.Server"] = ["Frp.Proxies", "Frp.Web"],
        ["Frp.Client"] = ["Frp.Proxies", "Frp.Web"],
        ["frps"] = ["Frp.Server", "Frp.Hosting"],
        ["frpc"] = ["Frp.Client", "Frp.Hosting"],
        // Not shipped: what derives from the model is written, and programs are besieged.
        ["ConfigDocs"] = ["Frp.Proxies"],
        ["Siege"] = ["Frp.TestKit"],
        // Not shipped: it feeds the parsers of all the others.
        ["Frp.Fuzz"] = ["Frp.Server"],
    };

    public static TheoryData<string> Projects() =>
        new(new[] { "src", "eng", "fuzz" }.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.csproj", SearchOption.AllDirectories)));

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_references_only_what_its_layer_may(string path)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        Assert.True(Allowed.TryGetValue(name, out var allowed), $"{name} has no place in the layering: add it here and to docs/ARCHITECTURE.md");
        var references = XDocument.Load(path).Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')));
        Assert.Empty(references.Except(allowed));
    }

    [Theory]
    [InlineData("Kcp")]
    [InlineData("Yamux")]
    public void An_engine_uses_no_package(string name)
    {
        string path = Directory.EnumerateFiles(Path.Combine(Root, "src", "engines"), $"{name}.csproj", SearchOption.AllDirectories).Single();
        Assert.Empty(XDocument.Load(path).Descendants("PackageReference"));
    }

    [Fact]
    public void Only_its_own_folder_names_a_kind_of_proxy()
    {
        string[] kinds = ["\"tcpmux\"", "\"stcp\"", "\"sudp\"", "\"xtcp\""];
        var offenders = from file in Directory.EnumerateFiles(Path.Combine(Root, "src"), "*.cs", SearchOption.AllDirectories)
                        let relative = Path.GetRelativePath(Root, file).Replace('\\', '/')
                        where !relative.Contains("/obj/", StringComparison.Ordinal)
                            && !relative.StartsWith("src/Frp.Proxies/", StringComparison.Ordinal)
                            && !relative.StartsWith("src/Frp.Config/Legacy/", StringComparison.Ordinal)
                        let text = File.ReadAllText(file)
                        where kinds.Any(kind => text.Contains(kind, StringComparison.Ordinal))
                        select relative;
        Assert.Empty(offenders);
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        string solution = File.ReadAllText(Path.Combine(Root, "Frp.slnx"));
        var missing = from folder in new[] { "src", "eng", "fuzz", "tests", "samples" }
                      from file in Directory.EnumerateFiles(Path.Combine(Root, folder), "*.csproj", SearchOption.AllDirectories)
                      let relative = Path.GetRelativePath(Root, file).Replace('\\', '/')
                      where !solution.Contains($"\"{relative}\"", StringComparison.Ordinal)
                      select relative;
        Assert.Empty(missing);
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Frp.slnx"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("the tests run outside the repository");
    }
}
