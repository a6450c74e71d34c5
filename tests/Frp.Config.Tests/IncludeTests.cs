namespace Frp.Config.Tests;

/// <summary>A client's further files.</summary>
public sealed class IncludeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Files_bring_proxies_and_visitors_and_nothing_else()
    {
        Write("b.toml", "user = \"x\"\nincludes = [\"/nonexistent/x\"]\nserverPort = -5\n[[proxies]]\nname = \"toml\"\ntype = \"tcp\"\n[[visitors]]\nname = \"v\"\ntype = \"stcp\"\nserverName = \"s\"\nbindPort = 1\n");
        Write("a.yaml", "proxies:\n- {name: yaml, type: udp, localPort: {{ len \"abc\" }}}\n");
        Write("c", "{\"proxies\": [{\"name\": \"json\", \"type\": \"tcp\"}]}");
        Directory.CreateDirectory(_folder.At("d.toml"));
        var config = Loading.Client($"includes = [\"{_folder.At("*")}\"]\nuser = \"u\"\n[[proxies]]\nname = \"own\"\ntype = \"tcp\"\n");
        Assert.Equal(["json", "own", "toml", "yaml"], config.Proxies.Select(p => p.Name));
        Assert.Equal(("v", "u", 7000, 3), (config.Visitors.Single().Name, config.User, config.ServerPort, config.Proxies[3].LocalPort));
    }

    [Fact]
    public void A_pattern_without_a_match_is_fine_and_a_directory_that_is_missing_is_not()
    {
        Assert.Empty(Loading.Client($"includes = [\"{_folder.At("*.none")}\"]").Proxies);
        Assert.Equal(["frpc.toml:1: includes[1]: stat /nonexistent/d: no such file or directory"], Loading.ClientErrors($"includes = [\"{_folder.At("x")}\", \"/nonexistent/d/*.toml\"]"));
    }

    [Fact]
    public void A_broken_pattern_matches_nothing_and_is_told()
    {
        Write("a", "nope = 1");
        var loaded = ConfigLoader.LoadClient(System.Text.Encoding.UTF8.GetBytes($"includes = [\"{_folder.At("[a")}\"]"), "f", Proxies.ProxyKinds.Catalog, Loading.Verify);
        Assert.Equal([$"includes[0]: the pattern {_folder.At("[a")} is broken, so it matches no file"], loaded.Warnings);
    }

    [Fact]
    public void A_mistake_is_told_with_the_file_and_its_line()
    {
        Write("1.toml", "\n[[proxies]]\nname = \"a\"\ntype = \"tcp\"\nlocalPort = 99999\n");
        Write("2.toml", "nope = 1\n[[proxies]]\nname = \"b\"\ntype = \"tcp\"\nlocalPrt = 1\n");
        Write("3.toml", "x = = 1");
        Write("4.toml", "{{ if }}");
        Write("5.toml", "[[proxies]]\nname = \"a\"\ntype = \"tcp\"\n[[proxies]]\nname = \"own\"\ntype = \"tcp\"\n");
        Write("6.toml", "[[proxies]]\ntype = \"nope\"\n[[proxies]]\nname = \"late\"\ntype = \"http\"\n");
        string At(int n) => _folder.At($"{n}.toml");
        string Load(int n) => $"load additional config from {At(n)} error: ";
        Assert.Equal(
            [
                "f:2: json: unknown field \"bad\"",
                $"{At(1)}:5: proxies[0].localPort: proxy a: localPort: localPort: port number 99999 must be in the range 0..65535",
                $"{At(2)}:1: {Load(2)}json: unknown field \"nope\"",
                $"{At(2)}:5: proxies[0].localPrt: {Load(2)}decode proxy at index 0: unmarshal ProxyConfig error: json: unknown field \"localPrt\", did you mean \"localPort\"?",
                $"{At(3)}:1: {Load(3)}toml: line 1, column 5: ",
                $"{At(4)}:1: {Load(4)}template: frp:1: missing value for if",
                $"{At(5)}:2: proxies[0].name: proxy name [a] is duplicated",
                $"{At(5)}:5: proxies[1].name: proxy name [own] is duplicated",
                $"{At(6)}:2: proxies[0].type: {Load(6)}decode proxy at index 0: unknown proxy type: nope",
                $"{At(6)}:3: proxies[1].customDomains: proxy late: subdomain and custom domains should not be both empty",
            ],
            Loading.ClientErrors($"includes = [\"{_folder.At("*.toml")}\"]\nbad = 1\n[[proxies]]\nname = \"own\"\ntype = \"tcp\"", "f")
                .Select(e => e.Contains("column 5: ", StringComparison.Ordinal) ? e[..(e.IndexOf("column 5: ", StringComparison.Ordinal) + 10)] : e));
        Assert.DoesNotContain(Loading.ClientErrors($"includes = [\"{_folder.At("2.toml")}\"]\nx = \"", "f"), e => e.Contains("2.toml", StringComparison.Ordinal));
    }

    [Fact]
    public void Files_are_as_strict_as_the_one_that_includes_them()
    {
        Write("a.toml", "nope = 1\n[[proxies]]\nname = \"a\"\ntype = \"tcp\"\nzzz = 1");
        var text = $"includes = [\"{_folder.At("*.toml")}\"]";
        Assert.Single(Loading.Client(text, options: Loading.Verify with { Strict = false }).Proxies);
        Assert.Equal(2, Loading.ClientErrors(text).Length);
    }

    [Fact]
    public void Other_files_are_chosen_and_judged_like_the_own_entries()
    {
        Write("a.toml", "[[proxies]]\nname = \"a\"\ntype = \"tcp\"\n[[proxies]]\nname = \"b\"\ntype = \"tcp\"\nenabled = false\n[[proxies]]\nname = \"c\"\ntype = \"tcp\"\n");
        Assert.Equal(["a"], Loading.Client($"start = [\"a\", \"b\"]\nincludes = [\"{_folder.At("a.toml")}\"]").Proxies.Select(p => p.Name));
    }

    [Theory]
    [InlineData("*", "anything", true)]
    [InlineData("", "", true)]
    [InlineData("abc", "abc", true)]
    [InlineData("*c", "abc", true)]
    [InlineData("a*", "a", true)]
    [InlineData("a*b*c", "aXXbYYc", true)]
    [InlineData("a*b*c", "aXXbYY", false)]
    [InlineData("*.toml", "x.toml", true)]
    [InlineData("*.toml", "x.toml.bak", false)]
    [InlineData("*.toml", ".toml", true)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "ac", false)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[a-c]x", "dx", false)]
    [InlineData("[^a-c]x", "dx", true)]
    [InlineData("[^a]", "a", false)]
    [InlineData("[abc]", "b", true)]
    [InlineData("[\\]a]", "]", true)]
    [InlineData("[\\-]", "-", true)]
    [InlineData("[a-]", "a", false)]
    [InlineData("[-a]", "-", false)]
    [InlineData("[]a]", "]", false)]
    [InlineData("[x-a]", "x", false)]
    [InlineData("\\*", "*", true)]
    [InlineData("\\*", "x", false)]
    [InlineData("a\\b", "ab", true)]
    [InlineData("[a", "a", false)]
    [InlineData("a\\", "a", false)]
    [InlineData("a[", "a", false)]
    [InlineData("a[", "ab", false)]
    [InlineData("*x", "xxx", true)]
    [InlineData("***", "abc", true)]
    [InlineData("a*****************b", "aab", true)]
    public void Patterns_match_as_in_Go(string pattern, string name, bool expected) => Assert.Equal(expected, FileNamePattern.Matches(pattern, name));

    [Fact]
    public void A_pattern_of_many_stars_takes_no_exponential_time() =>
        Assert.False(FileNamePattern.Matches(string.Concat(Enumerable.Repeat("a*", 1000)) + "b", new string('a', 5000)));

    private void Write(string name, string content) => File.WriteAllText(_folder.At(name), content);
}
