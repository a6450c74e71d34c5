using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Frp.Proxies;
using Frp.Wire;

namespace Frp.Config.Tests;

/// <summary>What the reference was seen to do, as recorded in Data.</summary>
public class RecordedTests
{
    public static TheoryData<string> VerifyFiles() => [.. Runs().Select(r => (string)r["file"]!)];

    [Theory]
    [MemberData(nameof(VerifyFiles))]
    public void Verify_says_what_the_reference_says(string file)
    {
        var run = Runs().Single(r => (string)r["file"]! == file);
        var output = Verify(run);
        var expected = run["stdout"]!.AsArray().Select(l => (string)l!).ToList();
        if ((int)run["exit"]! == 0)
        {
            Assert.Empty(output.Errors);
            Assert.Equal(expected.SkipLast(1), output.Warnings.Select(w => "WARNING: " + w));
            return;
        }
        // The reference may stop at its first finding; what it says is among ours.
        Assert.All(expected, line => Assert.Contains(output.Errors, error => error.Contains(KeyWords(line), StringComparison.Ordinal)));
        Assert.All(output.Errors, line => Assert.StartsWith(file + ":", line, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_proxy_is_announced_as_the_reference_does()
    {
        var data = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Data", "new-proxy.json")))!;
        var config = Loading.Client((string)data["config"]!);
        var expected = data["messages"]!.AsArray().ToDictionary(m => (string)m!["proxy_name"]!, m => m!.ToJsonString());
        var actual = config.Proxies.ToDictionary(
            p => ProxyKind.WireName(config.User, p.Name),
            p => Written(ProxyKinds.Find(p.Type)!.ToMessage(p, config.User)));
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        Assert.All(expected, e => Assert.Equal(e.Value, actual[e.Key]));
    }

    private const string Yaml = "error converting YAML to JSON: yaml: line ";

    // The syntax is ours to describe in our words; where it breaks is not.
    private static string KeyWords(string line) =>
        line.StartsWith("toml: ", StringComparison.Ordinal) ? line[..(line.IndexOf(": toml", StringComparison.Ordinal) + 1)]
        : line.StartsWith(Yaml, StringComparison.Ordinal) ? Yaml : line;

    private static (string[] Errors, IReadOnlyList<string> Warnings) Verify(JsonNode run)
    {
        var content = Encoding.UTF8.GetBytes((string)run["config"]!);
        var file = (string)run["file"]!;
        var options = Loading.Verify with { Strict = (bool)run["strict"]! };
        try
        {
            return (string)run["program"]! == "frps"
                ? ([], ConfigLoader.LoadServer(content, file, options).Warnings)
                : ([], ConfigLoader.LoadClient(content, file, ProxyKinds.Catalog, options).Warnings);
        }
        catch (ConfigException e)
        {
            return (e.Message.Split('\n'), []);
        }
    }

    // Members that hold their default are not written.
    private static string Written(NewProxy message)
    {
        var node = JsonSerializer.SerializeToNode(message)!.AsObject();
        foreach (var (name, value) in node.ToList())
            if (value is JsonArray { Count: 0 } or JsonObject { Count: 0 } || value!.ToJsonString() is "\"\"" or "0" or "false")
                node.Remove(name);
        return node.ToJsonString();
    }

    private static IEnumerable<JsonNode> Runs() =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Data", "verify.json")))!["runs"]!.AsArray().Select(r => r!);
}
