using System.Text;

namespace Frp.Config.Tests;

/// <summary>Which format a file has, and how one is told that cannot be read.</summary>
public class DocumentTests
{
    [Theory]
    [InlineData("frps")]
    [InlineData("frps.toml")]
    [InlineData("frps.ini")]
    [InlineData("frps.yaml")]
    [InlineData("/etc/frp.d/x.json")]
    public void Toml_is_toml_under_any_name(string name) => Assert.Equal(7001, Loading.Server("bindPort = 7001", name).BindPort);

    [Theory]
    [InlineData("frps")]
    [InlineData("frps.json")]
    [InlineData("frps.yaml")]
    public void A_brace_begins_json(string name) => Assert.Equal(7001, Loading.Server(" \n\t{\"bindPort\": 7001}\n", name).BindPort);

    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("# only a comment")]
    [InlineData("  # bindPort = {{ .Envs.PORT }}")]
    [InlineData("\uFEFF")]
    [InlineData("\uFEFF# behind a byte order mark")]
    public void Nothing_is_a_configuration(string text) => Assert.Equal(7000, Loading.Server(text, "x").BindPort);

    [Theory]
    [InlineData("\tbindPort = 7001\n\t[transport]\n\t\tmaxPoolCount = 9\n")]
    [InlineData("bindPort=7001\r\n[transport]\r\nmaxPoolCount=9\r\n")]
    [InlineData("bindPort = 7001\ntransport.maxPoolCount = 9")]
    [InlineData("bindPort = 7001\ntransport = { maxPoolCount = 9 }")]
    [InlineData("\"bindPort\" = 7_001\n'transport'.\"maxPoolCount\" = 0x9")]
    [InlineData("version = \"1\"\nbindPort = 7001 # note\n[ transport ]\nmaxPoolCount = +9")]
    public void Many_ways_to_write_the_same(string text)
    {
        var config = Loading.Server(text, "x");
        Assert.Equal((7001, 9), (config.BindPort, config.Transport.MaxPoolCount));
    }

    [Fact]
    public void Tables_below_an_array_belong_to_its_newest_element()
    {
        var config = Loading.Client("""
            [[proxies]]
            name = "a"
            type = "tcp"
            [proxies.transport]
            useEncryption = true
            [[proxies]]
            name = "b"
            type = "tcp"
            [proxies.transport]
            useCompression = true
            [proxies.metadatas]
            k = "v"
            """);
        Assert.Equal([(true, false, 0), (false, true, 1)], config.Proxies.Select(p => (p.Transport.UseEncryption, p.Transport.UseCompression, p.Metadatas.Count)));
    }

    [Theory]
    [InlineData("a = = b", 1, 5)]
    [InlineData("bindPort = 1\nbindPort = 2", 2, 1)]
    [InlineData("\n[transport", 2, 11)]
    [InlineData("x = \"abc", 1, 8)]
    [InlineData("transport = {}\n[transport]\ntcpMux = true", 2, 2)]
    public void Broken_toml_is_told_with_line_and_column(string text, int line, int column)
    {
        var error = Assert.Single(Loading.ServerErrors(text, "dir/frps.TOML"));
        Assert.StartsWith($"dir/frps.TOML:{line}: toml: line {line}, column {column}: ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a = 1\na = 2")]
    [InlineData("a = 1\n\"a\" = 2")]
    [InlineData("a.b = 1\na.b = 2")]
    [InlineData("a = 1\na.b = 2")]
    [InlineData("a.b = 1\na = 2")]
    [InlineData("[a]\n[a]")]
    [InlineData("[a]\nb = 1\n[a.b]")]
    [InlineData("a.b = 1\n[a]")]
    [InlineData("a = {}\n[a.b]")]
    [InlineData("a = {b = 1}\na.c = 2")]
    [InlineData("a = {b.c = 1, b = 2}")]
    [InlineData("a = []\n[[a]]")]
    [InlineData("a = [{}]\n[a.b]")]
    [InlineData("[a]\n[[a]]")]
    [InlineData("[[a]]\n[a]")]
    [InlineData("[[a]]\n[a.b]\n[a.b]")]
    [InlineData("[[a]]\nb = {}\n[a.b]")]
    [InlineData("[a.b]\n[a]\nb.c = 1")]
    [InlineData("[a.b.c]\n[a]\nb.c.d = 1")]
    public void A_key_is_defined_once(string text)
    {
        var error = Assert.Single(Loading.ServerErrors(text, options: Loading.Verify with { Strict = false }));
        Assert.EndsWith(" is already defined", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[a.b]\n[a]\nc = 1")]
    [InlineData("[a]\nb.c = 1\nb.d = 2\n[a.b.e]")]
    [InlineData("a = {b.c = 1, b.d = 2}")]
    [InlineData("[[a]]\n[a.b]\n[[a]]\nb = {}\n[[a]]\nb.c = 1\n[[a]]\n[[a.b]]\n[a.b.c]\n[[a.b]]\n[a.b.c]")]
    public void Tables_are_put_together_from_parts(string text) => Assert.NotNull(Loading.Server(text, options: Loading.Verify with { Strict = false }));

    [Theory]
    [InlineData("a = 1\nb = \"\\", 2, 7)]
    [InlineData("\"\"\"\\", 1, 5)]
    public void A_text_cut_off_within_an_escape_is_told(string text, int line, int column) =>
        Loading.ServerError(text, $"frps.toml:{line}: toml: line {line}, column {column}: a text ends within an escape");

    [Fact]
    public void Broken_json_is_told_with_line_and_column()
    {
        Assert.StartsWith("f:2: json: line 2, column 14: ", Assert.Single(Loading.ServerErrors("{\n \"bindPort\": x}", "f")), StringComparison.Ordinal);
        Assert.StartsWith("f:2: json: line 2, column ", Assert.Single(Loading.ServerErrors("{\n} x", "f")), StringComparison.Ordinal);
        Assert.StartsWith("f:1: json: ", Assert.Single(Loading.ServerErrors("{\"bindAddr\": \"\\ud800\"}", "f")), StringComparison.Ordinal);
        Assert.StartsWith("f:1: json: ", Assert.Single(Loading.ServerErrors("{", "f")), StringComparison.Ordinal);
        Assert.StartsWith("f.toml:1: toml: ", Assert.Single(Loading.ServerErrors("{}", "f.toml")), StringComparison.Ordinal);
    }

    [Fact]
    public void Text_that_is_not_utf8_is_told_with_its_line()
    {
        var e = Assert.Throws<ConfigException>(() => ConfigLoader.LoadServer([.. "bindPort = 1\nuser = \""u8, 0xff, .. "\""u8], "f.toml"));
        Assert.Equal("f.toml:2: the file is not UTF-8 text", e.Message);
    }

    [Theory]
    [InlineData("[", "]")]
    [InlineData("{a=", "}")]
    public void Deep_nesting_is_a_mistake_and_no_end_of_the_program(string open, string close)
    {
        var deep = string.Concat(Enumerable.Repeat(open, 100_000)) + string.Concat(Enumerable.Repeat(close, 100_000));
        Assert.Contains("toml: line 1", Assert.Single(Loading.ServerErrors("x = " + deep)), StringComparison.Ordinal);
        Assert.Contains("json: line 1", Assert.Single(Loading.ServerErrors("{\"x\": " + deep.Replace("{a=", "{\"a\":", StringComparison.Ordinal) + "}", "f")), StringComparison.Ordinal);
        var dotted = string.Join('.', Enumerable.Repeat("a", 100_000));
        Assert.Contains("toml: line 1", Assert.Single(Loading.ServerErrors(dotted + " = 1")), StringComparison.Ordinal);
    }

    [Fact]
    public void Files_are_read_by_path()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("frps"), "bindPort = 7001");
        Assert.Equal(7001, ConfigLoader.LoadServer(folder.At("frps"), Loading.Verify).Config.BindPort);
        Assert.Equal("open /nonexistent/x: no such file or directory", Message("/nonexistent/x"));
        Assert.Equal("open : no such file or directory", Message(""));
        Assert.Equal($"read {folder.Path}: is a directory", Message(folder.Path));

        static string Message(string path) => Assert.Throws<ConfigException>(() => ConfigLoader.LoadServer(path)).Message;
    }

    [Fact]
    public void A_file_beyond_the_bound_is_refused()
    {
        using var folder = new TemporaryFolder();
        using (var file = File.Create(folder.At("big")))
            file.SetLength(ConfigFile.MaxBytes + 1);
        Assert.Equal($"{folder.At("big")}: larger than {ConfigFile.MaxBytes} bytes", Assert.Throws<ConfigException>(() => ConfigLoader.LoadServer(folder.At("big"))).Message);
        Assert.Throws<ConfigException>(() => ConfigLoader.LoadServer(Encoding.UTF8.GetBytes(new string('\n', ConfigFile.MaxBytes + 1)), "f"));
    }
}

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("frp-config-").FullName;
    public string At(string name) => System.IO.Path.Combine(Path, name);
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
